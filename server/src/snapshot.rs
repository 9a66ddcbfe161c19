//! What one request is decided by: immutable, published whole by the registry.

#[cfg(test)]
pub(crate) mod testing;

use outpost_decision::finding::Finding;
use outpost_decision::ruleset::Ruleset;
use outpost_decision::time::Timestamp;
use serde_json::{Map, Value};

/// The configuration in effect.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Counts up with each published change; 0 until core was heard for the first time.
    pub generation: u64,
    /// The compiled providers.
    pub ruleset: Ruleset,
    /// What core calls this outpost.
    pub outpost: OutpostIdentity,
    /// Findings about providers and the outpost as a whole.
    pub findings: Vec<ProviderFinding>,
    /// When core last answered a refresh in full.
    pub refreshed_at: Option<Timestamp>,
}

impl Snapshot {
    /// Whether a configuration has been received at all.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.generation > 0
    }
}

/// What core calls this outpost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutpostIdentity {
    /// Core's uuid of it; empty until known.
    pub uuid: String,
    /// Its name in core; empty until known.
    pub name: String,
    /// Whether it is the embedded outpost.
    pub embedded: bool,
    /// Seconds between refreshes.
    pub refresh_interval_seconds: u64,
    /// `log_level` option of core, where set.
    pub log_level: Option<String>,
    /// Every option as core said it, those for whoever deploys outposts among them.
    pub options: Map<String, Value>,
}

/// A finding and whom it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderFinding {
    /// Key and name of the provider; `None` for the outpost as a whole.
    pub provider: Option<(i64, String)>,
    /// The finding.
    pub finding: Finding,
}
