//! What other suites rely on: real stores, replicas, and faults between them and whoever uses them.

mod groups;
mod network;
mod replicas;
mod single;
