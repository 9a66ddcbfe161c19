//! The end of every request: one event becomes a log line, figures and a journal entry.

use std::sync::Arc;

use super::activity::Activity;
use super::event::{Decided, RequestEvent, RequestKind, milliseconds};
use super::journal::Journal;
use super::masking::cut;
use super::metrics::Metrics;

/// Target of the access log's lines.
pub(super) const TARGET: &str = "outpost::access";

/// Where finished requests go. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Finish {
    metrics: Arc<Metrics>,
    activity: Arc<Activity>,
    journal: Arc<Journal>,
}

impl Finish {
    /// Writes to these figures and this journal.
    #[must_use]
    pub const fn new(
        metrics: Arc<Metrics>,
        activity: Arc<Activity>,
        journal: Arc<Journal>,
    ) -> Self {
        Self { metrics, activity, journal }
    }

    /// Takes note of a finished request.
    pub fn record(&self, event: RequestEvent) {
        self.metrics.record(&event);
        self.activity.record(&event);
        log(&event);
        // What failed before a decision has an id on a page, too, and must be found by it.
        if event.decided.is_some() || event.failure.is_some() {
            self.journal.record(Arc::new(event));
        }
    }
}

macro_rules! line {
    ($level:ident, $event:expr) => {{
        let event: &RequestEvent = $event;
        let decided = event.decided.as_ref();
        let client = event.client.map(|address| address.to_string());
        let headers = event.headers.to_json();
        let identity = decided.and_then(identity);
        // The line has its ids itself; those of the span would be read and written once more.
        tracing::$level!(
            target: TARGET,
            parent: None,
            request_id = &*event.request_id,
            decision_id = event.decision_id.as_deref(),
            trace_id = event.trace_id.map(tracing::field::display),
            method = cut(&event.method),
            host = cut(&event.host),
            path = event.path.as_str(),
            status = event.status,
            provider = event.provider.as_ref().map(|provider| provider.name.as_str()),
            action = decided.map(|decided| decided.action()),
            reason = decided.map(|decided| decided.reason.code()),
            skip_rule = decided.and_then(|decided| decided.rule),
            dialect = decided.and_then(|decided| decided.dialect).map(|dialect| dialect.as_str()),
            user = event.user.as_deref(),
            client = client.as_deref(),
            duration_ms = milliseconds(event.duration),
            upstream = event.upstream.as_ref().map(|upstream| upstream.host.as_str()),
            upstream_ms = event.upstream.as_ref().map(|upstream| milliseconds(upstream.duration)),
            failure = event.failure,
            identity = identity.as_deref(),
            bytes = event.bytes,
            headers = headers.as_deref(),
            "request"
        );
    }};
}

/// Writes the access log line: pings only where everything is wanted, what we could not do louder.
fn log(event: &RequestEvent) {
    if event.kind != RequestKind::App {
        line!(debug, event);
    } else if event.decided.as_ref().is_some_and(|decided| decided.action() == "unavailable") {
        line!(warn, event);
    } else {
        line!(info, event);
    }
}

/// What of the identity was not passed on as it is: `name:problem`, joined by blanks.
fn identity(decided: &Decided) -> Option<String> {
    let notes: Vec<_> =
        decided.identity().map(|note| format!("{}:{}", note.header, note.problem.code())).collect();
    (!notes.is_empty()).then(|| notes.join(" "))
}

#[cfg(test)]
pub(super) mod tests;
