//! The end of every request: one event becomes a log line, figures and a journal entry.

mod members;

use std::fmt::{self, Write as _};
use std::sync::Arc;

use tracing::Level;

use super::activity::Activity;
use super::chosen_headers::ChosenHeaders;
use super::event::{Decided, RequestEvent, RequestKind, milliseconds};
use super::journal::Journal;
use super::logging::{AccessLog, Escaped};
use super::masking::cut;
use super::metrics::Metrics;
use crate::settings::LogFormat;

/// Target of the access log's lines.
pub(super) const TARGET: &str = "outpost::access";

/// Where finished requests go. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Finish {
    metrics: Arc<Metrics>,
    activity: Arc<Activity>,
    journal: Arc<Journal>,
    format: LogFormat,
    access: Option<AccessLog>,
}

impl Finish {
    /// Writes to these figures and this journal, and lines of this format: by `access`, where that is
    /// given, which is of JSON.
    #[must_use]
    pub const fn new(
        metrics: Arc<Metrics>,
        activity: Arc<Activity>,
        journal: Arc<Journal>,
        format: LogFormat,
        access: Option<AccessLog>,
    ) -> Self {
        Self { metrics, activity, journal, format, access }
    }

    /// Takes note of a finished request.
    pub fn record(&self, event: RequestEvent) {
        self.metrics.record(&event);
        self.activity.record(&event);
        match &self.access {
            Some(access) => access.write(level(&event), |line| members::members(&event, line)),
            None => log(&event, self.format),
        }
        // What failed before a decision has an id on a page, too, and must be found by it.
        if event.decided.is_some() || event.failure.is_some() {
            self.journal.record(Arc::new(event));
        }
    }
}

/// Room for most lines.
const USUAL: usize = 1024;

/// The field that holds all members of a JSON line, written already.
pub(super) const MEMBERS: &str = "members";

macro_rules! line {
    ($level:ident, $event:expr, $format:expr) => {{
        let event: &RequestEvent = $event;
        if $format == LogFormat::Json {
            // The line has its ids itself; those of the span would be read and written once more.
            tracing::event!(
                target: TARGET, parent: None, tracing::Level::$level,
                members = %Written(event)
            );
            return;
        }
        let decided = event.decided.as_ref();
        let client = event.client.map(|address| address.to_string());
        let headers = headers(event);
        let identity = decided.and_then(identity);
        tracing::event!(
            target: TARGET,
            parent: None,
            tracing::Level::$level,
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

/// The level of an access log line: pings only where everything is wanted, what we could not do louder.
fn level(event: &RequestEvent) -> Level {
    if event.kind != RequestKind::App {
        Level::DEBUG
    } else if event.decided.as_ref().is_some_and(|decided| decided.action() == "unavailable") {
        Level::WARN
    } else {
        Level::INFO
    }
}

/// Writes the access log line.
fn log(event: &RequestEvent, format: LogFormat) {
    match level(event) {
        Level::DEBUG => line!(DEBUG, event, format),
        Level::WARN => line!(WARN, event, format),
        _ => line!(INFO, event, format),
    }
}

/// Written where it is read, and nowhere else.
struct Written<'e>(&'e RequestEvent);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut members = String::with_capacity(USUAL);
        members::members(self.0, &mut members);
        f.write_str(&members)
    }
}

/// The chosen headers as one JSON object, where there are any.
fn headers(event: &RequestEvent) -> Option<String> {
    let mut object = String::with_capacity(256);
    // Memory takes everything.
    let _ = write_object(&event.headers, &mut object);
    (!object.is_empty()).then_some(object)
}

/// Writes the chosen headers as one JSON object; nothing where there are none.
fn write_object(headers: &ChosenHeaders, to: &mut impl fmt::Write) -> fmt::Result {
    if headers.is_empty() {
        return Ok(());
    }
    for (at, (name, value)) in headers.iter().enumerate() {
        to.write_str(if at == 0 { "{\"" } else { "\",\"" })?;
        Escaped(to).write_str(name)?;
        to.write_str("\":\"")?;
        Escaped(to).write_str(value)?;
    }
    to.write_str("\"}")
}

/// What of the identity was not passed on as it is: `name:problem`, joined by blanks.
fn identity(decided: &Decided) -> Option<String> {
    let notes: Vec<_> =
        decided.identity().map(|note| format!("{}:{}", note.header, note.problem.code())).collect();
    (!notes.is_empty()).then(|| notes.join(" "))
}

#[cfg(test)]
pub(super) mod tests;
