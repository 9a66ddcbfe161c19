//! What other suites rely on: real stores, replicas, and faults between them and whoever uses them.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "harness/groups.rs"]
mod groups;
#[path = "harness/network.rs"]
mod network;
#[path = "harness/replicas.rs"]
mod replicas;
#[path = "harness/single.rs"]
mod single;
