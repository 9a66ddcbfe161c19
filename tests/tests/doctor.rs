//! The commonest misconfigurations, each made for real: the doctor names it, and no longer does
//! once it is mended.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "doctor/alone.rs"]
mod alone;
#[path = "doctor/configuration.rs"]
mod configuration;
#[path = "doctor/support.rs"]
mod support;
#[path = "doctor/surroundings.rs"]
mod surroundings;
#[path = "doctor/traffic.rs"]
mod traffic;
