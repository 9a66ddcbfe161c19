//! The outpost at one moment.

use serde::{Deserialize, Serialize};

use super::{Fleet, Notice, ProviderRow, Store, Traffic};

/// The whole outpost at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// The moment.
    pub now: i64,
    /// The outpost's name in core; empty until known.
    pub outpost: String,
    /// Version of this program.
    pub version: String,
    /// Id of this instance.
    pub instance: String,
    /// Base URL of core.
    pub core: String,
    /// The version core has, where it told.
    pub core_version: Option<String>,
    /// The websocket to core.
    pub link: Link,
    /// Getting the configuration.
    pub refresh: Refresh,
    /// What keeps traffic away; empty when ready.
    pub missing: Vec<Notice>,
    /// Findings, worst first, about the outpost and its providers.
    pub findings: Vec<Notice>,
    /// This replica and the others.
    pub fleet: Fleet,
    /// Where sessions are kept.
    pub store: Store,
    /// Requests and decisions of this replica over the last 15 minutes.
    pub traffic: Traffic,
    /// Providers with the largest p99 over the last 15 minutes, slowest first, at most five.
    pub slowest: Vec<ProviderRow>,
    /// How many providers there are.
    pub providers: usize,
    /// Live sessions of all replicas; `None` while the store cannot tell.
    pub sessions: Option<usize>,
}

/// The websocket to core.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it is doing.
    pub state: LinkState,
    /// Since when.
    pub since: Option<i64>,
    /// When the last hello was sent.
    pub last_hello: Option<i64>,
    /// When core last acknowledged one.
    pub last_ack: Option<i64>,
    /// What the last failure said.
    pub error: Option<String>,
}

/// What the websocket is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Connecting for the first time.
    #[default]
    Connecting,
    /// Core acknowledges hellos.
    Connected,
    /// Not connected; tried again and again.
    Disconnected,
    /// Ended on purpose.
    Stopped,
}

/// Getting the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// When it last went well.
    pub last_success: Option<i64>,
    /// When it is tried next.
    pub next: Option<i64>,
    /// Why it went wrong the last time.
    pub error: Option<String>,
    /// Counts up with each change of the configuration in effect; 0 until there is one.
    pub generation: u64,
}
