//! What other suites rely on: real stores, replicas, and faults between them and whoever uses them.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod groups;
mod network;
mod replicas;
mod single;
