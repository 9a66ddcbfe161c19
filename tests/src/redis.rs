//! Real Redis and Valkey servers on loopback: one, behind sentinels, or as a cluster.
//!
//! Everything here blocks the calling thread for a short, bounded while: the servers are processes
//! of their own.

mod cli;
mod monitor;
mod options;
mod server;

pub use monitor::Monitor;
pub use options::{Options, Product};
pub use server::{Data, RedisServer};
