//! Session stores against real servers: what every store must do, and what each does when its
//! server is not what it should be.

#[path = "stores/contract.rs"]
mod contract;
#[path = "stores/support.rs"]
mod support;
