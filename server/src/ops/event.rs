//! One event for each finished request: the one source of log line, figures and journal entry.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use outpost_decision::decision::{Action, Decision, Reason, Step};
use outpost_decision::dialect::Dialect;
use outpost_decision::headers::HeaderNote;
use outpost_decision::provider::Provider;
use outpost_decision::target::Scheme;
use outpost_decision::time::Timestamp;
use outpost_decision::trace_context::TraceId;

use super::chosen_headers::ChosenHeaders;
use super::forwarding::Forwarding;
use super::masking::MaskedPath;

/// A request that is over, whatever became of it. Holds no secret: what could carry one is a type
/// that masks.
#[derive(Clone, Debug)]
pub struct RequestEvent {
    /// When it came.
    pub at: Timestamp,
    /// Its id, as sent back in `X-Request-Id`.
    pub request_id: Arc<str>,
    /// Id of the decision, as shown on our pages.
    pub decision_id: Option<Arc<str>>,
    /// The trace it is a part of.
    pub trace_id: Option<TraceId>,
    /// What kind of thing was asked for.
    pub kind: RequestKind,
    /// Method, as the client wrote it.
    pub method: Cow<'static, str>,
    /// Host, as the client (or a trusted proxy) wrote it.
    pub host: String,
    /// Scheme of the URL, as it was understood; `None` where nothing was.
    pub scheme: Option<Scheme>,
    /// Path and query, masked.
    pub path: MaskedPath,
    /// The provider that answers for the host.
    pub provider: Option<Arc<Provider>>,
    /// What was decided; `None` where nothing is (a ping).
    pub decided: Option<Decided>,
    /// Status of the answer.
    pub status: u16,
    /// From the head of the request to the head of the answer.
    pub answered: Duration,
    /// From the head of the request to the end of the answer.
    pub duration: Duration,
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Whether it is in the trusted networks.
    pub peer_trusted: bool,
    /// Headers that tell where the request came from and went to, believed or not, masked.
    pub forwarding: Forwarding,
    /// Generation of the configuration that it was decided by.
    pub generation: u64,
    /// Address of the client.
    pub client: Option<IpAddr>,
    /// Name of the user, where known.
    pub user: Option<String>,
    /// What the application took, in proxy mode.
    pub upstream: Option<UpstreamEvent>,
    /// What went wrong after the decision (an application away, a code refused), by name.
    pub failure: Option<&'static str>,
    /// Bytes of the answer's body, where known.
    pub bytes: Option<u64>,
    /// Request headers that an operator wants to see, masked.
    pub headers: ChosenHeaders,
}

/// What was decided, without what could hold a secret (return targets).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Place of the action in [`Action::CODES`].
    action: usize,
    /// Why.
    pub reason: Reason,
    /// Line of the skip rule that allowed it.
    pub rule: Option<usize>,
    /// Which reverse proxy asked.
    pub dialect: Option<Dialect>,
    /// How it came to be.
    pub steps: Vec<Step>,
}

impl Decided {
    /// The action's code.
    #[must_use]
    pub fn action(&self) -> &'static str {
        Action::CODES.get(self.action).copied().unwrap_or("unknown")
    }

    /// With steps that tell what is the matter with the identity that was passed on.
    #[must_use]
    pub fn with_identity(mut self, notes: Vec<HeaderNote>) -> Self {
        self.steps.extend(notes.into_iter().map(|note| Step::Identity { note }));
        self
    }

    /// What is the matter with the identity that was passed on.
    pub fn identity(&self) -> impl Iterator<Item = &HeaderNote> {
        self.steps.iter().filter_map(|step| match step {
            Step::Identity { note } => Some(note),
            _ => None,
        })
    }

    /// Place of the action in [`Action::CODES`].
    #[must_use]
    pub const fn action_index(&self) -> usize {
        self.action
    }
}

impl From<Decision> for Decided {
    fn from(decision: Decision) -> Self {
        Self {
            action: decision.action.index(),
            reason: decision.reason,
            rule: decision.rule,
            dialect: decision.dialect,
            steps: decision.steps,
        }
    }
}

/// What kind of thing was asked for: label `type` of contract 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// The ping.
    Ping,
    /// Static files of ours.
    Static,
    /// Everything else.
    App,
}

impl RequestKind {
    /// Every kind, for tables.
    pub const ALL: [Self; 3] = [Self::Ping, Self::Static, Self::App];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Static => "static",
            Self::App => "app",
        }
    }
}

/// The application's part in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamEvent {
    /// Until the head of its answer.
    pub duration: Duration,
    /// Whether it was asked over TLS.
    pub tls: bool,
    /// Host and port asked.
    pub host: String,
}

/// Milliseconds with three digits behind the point: finer is noise.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
