//! How the control plane is doing: read models for readiness, metrics and operators.

pub mod link;
pub mod probes;

use std::collections::BTreeMap;
use std::sync::Arc;

use outpost_decision::finding::Finding;
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;
use outpost_decision::wire::GlobalConfig;

use crate::authentik::ApiError;
use crate::publish::Published;

/// How refreshing from core goes.
#[derive(Clone, Debug, Default)]
pub struct RegistryStatus {
    /// Generation of the configuration in effect; 0 until there is one.
    pub generation: u64,
    /// Refreshes that have ended, well or not.
    pub refreshes: u64,
    /// When the last one began.
    pub last_attempt: Option<Timestamp>,
    /// When the last one that went well ended.
    pub last_success: Option<Timestamp>,
    /// When the next one is due, unless something asks for it earlier.
    pub next_attempt: Option<Timestamp>,
    /// Failures since the last success.
    pub failures: u32,
    /// Why the last one failed; `None` when it went well.
    pub last_error: Option<ApiError>,
    /// The version core expects of outposts, where it told.
    pub expected_version: Option<String>,
    /// Core's global configuration, as last seen.
    pub global: GlobalConfig,
    /// Set while what is served comes from the session store, because core has not answered since
    /// the start: when core said it.
    pub last_known_good: Option<Timestamp>,
    /// When it was last seen to that what core says is kept for a start without it; `None` also
    /// where it is not to be kept.
    pub kept: Option<Timestamp>,
}

impl RegistryStatus {
    /// Whether core answered the last refresh in full.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.last_success.is_some() && self.last_error.is_none()
    }
}

/// One provider, as its actor publishes it.
#[derive(Clone, Debug)]
pub struct ProviderState {
    /// Core's key of it.
    pub pk: i64,
    /// Its name in core.
    pub name: String,
    /// Its last good version; `None` when there never was one.
    pub provider: Option<Arc<Provider>>,
    /// Whether `provider` is what core said last. When not, `findings` say why.
    pub up_to_date: bool,
    /// What an operator should know about its configuration.
    pub findings: Vec<Finding>,
    /// Its sessions.
    pub sessions: SessionFigures,
}

/// The sessions of one provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionFigures {
    /// How many there are; `None` while the store cannot tell.
    pub live: Option<usize>,
    /// How many were ended all at once by an operator or because the provider was removed.
    pub ended: u64,
}

/// Every provider that has an actor, by core's key.
pub type ProviderStates = BTreeMap<i64, Published<ProviderState>>;
