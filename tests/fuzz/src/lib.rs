//! Fuzz targets: whatever of the outpost reads what strangers send, with assertions about what comes
//! of it.
//!
//! A target is a plain function of bytes. Any input must pass it: it panics where the outpost has
//! broken a promise. `tests/fuzz/run` drives the targets with libFuzzer, and the test `corpus` replays
//! every input that is kept, without a fuzzer.
//!
//! Inputs are lines of text, so that people can read them and write them; what a line means, each
//! target says. Nothing here shares code with what it judges but its public functions: [`naive`] says
//! once more, in the plainest way, what a path and an origin are.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a target panics where a promise is broken"
)]

pub mod input;
pub mod naive;
pub mod site;
mod targets;

pub use targets::{TARGETS, Target, target};
