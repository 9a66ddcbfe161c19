//! What decisions and whole requests cost, counted and not timed: on a busy machine as on an idle one,
//! instructions and allocations are what they are. Each is held against a baseline that is kept here and
//! shown in the README; `UPDATE_BASELINE=1 ./tests/run costs::` takes a new one.
//!
//! Tests, and no command of their own: the one that builds the optimised program does so beside the
//! other tests, most of which wait.

mod baseline;
mod callgrind;
mod compare;
mod decisions;
mod requests;
