//! How an outpost begins and ends: readiness, drain, close frames, the service manager, exit codes.

mod exit_codes;
mod leaving;
mod rolling;
mod service_manager;
mod websockets;
