//! Session stores against real servers: what every store must do, and what each does when its
//! server is not what it should be.

mod contract;
mod cost;
mod dying;
mod failover;
mod faults;
mod indexes;
mod log;
mod support;
