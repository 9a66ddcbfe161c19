//! Read models for operators: what pages, the API and the live feed show, each worked out in one
//! place from what actors publish, the journal and the session store. None holds a secret.

mod decisions;
mod doctor;
mod explain;
mod near;
mod notice;
mod overview;
mod providers;
mod reasoning;
mod sessions;
#[cfg(test)]
pub(crate) mod testing;

pub use self::explain::Served;

use std::fmt;
use std::sync::Arc;

use outpost_dashboard::model::{Fleet, ProviderRef, Shell, Standing, Viewer};
use outpost_decision::link::LinkState;
use outpost_render::Site;

use super::activity::{Activity, StoreActivity};
use super::journal::Journal;
use super::metrics::Metrics;
use super::questions::Questions;
use super::readiness::{Readiness, StoreReach};
use crate::clock;
use crate::http::unbelieved::Unbelieved;
use crate::publish::Published;
use crate::session::Sessions;
use crate::snapshot::Snapshot;
use crate::status::link::LinkStatus;
use crate::status::probes::Probes;
use crate::status::{ProviderStates, RegistryStatus};
use crate::tls::CertificateIndex;

/// What the views are taken from.
pub struct ViewParts {
    /// Our uuid.
    pub instance: String,
    /// Name of our machine.
    pub hostname: String,
    /// Base URL of core.
    pub core: String,
    /// The configuration in effect.
    pub snapshot: Published<Snapshot>,
    /// How refreshing goes.
    pub status: Published<RegistryStatus>,
    /// Every provider that has an actor.
    pub providers: Published<ProviderStates>,
    /// The link to core.
    pub link: Published<LinkStatus>,
    /// This replica and the others, as presence publishes them.
    pub fleet: Published<Fleet>,
    /// What is outside: applications, core's clock.
    pub probes: Published<Probes>,
    /// Peers whose forwarding headers were not believed.
    pub unbelieved: Unbelieved,
    /// What keeps traffic away.
    pub readiness: Readiness,
    /// The latest decisions.
    pub journal: Arc<Journal>,
    /// The figures.
    pub metrics: Arc<Metrics>,
    /// What happened over the last minutes.
    pub activity: Arc<Activity>,
    /// The same of the session store.
    pub store_activity: Arc<StoreActivity>,
    /// Whether the session store answers.
    pub store_reach: StoreReach,
    /// Which certificate answers for which name.
    pub certificates: Published<CertificateIndex>,
    /// The sessions.
    pub sessions: Sessions,
    /// The settings that requests are decided by.
    pub served: Served,
    /// Where things are, for configuration of what stands around the outpost.
    pub site: Site,
    /// Where sessions are kept, as the settings say.
    pub store: StorePlace,
    /// What other replicas are asked.
    pub questions: Arc<Questions>,
}

/// Where sessions are kept. Holds no credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorePlace {
    /// `memory`, `file`, `redis`, `redis+sentinel` or `redis+cluster`.
    pub kind: &'static str,
    /// The path or the URL, empty for `memory`.
    pub place: String,
}

/// The views. Cheap to clone.
#[derive(Clone)]
pub struct Views {
    parts: Arc<ViewParts>,
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Views").field("instance", &self.parts.instance).finish_non_exhaustive()
    }
}

impl Views {
    /// Views of these parts.
    #[must_use]
    pub fn new(parts: ViewParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// What stands around every page, for `viewer`.
    #[must_use]
    pub fn shell(&self, viewer: Viewer) -> Shell {
        Shell {
            now: clock::now().0,
            outpost: self.parts.snapshot.load().outpost.name.clone(),
            version: crate::VERSION.to_owned(),
            instance: self.parts.instance.clone(),
            standing: self.standing(),
            viewer,
            done: None,
        }
    }

    /// What other replicas are asked, and ask.
    #[must_use]
    pub fn questions(&self) -> Arc<Questions> {
        Arc::clone(&self.parts.questions)
    }

    /// How it stands with the outpost, at one glance.
    #[must_use]
    pub fn standing(&self) -> Standing {
        if !self.parts.readiness.report().missing.is_empty() {
            Standing::NotReady
        } else if self.parts.link.load().state != LinkState::Up
            || self.parts.status.load().last_error.is_some()
        {
            Standing::WithoutCore
        } else {
            Standing::Serving
        }
    }

    /// This replica and the others.
    #[must_use]
    pub fn fleet(&self) -> Fleet {
        Fleet::clone(&self.parts.fleet.load())
    }

    /// Core's key of a provider with its name, as far as the configuration in effect knows it.
    fn provider_ref(&self, pk: i64) -> ProviderRef {
        let snapshot = self.parts.snapshot.load();
        let name = snapshot.ruleset.provider(pk).map(|provider| provider.name.clone());
        ProviderRef { pk, name: name.unwrap_or_default() }
    }

    /// Every provider, by name.
    fn provider_refs(&self) -> Vec<ProviderRef> {
        let snapshot = self.parts.snapshot.load();
        let mut all: Vec<_> = snapshot
            .ruleset
            .providers()
            .iter()
            .map(|provider| ProviderRef { pk: provider.pk, name: provider.name.clone() })
            .collect();
        all.sort_by(|left, right| left.name.cmp(&right.name));
        all
    }
}
