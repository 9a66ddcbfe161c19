//! How an outpost begins and ends: readiness, drain, close frames, the service manager, exit codes.

#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

mod exit_codes;
mod leaving;
mod rolling;
mod service_manager;
mod websockets;
