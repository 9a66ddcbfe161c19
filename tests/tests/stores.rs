//! Session stores against real servers: what every store must do, and what each does when its
//! server is not what it should be.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "stores/contract.rs"]
mod contract;
#[path = "stores/cost.rs"]
mod cost;
#[path = "stores/dying.rs"]
mod dying;
#[path = "stores/failover.rs"]
mod failover;
#[path = "stores/faults.rs"]
mod faults;
#[path = "stores/indexes.rs"]
mod indexes;
#[path = "stores/log.rs"]
mod log;
#[path = "stores/support.rs"]
mod support;
