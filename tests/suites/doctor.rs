//! The commonest misconfigurations, each made for real: the doctor names it, and no longer does
//! once it is mended.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod alone;
mod configuration;
mod support;
mod surroundings;
mod traffic;
