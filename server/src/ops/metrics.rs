//! Figures: the names of contract 14, and ours beside them. One registry, no statics.
//!
//! No label value comes from a client: hosts and upstreams are those of the configuration, methods
//! are a closed set, and the rest is `other`.

mod logouts;
mod names;
mod provider;
mod rechecks;
mod sessions;
mod telemetry;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use outpost_decision::decision::{Action, Reason};
use outpost_decision::provider::Provider;
use prometheus::core::Collector;
use prometheus::{
    Encoder, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
};

use super::event::{Decided, RequestEvent};
use crate::limits::LimitFigures;
use crate::publish::Published;
use crate::session::Found;
use crate::snapshot::{OutpostIdentity, Snapshot};
use logouts::LogoutFigures;
pub use logouts::LogoutOutcome;
use provider::ProviderFigures;
pub use provider::bounded_method;
pub use rechecks::{RecheckFigures, RecheckOutcome};
use sessions::SessionFigures;
pub use telemetry::{Fate, TelemetryFigures};

/// The kind of outpost, as core names it.
const OUTPOST_TYPE: &str = "proxy";

/// All figures of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    version: String,
    build: String,
    info: IntGaugeVec,
    last_update: IntGaugeVec,
    connection: IntGaugeVec,
    per_request: PerRequest,
    configuration_age: IntGaugeVec,
    refreshes: IntCounterVec,
    reconnects: IntCounter,
    core_messages: IntCounterVec,
    sessions: IntGaugeVec,
    admin_revocations: IntCounterVec,
    admin_ended: IntCounter,
    session: SessionFigures,
    rechecks: RecheckFigures,
    logouts: LogoutFigures,
    identity_problems: IntCounterVec,
    telemetry: TelemetryFigures,
    actor_restarts: IntCounterVec,
    findings: IntGaugeVec,
    limits: LimitFigures,
    in_flight: IntGauge,
    journal_dropped: IntGauge,
    log_lost: IntGauge,
    known: ArcSwap<Known>,
}

/// The figures that requests write.
#[derive(Clone, Debug)]
struct PerRequest {
    request: HistogramVec,
    upstream: HistogramVec,
    decisions: IntCounterVec,
}

/// The outpost and its providers as far as they are known, with their figures resolved ahead.
#[derive(Debug)]
struct Known {
    outpost: OutpostIdentity,
    instance: String,
    providers: BTreeMap<i64, Arc<ProviderFigures>>,
    nobody: Arc<ProviderFigures>,
}

/// What became of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// Core's answer is published, or is what stood already.
    Complete,
    /// Core did not answer, or not in full.
    Failed,
}

impl RefreshOutcome {
    const ALL: [Self; 2] = [Self::Complete, Self::Failed];

    const fn code(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
        }
    }
}

/// Which way a websocket message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From core.
    Received,
    /// To core.
    Sent,
}

impl Metrics {
    /// Figures that all say zero. `build` is what core shows as the build hash.
    ///
    /// # Errors
    /// When two figures have one name: a mistake of ours that every test would meet.
    pub fn new(version: &str, build: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let make = names::Maker::new(&registry);
        let per_request = PerRequest {
            request: make.histogram(&names::REQUEST)?,
            upstream: make.histogram(&names::UPSTREAM)?,
            decisions: make.counters(&names::DECISIONS)?,
        };
        let nobody = Arc::new(ProviderFigures::of_nobody(&per_request, ""));
        let metrics = Self {
            info: make.gauges(&names::INFO)?,
            last_update: make.gauges(&names::LAST_UPDATE)?,
            connection: make.gauges(&names::CONNECTION)?,
            configuration_age: make.gauges(&names::CONFIGURATION_AGE)?,
            refreshes: make.counters(&names::REFRESHES)?,
            reconnects: make.counter(&names::RECONNECTS)?,
            core_messages: make.counters(&names::CORE_MESSAGES)?,
            sessions: make.gauges(&names::SESSIONS)?,
            admin_revocations: make.counters(&names::ADMIN_REVOCATIONS)?,
            admin_ended: make.counter(&names::ADMIN_ENDED)?,
            session: SessionFigures::new(&make)?,
            rechecks: RecheckFigures::new(&make)?,
            logouts: LogoutFigures::new(&make)?,
            identity_problems: make.counters(&names::IDENTITY_PROBLEMS)?,
            telemetry: TelemetryFigures::new(&make)?,
            actor_restarts: make.counters(&names::ACTOR_RESTARTS)?,
            findings: make.gauges(&names::FINDINGS)?,
            limits: LimitFigures::new(
                &make.counters(&names::LIMITS_REACHED)?,
                make.gauge(&names::CONNECTIONS)?,
            ),
            in_flight: make.gauge(&names::IN_FLIGHT)?,
            journal_dropped: make.gauge(&names::JOURNAL_DROPPED)?,
            log_lost: make.gauge(&names::LOG_LOST)?,
            known: ArcSwap::from_pointee(Known {
                outpost: OutpostIdentity::default(),
                instance: String::new(),
                providers: BTreeMap::new(),
                nobody,
            }),
            version: version.to_owned(),
            build: build.to_owned(),
            per_request,
            registry: registry.clone(),
        };
        make.gauges(&names::BUILD_INFO)?.with_label_values(&[version, build]).set(1);
        // What alerts count must be there before it happens: a counter that appears at 1 has not
        // grown.
        for outcome in RefreshOutcome::ALL {
            metrics.refreshes.with_label_values(&[outcome.code()]);
        }
        Ok(metrics)
    }

