//! The provider actors that live, and what each said last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use outpost_decision::compile::Fingerprint;
use outpost_decision::finding::{Finding, Severity};
use outpost_decision::provider::Provider;
use outpost_decision::wire::ProviderRecord;
use tokio::time::Instant;

use super::parts::RegistryParts;
use crate::actors::handle::ActorHandle;
use crate::actors::provider::{ProviderActor, ProviderParts};
use crate::actors::supervisor::Shutdown;
use crate::publish::{Published, Publisher, published};
use crate::snapshot::ProviderFinding;
use crate::status::{ProviderState, ProviderStates, SessionFigures};

/// One provider.
pub(super) struct Entry {
    /// Its actor.
    pub(super) actor: ActorHandle<ProviderActor>,
    /// What the actor publishes.
    published: Published<ProviderState>,
    /// What the actor answered last. Routing goes by this, not by what it publishes in between.
    pub(super) state: Arc<ProviderState>,
    /// The last good record, or the last one where none was good.
    pub(super) record: Option<Arc<ProviderRecord>>,
    /// Of the record the actor has taken; `None` when it has to be told again.
    pub(super) applied: Option<Fingerprint>,
    /// Whether the actor did not answer the last time it was asked.
    pub(super) silent: bool,
    /// Set while core does not list it.
    pub(super) missing: Option<Missing>,
}

/// How long core has not listed a provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missing {
    since: Instant,
    refreshes: u32,
}

impl Missing {
    /// A second refresh did not list it either.
    fn is_confirmed(self) -> bool {
        self.refreshes > 1
    }
}

/// Providers that core does not list, by how far that has come.
#[derive(Default)]
pub(super) struct Leaving {
    /// Their sessions are to be ended now.
    pub(super) gone: Vec<(i64, ActorHandle<ProviderActor>)>,
    /// Some are not routed any more and keep their sessions for the rest of the grace.
    pub(super) in_grace: bool,
    /// Some are missing for the first time: still routed, until another refresh confirms it.
    pub(super) unconfirmed: bool,
}

impl Entry {
    fn is_routed(&self) -> bool {
        !self.missing.is_some_and(Missing::is_confirmed)
    }

    /// A refresh does not list it.
    pub(super) fn note_missing(&mut self) {
        let missing = self.missing.get_or_insert(Missing { since: Instant::now(), refreshes: 0 });
        missing.refreshes = missing.refreshes.saturating_add(1);
    }
}

/// Dropping an entry ends its actor: also when the registry itself dies in a panic, so that its
/// successor does not find actors it does not know.
impl Drop for Entry {
    fn drop(&mut self) {
        let _ = self.actor.do_send(Shutdown);
    }
}

/// Every provider that has an actor, by core's key.
#[derive(Default)]
pub(super) struct Roster {
    entries: BTreeMap<i64, Entry>,
}

impl Roster {
    pub(super) fn get(&self, pk: i64) -> Option<&Entry> {
        self.entries.get(&pk)
    }

    pub(super) fn get_mut(&mut self, pk: i64) -> Option<&mut Entry> {
        self.entries.get_mut(&pk)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&i64, &mut Entry)> {
        self.entries.iter_mut()
    }

    pub(super) fn remove(&mut self, pk: i64) {
        self.entries.remove(&pk);
    }

    /// The provider's entry; starts its actor where there is none.
    pub(super) fn entry(&mut self, pk: i64, name: &str, parts: &RegistryParts) -> &mut Entry {
        self.entries.entry(pk).or_insert_with(|| start(pk, name, parts))
    }

    /// What is served: the last good version of everything core lists, ordered by name as core
    /// orders it.
    pub(super) fn routed(&self) -> Vec<Arc<Provider>> {
        let routed = self.entries.values().filter(|entry| entry.is_routed());
        let mut routed: Vec<_> = routed.filter_map(|entry| entry.state.provider.clone()).collect();
        routed.sort_by(|a, b| (&a.name, a.pk).cmp(&(&b.name, b.pk)));
        routed
    }

    /// The records of what is served.
    pub(super) fn records(&self) -> Vec<Arc<ProviderRecord>> {
        let routed = self.entries.values().filter(|entry| entry.is_routed());
        routed.filter_map(|entry| entry.record.clone()).collect()
    }

    /// Forgets everything; the actors end, sessions stay.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// What core does not list; sessions are kept for `grace`.
    pub(super) fn leaving(&self, grace: Duration) -> Leaving {
        let mut leaving = Leaving::default();
        for (pk, entry) in &self.entries {
            match entry.missing {
                Some(missing) if !missing.is_confirmed() => leaving.unconfirmed = true,
                Some(missing) if missing.since.elapsed() >= grace => {
                    leaving.gone.push((*pk, entry.actor.clone()));
                }
                Some(_) => leaving.in_grace = true,
                None => {}
            }
        }
        leaving
    }

    /// What the actors found, and which did not answer.
    pub(super) fn findings(&self) -> Vec<ProviderFinding> {
        let listed = self.entries.iter().filter(|(_, entry)| entry.is_routed());
        listed
            .flat_map(|(pk, entry)| {
                let provider = Some((*pk, entry.state.name.clone()));
                let silent = entry.silent.then(silent_finding);
                let findings = entry.state.findings.iter().cloned().chain(silent);
                findings.map(move |finding| ProviderFinding { provider: provider.clone(), finding })
            })
            .collect()
    }

    /// Publishes where every provider's state can be read, if that has changed.
    pub(super) fn publish_states(&self, publisher: &Publisher<ProviderStates>) {
        if !publisher.load().keys().eq(self.entries.keys()) {
            let states = self.entries.iter().map(|(pk, entry)| (*pk, entry.published.clone()));
            publisher.publish(states.collect());
        }
    }
}

fn start(pk: i64, name: &str, parts: &RegistryParts) -> Entry {
    // A registry that was rebuilt after a panic begins with what is routed.
    let routed = parts.snapshot.load().ruleset.provider(pk).cloned();
    let initial = ProviderState {
        pk,
        name: name.to_owned(),
        provider: routed,
        up_to_date: false,
        findings: Vec::new(),
        sessions: SessionFigures::default(),
    };
    let (publisher, reader) = published(initial);
    let actor_parts = ProviderParts {
        state: Arc::new(publisher),
        compiler: Arc::clone(&parts.compiler),
        sessions: parts.sessions.clone(),
        count_interval: parts.settings.count_interval,
    };
    let actor = parts.supervisor.supervise(format!("provider {pk}"), &parts.arbiter, move || {
        ProviderActor::new(actor_parts.clone())
    });
    Entry {
        actor,
        state: reader.load_full(),
        published: reader,
        record: None,
        applied: None,
        silent: false,
        missing: None,
    }
}

fn silent_finding() -> Finding {
    Finding::new(
        Severity::Error,
        "provider_actor_failed",
        "the provider's actor did not take the configuration; the last good one is served",
        "This is a bug: please report it with the log. It is tried again at the next refresh.",
    )
}
