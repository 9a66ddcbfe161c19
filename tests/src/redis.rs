//! Real Redis and Valkey servers on loopback: one, behind sentinels, or as a cluster.
//!
//! Everything here blocks the calling thread for a short, bounded while: the servers are processes
//! of their own.

mod cli;
mod cluster;
mod monitor;
mod options;
mod sentinels;
mod server;

pub use cluster::{Move, RedisCluster};
pub use monitor::Monitor;
pub use options::{Options, Product};
pub use sentinels::{MASTER, Sentinels};
pub use server::{Data, RedisServer};
