//! What has happened over the last 15 minutes, in all and of each provider: requests by outcome,
//! how long they took, and how often each skip rule matched since the start.
//!
//! Recording is a look-up in an immutable map and a few atomic additions: nothing waits for
//! anything and, once a provider has been asked for a while, nothing is allocated. What is kept is
//! bounded by the providers there are: some 25 KB each. Times are those of the events; nobody
//! reads a clock here.

mod cell;
mod columns;
mod histogram;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use outpost_dashboard::model::{Outcome, Speed, Traffic};
use outpost_decision::provider::Provider;
use outpost_decision::skip::SkipRule;
use outpost_decision::time::Timestamp;

use self::columns::Columns;
use self::histogram::Histogram;
pub use self::store::StoreActivity;
use super::event::RequestEvent;
use super::outcome::outcome;
use crate::publish::Published;
use crate::snapshot::Snapshot;

/// How far back is told of, in seconds.
pub const WINDOW: i64 = 15 * 60;

/// What happened lately.
#[derive(Debug, Default)]
pub struct Activity {
    all: Columns,
    providers: ArcSwap<BTreeMap<i64, Arc<ProviderActivity>>>,
}

/// How busy this replica is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pulse {
    /// Requests a second over the last 10 to 20 seconds.
    pub requests_per_second: f64,
    /// Requests that failed over the last minute.
    pub errors_last_minute: u64,
}

/// What happened at one provider lately.
#[derive(Debug, Default)]
pub struct ProviderActivity {
    columns: Arc<Columns>,
    durations: Arc<Histogram>,
    /// By line.
    rules: Vec<RuleMatches>,
}

/// How often a skip rule matched.
#[derive(Debug)]
struct RuleMatches {
    line: usize,
    source: String,
    count: Arc<AtomicU64>,
}

impl Activity {
    /// Takes note of a finished request. What is no decision and did not fail either (a ping, what
    /// goes on to core) does not count.
    pub fn record(&self, event: &RequestEvent) {
        if event.decided.is_none() && event.failure.is_none() {
            return;
        }
        let outcome = outcome(event);
        let ended = ended(event);
        self.all.add(ended, outcome);
        let Some(provider) = &event.provider else { return };
        let providers = self.providers.load();
        let Some(activity) = providers.get(&provider.pk) else { return };
        activity.columns.add(ended, outcome);
        // What becomes a websocket takes as long as somebody looks.
        if event.status != 101 {
            activity.durations.add(ended, event.answered);
        }
        if let Some(line) = event.decided.as_ref().and_then(|decided| decided.rule) {
            activity.matched(line);
        }
    }

    /// Requests of this replica over the last 15 minutes.
    #[must_use]
    pub fn traffic(&self, now: Timestamp) -> Traffic {
        self.all.traffic(now)
    }

    /// How busy this replica is.
    #[must_use]
    pub fn pulse(&self, now: Timestamp) -> Pulse {
        Pulse {
            requests_per_second: self.all.rate(now, 1),
            errors_last_minute: self.all.failed(now, 6),
        }
    }

    /// What happened at the provider with core's key `pk`, where it is in effect.
    #[must_use]
    pub fn provider(&self, pk: i64) -> Option<Arc<ProviderActivity>> {
        self.providers.load().get(&pk).cloned()
    }

    /// Takes over which providers there are: those that are gone are forgotten. One writer only:
    /// whoever follows the snapshots.
    pub fn configure(&self, providers: &[Arc<Provider>]) {
        let before = self.providers.load_full();
        let of = |provider: &Arc<Provider>| {
            let activity = match before.get(&provider.pk) {
                Some(known) if known.has_rules_of(provider) => Arc::clone(known),
                known => Arc::new(ProviderActivity::following(known, provider)),
            };
            (provider.pk, activity)
        };
        self.providers.store(Arc::new(providers.iter().map(of).collect()));
    }

    /// Follows the configuration until the program ends.
    pub async fn follow(&self, snapshots: &Published<Snapshot>) {
        let mut seen = None;
        while let Some(snapshot) =
            snapshots.wait_for(|snapshot| seen != Some(snapshot.generation)).await
        {
            seen = Some(snapshot.generation);
            self.configure(snapshot.ruleset.providers());
        }
    }
}

impl ProviderActivity {
    /// Requests over the last 15 minutes.
    #[must_use]
    pub fn traffic(&self, now: Timestamp) -> Traffic {
        self.columns.traffic(now)
    }

    /// Requests a second over the last minute.
    #[must_use]
    pub fn requests_per_second(&self, now: Timestamp) -> f64 {
        self.columns.rate(now, 6)
    }

    /// How long requests took over the last 15 minutes, until the answer began; `None` without
    /// any.
    #[must_use]
    pub fn speed(&self, now: Timestamp) -> Option<Speed> {
        self.durations.speed(now)
    }

    /// How often the skip rule of this line has matched since the start.
    #[must_use]
    pub fn matches(&self, line: usize) -> u64 {
        self.rule(line).map_or(0, |rule| rule.count.load(Ordering::Relaxed))
    }

    fn matched(&self, line: usize) {
        if let Some(rule) = self.rule(line) {
            rule.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn rule(&self, line: usize) -> Option<&RuleMatches> {
        let found = self.rules.binary_search_by_key(&line, |rule| rule.line).ok()?;
        self.rules.get(found)
    }

    fn has_rules_of(&self, provider: &Provider) -> bool {
        let rules = provider.skip.rules();
        let same = |(counted, rule): (&RuleMatches, &SkipRule)| {
            counted.line == rule.line && counted.source == rule.source
        };
        self.rules.len() == rules.len() && self.rules.iter().zip(rules).all(same)
    }

    /// The activity of a provider that is new or whose rules have changed. Rules that are written
    /// as before go on counting, wherever they stand now.
    fn following(before: Option<&Arc<Self>>, provider: &Provider) -> Self {
        let mut left: Vec<&RuleMatches> = before.iter().flat_map(|before| &before.rules).collect();
        let rules = provider.skip.rules().iter().map(|rule| {
            let known = left.iter().position(|counted| counted.source == rule.source);
            let count = known.map(|at| Arc::clone(&left.remove(at).count)).unwrap_or_default();
            RuleMatches { line: rule.line, source: rule.source.clone(), count }
        });
        let rules = rules.collect();
        match before {
            None => Self { rules, ..Self::default() },
            Some(before) => Self {
                columns: Arc::clone(&before.columns),
                durations: Arc::clone(&before.durations),
                rules,
            },
        }
    }
}

/// When the request ended.
fn ended(event: &RequestEvent) -> Timestamp {
    event.at.plus(i64::try_from(event.duration.as_secs()).unwrap_or(i64::MAX))
}

/// How many of these failed.
#[must_use]
pub fn failed(traffic: &Traffic) -> u64 {
    traffic.columns.iter().map(|column| column.failed).sum()
}

/// How many these are.
#[must_use]
pub fn requests(traffic: &Traffic) -> u64 {
    traffic.columns.iter().map(outpost_dashboard::model::TrafficColumn::total).sum()
}

/// Where an outcome stands in tables of [`Outcome::ALL`].
const fn place(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Allowed => 0,
        Outcome::SignIn => 1,
        Outcome::Denied => 2,
        Outcome::Failed => 3,
    }
}
