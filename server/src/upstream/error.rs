//! Why an upstream did not answer, with enough of the cause to act on it.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use thiserror::Error;

/// Why a request got no answer from its upstream. Each names its source, so that the caller can
/// choose the status by [`UpstreamError::status`] and show the cause to those who may see it.
#[derive(Debug, Error)]
pub enum UpstreamError {
    /// The upstream's URL cannot be used.
    #[error("the upstream's URL {url} cannot be used: {why}")]
    BadUpstream {
        /// The URL as configured, without user name and password.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The client's request cannot be forwarded.
    #[error("the request cannot be forwarded: {0}")]
    BadRequest(&'static str),
    /// A header that must be set has a name or value that HTTP forbids. Nothing was sent: leaving
    /// an identity header out could mean another identity.
    #[error("the header {name} cannot be sent: its name or value is not allowed in HTTP")]
    BadHeader {
        /// Name of the header. Its value may be secret.
        name: String,
    },
    /// No connection.
    #[error("cannot connect to {upstream}: {failure}")]
    Connect {
        /// `host:port`.
        upstream: String,
        /// How it failed.
        failure: ConnectFailure,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Connected, but TLS was not agreed upon: most often a certificate that is not trusted.
    #[error("no TLS with {upstream}: {source}")]
    Tls {
        /// `host:port`.
        upstream: String,
        /// What rustls said.
        #[source]
        source: io::Error,
    },
    /// Nothing moved in either direction for too long.
    #[error("{upstream} did not answer: nothing moved for {} s", after.as_secs_f32())]
    Idle {
        /// `host:port`.
        upstream: String,
        /// The limit.
        after: Duration,
    },
    /// The upstream closed the connection before it answered.
    #[error("{upstream} closed the connection before it answered: {source}")]
    Closed {
        /// `host:port`.
        upstream: String,
        /// What the connection said.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The upstream answered, but not in HTTP, or not in a way that fits the request.
    #[error("{upstream} gave an answer that cannot be understood: {source}")]
    Protocol {
        /// `host:port`.
        upstream: String,
        /// What is wrong.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The client stopped sending its request body.
    #[error("the client stopped sending: nothing moved for {} s", after.as_secs_f32())]
    ClientStalled {
        /// The limit.
        after: Duration,
    },
    /// The client went away, or broke its own request body.
    #[error("the client went away while it was sending")]
    ClientGone,
    /// The session ended before the upstream answered.
    #[error("the session ended before the upstream answered")]
    SessionEnded,
}

/// How connecting failed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The name has no address.
    #[error("the host name cannot be resolved")]
    Dns,
    /// Nobody listens.
    #[error("connection refused")]
    Refused,
    /// No route, or the network is down.
    #[error("host or network unreachable")]
    Unreachable,
    /// Took longer than allowed.
    #[error("timed out")]
    Timeout,
    /// Anything else; the source tells.
    #[error("the connection failed")]
    Other,
}

impl ConnectFailure {
    /// Reads the failure off what the system says.
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Self::Unreachable,
            io::ErrorKind::TimedOut => Self::Timeout,
            _ => Self::Other,
        }
    }
}

impl UpstreamError {
    /// The HTTP status that fits.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) | Self::ClientGone => 400,
            Self::SessionEnded => 401,
            Self::ClientStalled { .. } => 408,
            Self::BadHeader { .. } => 500,
            Self::BadUpstream { .. }
            | Self::Connect { failure: ConnectFailure::Dns, .. }
            | Self::Connect { failure: ConnectFailure::Refused, .. }
            | Self::Connect { failure: ConnectFailure::Unreachable, .. }
            | Self::Connect { failure: ConnectFailure::Other, .. }
            | Self::Tls { .. }
            | Self::Closed { .. }
            | Self::Protocol { .. } => 502,
            Self::Connect { failure: ConnectFailure::Timeout, .. } | Self::Idle { .. } => 504,
        }
    }

    /// A stable name, for logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadUpstream { .. } => "bad_upstream",
            Self::BadRequest(_) => "bad_request",
            Self::BadHeader { .. } => "bad_header",
            Self::Connect { failure: ConnectFailure::Dns, .. } => "dns",
            Self::Connect { failure: ConnectFailure::Refused, .. } => "refused",
            Self::Connect { failure: ConnectFailure::Unreachable, .. } => "unreachable",
            Self::Connect { failure: ConnectFailure::Timeout, .. } => "connect_timeout",
            Self::Connect { failure: ConnectFailure::Other, .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Idle { .. } => "idle",
            Self::Closed { .. } => "closed",
            Self::Protocol { .. } => "protocol",
            Self::ClientStalled { .. } => "client_stalled",
            Self::ClientGone => "client_gone",
            Self::SessionEnded => "session_ended",
        }
    }
}

/// Why [`Dialer::new`](super::Dialer::new) failed: the TLS configuration cannot be built. Holds
/// nothing of a key.
#[derive(Debug, Error)]
pub enum DialerError {
    /// For everybody.
    #[error("TLS towards upstreams cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// For one application.
    #[error("upstream.applications: {application}: {word} {problem}")]
    Application {
        /// Its slug.
        application: String,
        /// Which of its settings.
        word: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}
