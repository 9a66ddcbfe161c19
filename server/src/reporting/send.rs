//! Sends reports, a few a minute, while core asks for them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use outpost_decision::wire::ErrorReporting;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::envelope::{Dsn, envelope};
use super::event::{Occurrence, Setting};
use super::{Gate, ReportQueue};
use crate::ops::metrics::{Fate, Metrics};
use crate::publish::Published;
use crate::status::RegistryStatus;

/// How much of an answer is read, in bytes: enough to keep the connection.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Longest silence that a service can ask for, in seconds.
const LONGEST_PAUSE: u64 = 24 * 3600;

/// How fast reports may be.
#[derive(Clone, Copy, Debug)]
pub struct ReportOptions {
    /// Reports at once; then one for each `every`.
    pub burst: u32,
    /// The pace after that.
    pub every: Duration,
    /// Reports of one place in the program are this far apart.
    pub same: Duration,
    /// Longest time for one report.
    pub timeout: Duration,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            burst: 10,
            every: Duration::from_secs(6),
            same: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
        }
    }
}

/// Who reports.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Name of the machine; told only where people may be named.
    pub hostname: String,
}

/// Sends what the layer takes, while core asks for it.
pub struct Reporter {
    http: awc::Client,
    options: ReportOptions,
    about: About,
    status: Published<RegistryStatus>,
    metrics: Arc<Metrics>,
    gate: Arc<Gate>,
    /// Until when the service has told us to be silent.
    silent_until: Option<Instant>,
    /// When the next report would be on time, had none been early.
    due: Instant,
    places: HashMap<String, Instant>,
}

impl Reporter {
    /// A reporter over `http` that does what core says in `status`.
    #[must_use]
    pub fn new(
        http: awc::Client,
        options: ReportOptions,
        about: About,
        status: Published<RegistryStatus>,
        metrics: Arc<Metrics>,
        queue: &ReportQueue,
    ) -> Self {
        let gate = Arc::clone(&queue.gate);
        let (silent_until, due) = (None, Instant::now());
        let places = HashMap::new();
        Self { http, options, about, status, metrics, gate, silent_until, due, places }
    }

    /// Reports until nobody can ask for it any more. Only one can do so for a queue.
    pub async fn run(mut self, queue: ReportQueue) {
        let Some(mut queue) = queue.take() else { return };
        let mut wanted = ErrorReporting::default();
        let mut dsn = None;
        loop {
            let changed = self.status.wait_for(|now| now.global.error_reporting != wanted);
            tokio::select! {
                changed = changed => {
                    let Some(status) = changed else { return };
                    wanted = status.global.error_reporting.clone();
                    dsn = self.follow(&wanted);
                }
                occurrence = queue.recv() => {
                    let Some(occurrence) = occurrence else { return };
                    if let Some(dsn) = &dsn {
                        self.report(dsn, &wanted, &occurrence).await;
                    }
                }
            }
        }
    }

    fn follow(&self, wanted: &ErrorReporting) -> Option<Dsn> {
        let dsn = wanted.enabled.then(|| Dsn::parse(&wanted.sentry_dsn)).flatten();
        match &dsn {
            Some(dsn) => tracing::info!(
                to = dsn.host(),
                environment = wanted.environment,
                with_people = wanted.send_pii,
                "errors of the outpost are reported, as core asks; log.error_reporting = false forbids it"
            ),
            None if wanted.enabled => {
                tracing::warn!("core asks for reports of errors, and does not say where to");
            }
            None if self.gate.is_open() => tracing::info!("errors are reported no more"),
            None => {}
        }
        self.gate.set_open(dsn.is_some());
        dsn
    }

    async fn report(&mut self, dsn: &Dsn, wanted: &ErrorReporting, occurrence: &Occurrence) {
        let figures = self.metrics.telemetry();
        for _ in 0..self.gate.dropped.swap(0, Ordering::Relaxed) {
            figures.report(Fate::Dropped);
        }
        let now = Instant::now();
        if !self.may_send(occurrence, now) {
            self.metrics.telemetry().report(Fate::Dropped);
            return;
        }
        let id = Uuid::new_v4();
        let status = self.status.load_full();
        let event = occurrence.to_event(
            id,
            &Setting {
                environment: &wanted.environment,
                send_pii: wanted.send_pii,
                hostname: &self.about.hostname,
                core_version: status.expected_version.as_deref(),
            },
        );
        let sent = timeout(self.options.timeout, self.post(dsn, envelope(id, &event))).await;
        let fate = match sent {
            Ok(Ok(())) => Fate::Sent,
            Ok(Err(pause)) => {
                self.silent_until = pause.map(|pause| Instant::now() + pause);
                Fate::Failed
            }
            Err(_) => Fate::Failed,
        };
        self.metrics.telemetry().report(fate);
    }

    /// Whether a report is within what we allow ourselves, and what the service allows us.
    fn may_send(&mut self, occurrence: &Occurrence, now: Instant) -> bool {
        if self.silent_until.is_some_and(|until| now < until) {
            return false;
        }
        let same = self.options.same;
        self.places.retain(|_, last| now.duration_since(*last) < same);
        let place = occurrence.place();
        if self.places.contains_key(&place) {
            return false;
        }
        let due = self.due.max(now);
        let ahead = self.options.every * self.options.burst.saturating_sub(1);
        if due.duration_since(now) > ahead {
            return false;
        }
        self.due = due + self.options.every;
        self.places.insert(place, now);
        true
    }

    /// # Errors
    /// It was not taken, and how long to be silent if the service said so.
    async fn post(&self, dsn: &Dsn, body: Vec<u8>) -> Result<(), Option<Duration>> {
        let request = self
            .http
            .post(dsn.url().as_str())
            .insert_header((CONTENT_TYPE, "application/x-sentry-envelope"))
            .insert_header((USER_AGENT, concat!("outpost/", env!("CARGO_PKG_VERSION"))))
            .insert_header(("X-Sentry-Auth", dsn.authorization()));
        let mut answer = request.send_body(body).await.map_err(|_| None)?;
        let status = answer.status();
        let pause = pause(answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()));
        let _ = answer.body().limit(LARGEST_ANSWER).await;
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::TOO_MANY_REQUESTS => Err(Some(pause)),
            _ => Err(None),
        }
    }
}

/// How long to be silent, by what `Retry-After` says in seconds.
fn pause(retry_after: Option<&str>) -> Duration {
    let asked = retry_after.and_then(|text| text.parse().ok()).unwrap_or(60);
    Duration::from_secs(asked.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_can_ask_for_silence_of_a_day_and_not_of_ages() {
        for (text, seconds) in [
            (None, 60),
            (Some("Wed, 21 Oct 2026 07:28:00 GMT"), 60),
            (Some("0"), 0),
            (Some("90"), 90),
            (Some("86401"), 86_400),
            (Some("18446744073709551615"), 86_400),
        ] {
            assert_eq!(pause(text), Duration::from_secs(seconds), "{text:?}");
        }
        assert!(Instant::now().checked_add(pause(Some("18446744073709551615"))).is_some());
    }
}
