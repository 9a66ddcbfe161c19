//! Spans on their way to a collector, in batches, by OTLP over HTTP.
//!
//! A collector that is away costs its spans, a counter and one line in the log: nothing is kept
//! for it and nobody waits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Finished, SpanWatch, otlp};

/// Spans of one request to the collector.
const BATCH: usize = 512;

/// How much of a collector's answer is read, in bytes: enough to keep the connection.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Where to, and how.
pub struct ExportOptions {
    /// Where traces are taken, path included.
    pub endpoint: Url,
    /// Headers of each request: name and value.
    pub headers: Vec<(String, SecretString)>,
    /// Longest time for one batch.
    pub timeout: Duration,
    /// How long spans are collected for a batch.
    pub interval: Duration,
    /// Who measures: `service.name` and the like.
    pub resource: Vec<(String, String)>,
}

impl fmt::Debug for ExportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportOptions")
            .field("endpoint", &self.endpoint.as_str())
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// Sends what the tracer has recorded.
pub struct Exporter {
    http: awc::Client,
    options: ExportOptions,
    spans: mpsc::Receiver<Finished>,
    watch: Arc<dyn SpanWatch>,
    stop: CancellationToken,
    is_away: bool,
}

impl Exporter {
    /// An exporter over `http`; when `stop` is cancelled it sends what waits and ends.
    #[must_use]
    pub const fn new(
        http: awc::Client,
        options: ExportOptions,
        spans: mpsc::Receiver<Finished>,
        watch: Arc<dyn SpanWatch>,
        stop: CancellationToken,
    ) -> Self {
        Self { http, options, spans, watch, stop, is_away: false }
    }

    /// Exports until it is stopped.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while !self.stop.is_cancelled() && self.collect(&mut batch).await {
            self.send(&mut batch).await;
        }
        while self.spans.try_recv().map(|span| batch.push(span)).is_ok() {
            if batch.len() == BATCH {
                self.send(&mut batch).await;
            }
        }
        self.send(&mut batch).await;
    }

    /// Waits for a first span, and then for more until the time is up or the batch is full.
    /// `false`: there will be no more.
    async fn collect(&mut self, batch: &mut Vec<Finished>) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => return true,
            first = self.spans.recv() => match first {
                Some(span) => batch.push(span),
                None => return false,
            },
        }
        let until = Instant::now() + self.options.interval;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            let more = timeout_at(until, self.spans.recv_many(batch, room));
            tokio::select! {
                () = self.stop.cancelled() => return true,
                more = more => if !matches!(more, Ok(1..)) { return true },
            }
        }
        true
    }

    async fn send(&mut self, batch: &mut Vec<Finished>) {
        if batch.is_empty() {
            return;
        }
        let spans = batch.len();
        let body = otlp::encode(&self.options.resource, batch);
        batch.clear();
        let posted = timeout(self.options.timeout, self.post(body)).await;
        match posted.unwrap_or_else(|_| Err("it took too long".to_owned())) {
            Ok(()) => {
                self.watch.exported(spans);
                if std::mem::take(&mut self.is_away) {
                    tracing::info!("the collector of traces takes them again");
                }
            }
            Err(error) => {
                self.watch.failed(spans);
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::warn!(
                        endpoint = %self.options.endpoint,
                        error,
                        "the collector does not take traces; they are dropped until it does"
                    );
                }
            }
        }
    }

    async fn post(&self, body: Vec<u8>) -> Result<(), String> {
        let mut request = self
            .http
            .post(self.options.endpoint.as_str())
            .insert_header((CONTENT_TYPE, "application/x-protobuf"))
            .insert_header((USER_AGENT, concat!("outpost/", env!("CARGO_PKG_VERSION"))));
        for (name, value) in &self.options.headers {
            let mut value = HeaderValue::from_str(value.expose_secret())
                .map_err(|_| format!("the header {name} cannot be sent"))?;
            value.set_sensitive(true);
            request = request.insert_header((name.as_str(), value));
        }
        let mut answer = request.send_body(body).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        // Read to its end, the connection serves the next batch as well.
        let _ = answer.body().limit(LARGEST_ANSWER).await;
        if status.is_success() { Ok(()) } else { Err(format!("it answered {}", status.as_u16())) }
    }
}
