//! Views of an outpost that knows nothing, for tests.

use std::sync::Arc;

use outpost_dashboard::model::Fleet;
use outpost_decision::time::Timestamp;

use super::{ViewParts, Views};
use crate::drain::Drain;
use crate::ops::journal::Journal;
use crate::ops::metrics::Metrics;
use crate::ops::readiness::{Readiness, StoreReach};
use crate::publish::published;
use crate::session::memory::MemoryStore;
use crate::session::{SessionOptions, Sessions};
use crate::snapshot::Snapshot;
use crate::status::link::LinkStatus;
use crate::status::{ProviderStates, RegistryStatus};

/// Parts where nothing has happened yet, to be changed by whoever tests.
pub(crate) fn parts() -> ViewParts {
    let (_, snapshot) = published(Snapshot::default());
    ViewParts {
        instance: "0f0e".to_owned(),
        hostname: "here".to_owned(),
        core: "https://core.example.com/".to_owned(),
        snapshot: snapshot.clone(),
        status: published(RegistryStatus::default()).1,
        providers: published(ProviderStates::default()).1,
        link: published(LinkStatus::idle(Timestamp(0))).1,
        fleet: published(Fleet::default()).1,
        readiness: Readiness::new(snapshot, StoreReach::default(), Drain::never()),
        journal: Arc::new(Journal::new(64)),
        metrics: Arc::new(Metrics::new("1", "b").unwrap()),
        sessions: Sessions::with(Arc::new(MemoryStore::new(1000)), SessionOptions::default(), None),
    }
}

/// Views of [`parts`].
pub(crate) fn views() -> Views {
    Views::new(parts())
}