    /// Counts a finished request.
    pub fn record(&self, event: &RequestEvent) {
        let known = self.known.load();
        let figures = event
            .provider
            .as_ref()
            .and_then(|provider| known.providers.get(&provider.pk))
            .unwrap_or(&known.nobody);
        figures.record(event);
        for note in event.decided.iter().flat_map(Decided::identity) {
            self.identity_problems.with_label_values(&[note.problem.code()]).inc();
        }
    }

    /// Takes over what core calls this outpost and which providers there are. One writer only:
    /// whoever follows the snapshots.
    pub fn configure(&self, instance: &str, snapshot: &Snapshot) {
        self.replace(instance, &snapshot.outpost, snapshot.ruleset.providers());
        self.describe(instance, snapshot);
        self.count_findings(snapshot);
    }

    /// Series of what is gone go, too, so that their number is bounded by the configuration and
    /// not by its history.
    fn replace(&self, instance: &str, outpost: &OutpostIdentity, providers: &[Arc<Provider>]) {
        let before = self.known.load_full();
        let renamed = before.outpost.name != outpost.name;
        let now: BTreeMap<i64, &Provider> =
            providers.iter().map(|provider| (provider.pk, &**provider)).collect();
        let fit = |pk: &i64, figures: &ProviderFigures| {
            now.get(pk).is_some_and(|provider| figures.fit(provider))
        };
        let gone: Vec<_> =
            before.providers.iter().filter(|(pk, figures)| renamed || !fit(pk, figures)).collect();
        for (_, figures) in &gone {
            figures.remove_from(&self.per_request);
        }
        if renamed {
            before.nobody.remove_from(&self.per_request);
        }
        // What is gone may have shared a series with what stays (two providers of one host); such a
        // series begins anew, and nobody may go on writing to the removed one.
        let keep = gone.is_empty() && !renamed;
        let figures_of = |provider: &Arc<Provider>| {
            let kept = before.providers.get(&provider.pk).filter(|_| keep).cloned();
            let new = || ProviderFigures::new(&self.per_request, &outpost.name, provider);
            (provider.pk, kept.unwrap_or_else(|| Arc::new(new())))
        };
        let nobody = if keep {
            Arc::clone(&before.nobody)
        } else {
            Arc::new(ProviderFigures::of_nobody(&self.per_request, &outpost.name))
        };
        self.known.store(Arc::new(Known {
            outpost: outpost.clone(),
            instance: instance.to_owned(),
            providers: providers.iter().map(figures_of).collect(),
            nobody,
        }));
    }

    fn describe(&self, instance: &str, snapshot: &Snapshot) {
        let name = snapshot.outpost.name.as_str();
        self.info.reset();
        self.last_update.reset();
        let labels = [name, OUTPOST_TYPE, instance, &self.version, &self.build];
        self.info.with_label_values(&labels).set(1);
        if let Some(at) = snapshot.refreshed_at {
            self.last_update.with_label_values(&labels).set(at.0);
        }
    }

    fn count_findings(&self, snapshot: &Snapshot) {
        self.findings.reset();
        for found in &snapshot.findings {
            let severity = match found.finding.severity {
                outpost_decision::finding::Severity::Info => "info",
                outpost_decision::finding::Severity::Warning => "warning",
                outpost_decision::finding::Severity::Error => "error",
            };
            self.findings.with_label_values(&[found.finding.code, severity]).inc();
        }
    }

    /// The websocket to core is open, or is not.
    pub fn core_connected(&self, connected: bool) {
        let known = self.known.load();
        self.connection.reset();
        self.connection
            .with_label_values(&[known.outpost.name.as_str(), OUTPOST_TYPE, &known.instance])
            .set(i64::from(connected));
    }

    /// The websocket to core is tried again.
    pub fn core_reconnecting(&self) {
        self.reconnects.inc();
    }

    /// A websocket message went one way or the other. Instructions we do not know are `other`.
    pub fn core_message(&self, direction: Direction, instruction: i64) {
        let direction = match direction {
            Direction::Received => "received",
            Direction::Sent => "sent",
        };
        let instruction = match instruction {
            0 => "ack",
            1 => "hello",
            2 => "trigger_update",
            3 => "provider_specific",
            4 => "session_end",
            _ => "other",
        };
        self.core_messages.with_label_values(&[direction, instruction]).inc();
    }

