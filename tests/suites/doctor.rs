//! The commonest misconfigurations, each made for real: the doctor names it, and no longer does
//! once it is mended.

mod alone;
mod configuration;
mod support;
mod surroundings;
mod traffic;
