//! Decisions, from the journal.

use outpost_dashboard::model::{
    DecisionFilter, DecisionPage, DecisionRow, Decisions, ExplainForm, ProviderRef, Reasoning, Via,
};
use outpost_decision::decision::Reason;
use outpost_decision::dialect::Dialect;
use outpost_decision::target::{Authority, Scheme, Target};

use super::Views;
use super::near::near;
use super::reasoning::{Evidence, reasoning, undecided};
use crate::clock;
use crate::ops::event::{RequestEvent, milliseconds};
use crate::ops::journal::Entry;
use crate::ops::outcome::outcome;
use crate::ops::questions::FleetDecision;

impl Views {
    /// The latest decisions that fit `filter`, at most `limit`; only those made after the one
    /// with the number `after`, where given.
    #[must_use]
    pub fn decisions(
        &self,
        filter: &DecisionFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Decisions {
        let journal = &self.parts.journal;
        let latest = journal.seen();
        let fitting = journal.newest(after.unwrap_or(0)).filter(|entry| fits(filter, &entry.event));
        Decisions {
            now: clock::now().0,
            filter: filter.clone(),
            rows: fitting.take(limit).map(|entry| row(&entry)).collect(),
            latest,
            seen: latest,
            dropped: journal.dropped(),
            capacity: journal.capacity(),
            reasons: Reason::ALL.into_iter().map(|reason| reason.code().to_owned()).collect(),
            providers: self.provider_refs(),
        }
    }

    /// What the other replicas say of the decision with this id, which this one does not know.
    pub async fn fleet_decision(&self, id: &str) -> FleetDecision {
        match self.parts.questions.ask(id).await {
            FleetDecision::Found(mut page) => {
                page.now = clock::now().0;
                FleetDecision::Found(page)
            }
            other => other,
        }
    }

    /// The decision with this id, while the journal still has it.
    #[must_use]
    pub fn decision(&self, id: &str) -> Option<DecisionPage> {
        self.parts.journal.find(id).map(|entry| self.decision_page(&entry))
    }

    /// The decisions with these ids, each in its id's place, in one pass over the journal.
    #[must_use]
    pub fn decisions_of(&self, ids: &[&str]) -> Vec<Option<DecisionPage>> {
        let found = self.parts.journal.find_all(ids).into_iter();
        found.map(|entry| entry.map(|entry| self.decision_page(&entry))).collect()
    }

    fn decision_page(&self, entry: &Entry) -> DecisionPage {
        let event = &entry.event;
        let snapshot = self.parts.snapshot.load();
        DecisionPage {
            now: clock::now().0,
            row: row(entry),
            replica: self.parts.hostname.clone(),
            reasoning: self.reasoning_of(event),
            again: again(event),
            logged: event
                .headers
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            trace: event.trace_id.map(|id| id.to_string()),
            configuration_changed: event.generation != snapshot.generation,
        }
    }

    fn reasoning_of(&self, event: &RequestEvent) -> Reasoning {
        let snapshot = self.parts.snapshot.load();
        let evidence = Evidence {
            peer: event.peer,
            peer_trusted: event.peer_trusted,
            forwarding: &event.forwarding,
            host: &event.host,
            provider: event.provider.as_deref(),
            ruleset: &snapshot.ruleset,
        };
        let Some(decided) = &event.decided else { return undecided(event, &evidence) };
        let mut told = reasoning(decided, &evidence);
        if let Some(target) = target(event) {
            let (ruleset, provider) = (&snapshot.ruleset, event.provider.as_deref());
            told.near = near(ruleset, decided.reason, &target, provider, &told.headers);
        }
        told
    }
}

/// The question that explains the same request again. Headers are not kept: whoever wants theirs
/// to count writes them into the form.
fn again(event: &RequestEvent) -> ExplainForm {
    let scheme = event.scheme.unwrap_or(Scheme::Https).as_str();
    ExplainForm {
        url: format!("{scheme}://{}{}", event.host, event.path),
        method: event.method.to_string(),
        headers: String::new(),
        peer: event.peer.to_string(),
        user: event.user.clone().unwrap_or_default(),
        via: match event.decided.as_ref().and_then(|decided| decided.dialect) {
            None => Via::Direct,
            Some(Dialect::Nginx | Dialect::NginxAkprox) => Via::Nginx,
            Some(Dialect::Traefik) => Via::Traefik,
            Some(Dialect::Caddy) => Via::Caddy,
            Some(Dialect::Envoy) => Via::Envoy,
        },
    }
}

/// What the request was about, as far as the journal keeps it.
fn target(event: &RequestEvent) -> Option<Target> {
    let text = event.path.as_str();
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (text, None),
    };
    Some(Target {
        scheme: event.scheme.unwrap_or(Scheme::Https),
        authority: Authority::parse(&event.host)?,
        path: path.to_owned(),
        query,
    })
}

fn fits(filter: &DecisionFilter, event: &RequestEvent) -> bool {
    let DecisionFilter { provider, outcome: wanted, reason, user, path, address } = filter;
    let none = String::is_empty;
    let of_provider = || event.provider.as_ref().is_some_and(|it| it.pk.to_string() == *provider);
    let of_reason = || match &event.decided {
        Some(decided) => decided.reason.code() == reason,
        None => event.failure == Some(reason.as_str()),
    };
    let of_user =
        || event.user.as_ref().is_some_and(|name| name.to_lowercase() == user.to_lowercase());
    let within = || format!("{}{}", event.host, event.path.as_str()).contains(path.as_str());
    let from =
        || event.client.is_some_and(|client| client.to_string().starts_with(address.as_str()));
    (none(wanted) || outcome(event).code() == wanted)
        && (none(provider) || of_provider())
        && (none(reason) || of_reason())
        && (none(user) || of_user())
        && (none(path) || within())
        && (none(address) || from())
}

fn row(entry: &Entry) -> DecisionRow {
    let event = &entry.event;
    let decided = event.decided.as_ref();
    DecisionRow {
        sequence: entry.sequence,
        id: event.decision_id.as_ref().unwrap_or(&event.request_id).to_string(),
        at: event.at.0,
        method: event.method.to_string(),
        host: event.host.clone(),
        path: event.path.as_str().to_owned(),
        provider: event
            .provider
            .as_ref()
            .map(|it| ProviderRef { pk: it.pk, name: it.name.clone() }),
        action: decided.map_or("none", |decided| decided.action()).to_owned(),
        outcome: outcome(event),
        reason: decided
            .map_or(event.failure.unwrap_or_default(), |decided| decided.reason.code())
            .to_owned(),
        status: event.status,
        user: event.user.clone(),
        client: event.client.map(|client| client.to_string()),
        duration: milliseconds(event.duration),
        upstream: event.upstream.as_ref().map(|it| milliseconds(it.duration)),
        failure: event.failure.map(ToOwned::to_owned),
    }
}

#[cfg(test)]
mod tests;
