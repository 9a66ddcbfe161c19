//! What the demo is made of, usable on its own: a stand-in authentik core ([`core::StandInCore`]) that
//! answers as the captured payloads of the real one do, a sample application ([`sample_app::SampleApp`]) that
//! shows what reached it, and the demo's own cast ([`cast`]: providers, users, ports).
//!
//! The black-box tests use the same stand-in: one place says how core behaves.

pub mod cast;
pub mod core;
mod pages;
pub mod sample_app;
mod server_thread;
mod socket;
