//! The replicas, and the store they share.

use serde::{Deserialize, Serialize};

/// All replicas that share this one's session store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// Whether the store is one that replicas can share.
    pub shared: bool,
    /// This replica first, then the others by host name.
    pub replicas: Vec<Replica>,
    /// Why the others cannot be told of, while they cannot.
    pub error: Option<String>,
}

/// One replica, as it last said of itself. Other versions may leave fields out, or add some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replica {
    /// Its uuid, new with each start.
    pub instance: String,
    /// Name of its machine.
    pub hostname: String,
    /// Whether it is the one that answers.
    pub this: bool,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started: i64,
    /// When it last said something.
    pub seen: i64,
    /// Requests a second over the last 10 seconds.
    pub requests_per_second: f64,
    /// Requests answered with an error of ours or an application away, over the last minute.
    pub errors_last_minute: u64,
    /// Sessions in its cache.
    pub cached_sessions: usize,
    /// Generation of its configuration: counts its own changes.
    pub generation: u64,
    /// A short fingerprint of its configuration: replicas that agree have the same one. Empty
    /// until it has one.
    pub configuration: String,
    /// When core last confirmed its configuration.
    pub refreshed: Option<i64>,
    /// Whether its websocket to core is up.
    pub core_connected: bool,
    /// Whether it takes traffic.
    pub ready: bool,
    /// Whether it is on its way out.
    pub draining: bool,
}

/// The session store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Store {
    /// `memory`, `file`, `redis`, `redis+sentinel` or `redis+cluster`.
    pub kind: String,
    /// Where it is, without user and password; empty for `memory`.
    pub place: String,
    /// Whether replicas can share it.
    pub shared: bool,
    /// Whether it outlives a restart.
    pub durable: bool,
    /// Whether it answered the last question.
    pub reachable: bool,
    /// Questions over the last 15 minutes.
    pub operations: u64,
    /// Questions among them that were not answered.
    pub failures: u64,
    /// How long its answers took over the last 15 minutes.
    pub speed: Option<super::Speed>,
    /// What its last failure said, and when.
    pub last_failure: Option<(i64, String)>,
}
