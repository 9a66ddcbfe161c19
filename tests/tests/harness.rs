//! What other suites rely on: real stores, and faults between them and whoever uses them.

#[path = "harness/single.rs"]
mod single;
