//! Traces.

use std::time::Duration;

use http::HeaderName;
use secrecy::SecretString;
use url::Url;

/// Traces, and whose word on them is taken.
#[derive(Clone, Debug)]
pub struct Tracing {
    /// Where they are sent; `None`: nothing is traced.
    pub otlp: Option<Otlp>,
    /// Whose `traceparent`, `tracestate` and `X-Request-ID` are taken over.
    pub accept_from: AcceptFrom,
}

/// A collector of traces.
#[derive(Clone, Debug)]
pub struct Otlp {
    /// Where traces are taken, path included.
    pub endpoint: Url,
    /// Headers of each request to it.
    pub headers: Vec<(HeaderName, SecretString)>,
    /// Longest time for a batch.
    pub timeout: Duration,
    /// How long spans are collected for a batch.
    pub interval: Duration,
    /// Spans that wait at most.
    pub queue: usize,
    /// Part of the traces that begin here which is recorded, 0 to 1.
    pub sample_ratio: f64,
    /// `service.name`.
    pub service_name: String,
    /// Further attributes of the resource.
    pub resource: Vec<(String, String)>,
}

/// Whose word on traces and request ids is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AcceptFrom {
    /// Peers in `listen.trusted_proxy_cidrs`.
    #[default]
    Trusted,
    /// Everybody.
    All,
    /// Nobody.
    Nobody,
}
