//! How an outpost begins and ends: readiness, drain, close frames, the service manager, exit codes.

#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "life_cycle/exit_codes.rs"]
mod exit_codes;
#[path = "life_cycle/leaving.rs"]
mod leaving;
#[path = "life_cycle/rolling.rs"]
mod rolling;
#[path = "life_cycle/service_manager.rs"]
mod service_manager;
#[path = "life_cycle/websockets.rs"]
mod websockets;