    /// What was decided at the provider of this name (empty: at none) since the start: reason,
    /// place of the action in [`Action::CODES`], how often.
    #[must_use]
    pub fn decisions(&self, provider: &str) -> Vec<(Reason, usize, u64)> {
        let families = self.per_request.decisions.collect();
        let counted = families.iter().flat_map(|family| family.get_metric()).filter_map(|metric| {
            let label = |name: &str| {
                let found = metric.get_label().iter().find(|label| label.name() == name);
                found.map(prometheus::proto::LabelPair::value)
            };
            if label("provider") != Some(provider) {
                return None;
            }
            let reason = Reason::ALL.into_iter().find(|it| Some(it.code()) == label("reason"))?;
            let action = Action::CODES.into_iter().position(|it| Some(it) == label("action"))?;
            // A counter of whole numbers, which the format has as floating ones.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it was an integer"
            )]
            Some((reason, action, metric.get_counter().get_value() as u64))
        });
        counted.collect()
    }

    /// A refresh is over.
    pub fn refreshed(&self, outcome: RefreshOutcome) {
        self.refreshes.with_label_values(&[outcome.code()]).inc();
    }

    /// How many seconds ago core last confirmed the configuration in effect; `None` while there is
    /// none.
    pub fn configuration_age(&self, seconds: Option<i64>) {
        let no_labels: [&str; 0] = [];
        match seconds {
            Some(seconds) => self.configuration_age.with_label_values(&no_labels).set(seconds),
            None => self.configuration_age.reset(),
        }
    }

    /// Sessions kept for each provider, by its name; providers left out have none.
    pub fn sessions<'n>(&self, counts: impl IntoIterator<Item = (&'n str, usize)>) {
        self.sessions.reset();
        for (provider, count) in counts {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.sessions.with_label_values(&[provider]).set(count);
        }
    }

    /// The session store could not do `operation` (`get`, `insert`, `end` and so on).
    pub fn store_failed(&self, operation: &'static str) {
        self.session.failed(operation);
    }

    /// The session store did `operation`.
    pub fn store_answered(&self, operation: &'static str, took: Duration) {
        self.session.answered(operation, took);
    }

    /// A session was looked for.
    pub fn session_looked_up(&self, found: Found) {
        self.session.looked_up(found);
    }

    /// An operator's revocation is over, done or not; it named sessions `by` (`key`, `sub`, ...),
    /// and ended this many.
    pub fn operator_revoked(&self, by: &'static str, done: bool, ended: usize) {
        let outcome = if done { "done" } else { "failed" };
        self.admin_revocations.with_label_values(&[by, outcome]).inc();
        self.admin_ended.inc_by(u64::try_from(ended).unwrap_or(u64::MAX));
    }

    /// Core asked for a logout over the back channel, which ended this many sessions.
    pub fn back_channel_logout(&self, outcome: LogoutOutcome, ended: usize) {
        self.logouts.count(outcome, ended);
    }

    /// Limits, and what is counted at each.
    #[must_use]
    pub const fn limits(&self) -> &LimitFigures {
        &self.limits
    }

    /// The figures of gaps of the link to core, and of sessions checked after them.
    #[must_use]
    pub const fn rechecks(&self) -> &RecheckFigures {
        &self.rechecks
    }

    /// Traces and reports of errors.
    pub const fn telemetry(&self) -> &TelemetryFigures {
        &self.telemetry
    }

    /// An actor of this kind died and was rebuilt.
    pub fn actor_restarted(&self, kind: &'static str) {
        self.actor_restarts.with_label_values(&[kind]).inc();
    }

    /// How many events the journal has lost so far.
    pub fn journal_dropped(&self, count: u64) {
        self.journal_dropped.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// How many lines the log has lost so far.
    pub fn log_lost(&self, count: u64) {
        self.log_lost.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a request as under way until what it returns is dropped.
    #[must_use]
    pub fn request_begun(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Requests under way.
    #[must_use]
    pub fn requests_in_flight(&self) -> i64 {
        self.in_flight.get()
    }

    /// Everything in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "the figures cannot be written");
        }
        String::from_utf8(text).unwrap_or_default()
    }

    /// Follows the configuration until the program ends.
    pub async fn follow(&self, instance: &str, snapshots: &Published<Snapshot>) {
        let mut seen: Option<(u64, Option<outpost_decision::time::Timestamp>)> = None;
        while let Some(snapshot) = snapshots
            .wait_for(|snapshot| seen != Some((snapshot.generation, snapshot.refreshed_at)))
            .await
        {
            seen = Some((snapshot.generation, snapshot.refreshed_at));
            self.configure(instance, &snapshot);
        }
    }
}

/// Something under way.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
