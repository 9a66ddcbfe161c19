//! Views of an outpost that knows nothing, for tests.

use std::sync::Arc;
use std::time::Duration;

use outpost_dashboard::model::Fleet;
use outpost_decision::decide::Scripts;
use outpost_decision::decision::{Action, Decision, Reason, Step};
use outpost_decision::headers::IdentityRules;
use outpost_decision::lifetime::Lifetimes;
use outpost_decision::origin::{Trust, TrustedNetworks};
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;
use outpost_render::Site;
use secrecy::SecretString;

use super::{Served, StorePlace, ViewParts, Views};
use crate::drain::Drain;
use crate::http::Policy;
use crate::http::unbelieved::Unbelieved;
use crate::ops::event::Decided;
use crate::ops::journal::Journal;
use crate::ops::metrics::Metrics;
use crate::ops::questions::Questions;
use crate::ops::readiness::{Readiness, StoreReach};
use crate::publish::published;
use crate::session::memory::MemoryStore;
use crate::session::{SessionOptions, Sessions};
use crate::snapshot::Snapshot;
use crate::status::link::LinkStatus;
use crate::status::probes::Probes;
use crate::status::{ProviderState, ProviderStates, RegistryStatus, SessionFigures};
use crate::tls::CertificateIndex;

/// Parts where nothing has happened yet, to be changed by whoever tests.
pub(crate) fn parts() -> ViewParts {
    let (_, snapshot) = published(Snapshot::default());
    let store = Arc::new(MemoryStore::new(1000));
    let sessions = Sessions::with(store, SessionOptions::default(), None).of_tests();
    let token = SecretString::from("token".to_owned());
    ViewParts {
        instance: "0f0e".to_owned(),
        hostname: "here".to_owned(),
        core: "https://core.example.com/".to_owned(),
        snapshot: snapshot.clone(),
        status: published(RegistryStatus::default()).1,
        providers: published(ProviderStates::default()).1,
        link: published(LinkStatus::idle(Timestamp(0))).1,
        fleet: published(Fleet::default()).1,
        probes: published(Probes::default()).1,
        unbelieved: Unbelieved::default(),
        readiness: Readiness::new(snapshot.clone(), StoreReach::default(), Drain::never()),
        journal: Arc::new(Journal::new(64)),
        activity: Arc::default(),
        store_activity: Arc::default(),
        store_reach: StoreReach::default(),
        certificates: published(CertificateIndex::default()).1,
        metrics: Arc::new(Metrics::new("1", "b").unwrap()),
        store: StorePlace { kind: "memory", place: String::new() },
        questions: Arc::new(Questions::new(sessions.clone(), snapshot.clone(), &token)),
        sessions,
        served: served(),
        site: Site::default(),
    }
}

/// The settings that requests are decided by: as shipped, with one trusted proxy.
pub(crate) fn served() -> Served {
    let policy = Policy {
        scripts: Scripts::Challenge,
        akprox: false,
        flow_seconds: 3600,
        max_tries: 1,
        lifetimes: Lifetimes::default(),
        header_ttl: Duration::from_secs(60),
        header_negative_ttl: Duration::from_secs(10),
        identity: IdentityRules::default(),
        check_server_name: true,
        keep_post_bytes: 0,
        header_bytes: 65536,
        cookie_bytes: 32768,
        flows_per_browser: 32,
        logout_form_bytes: 16384,
    };
    let networks = TrustedNetworks::parse("127.0.0.0/8").unwrap();
    Served { trust: Trust::from(networks), policy, embedded: false }
}

/// Views of [`parts`].
pub(crate) fn views() -> Views {
    Views::new(parts())
}

/// The state of a provider that is in effect.
pub(crate) fn state(provider: &Arc<Provider>) -> ProviderState {
    ProviderState {
        pk: provider.pk,
        name: provider.name.clone(),
        provider: Some(Arc::clone(provider)),
        up_to_date: true,
        findings: Vec::new(),
        sessions: SessionFigures::default(),
    }
}

/// What is decided where the skip rule of this line matches.
pub(crate) fn skipped(line: usize) -> Option<Decided> {
    Some(Decided::from(Decision {
        action: Action::Skip,
        reason: Reason::SkipPath,
        rule: Some(line),
        dialect: None,
        steps: vec![Step::SkipRules { matched: Some(line), refused: None }],
    }))
}
