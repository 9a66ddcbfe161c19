//! The data plane: requests in, decisions realised, answers out. Reads what actors publish, and
//! never waits for one.

pub mod backchannel_logout;
pub mod callback;
pub mod credentials;
pub mod embedded;
pub mod exchange;
pub mod fields;
pub mod finish;
pub mod header_auth;
pub mod identity;
pub mod kept_form;
pub mod listeners;
pub mod pages;
pub mod pipeline;
pub mod proxy;
pub mod realise;
pub mod recheck;
mod record;
pub mod renewal;
pub mod sign_out;
pub mod small_body;
pub mod span;
pub mod start;
pub mod tokens;
pub mod unbelieved;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use outpost_decision::decide::Scripts;
use outpost_decision::headers::IdentityRules;
use outpost_decision::lifetime::Lifetimes;
use outpost_decision::origin::Trust;
use tokio::sync::mpsc;

use crate::authentik::MisconfigurationReport;
use crate::keys::KeyRequests;
use crate::limits::PerMinute;
use crate::oidc::OidcClient;
use crate::ops::chosen_headers::ChosenNames;
use crate::ops::finish::Finish;
use crate::ops::metrics::Metrics;
use crate::publish::Published;
use crate::randomness::Reserve;
use crate::session::Sessions;
use crate::session::header_cache::HeaderCache;
use crate::snapshot::Snapshot;
use crate::tls::CertificateIndex;
use crate::upstream::Upstreams;

/// What all workers share.
pub struct Gateway {
    /// The configuration in effect.
    pub snapshot: Published<Snapshot>,
    /// Whose forwarding headers are believed.
    pub trusted: Trust,
    /// Peers whose headers were not believed, and of whom that was said.
    pub unbelieved: unbelieved::Unbelieved,
    /// Which certificate answers for which name.
    pub certificates: Published<CertificateIndex>,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Results of header authentication.
    pub header_results: HeaderCache<header_auth::HeaderResult>,
    /// Sign-ins that clients have begun.
    pub sign_ins: PerMinute,
    /// Codes of clients that core has refused.
    pub failed_codes: PerMinute,
    /// Headers of clients that core has refused.
    pub header_failures: Arc<PerMinute>,
    /// Renewals of sessions that are about to end.
    pub renewals: renewal::Renewals,
    /// Keys that tokens are signed with.
    pub keys: KeyRequests,
    /// Sessions in doubt, and their checks.
    pub rechecks: recheck::Rechecks,
    /// The settings that requests are served by.
    pub policy: Policy,
    /// Log line, metrics and journal of each request.
    pub record: Finish,
    /// Core behind us, in embedded mode.
    pub embedded: Option<embedded::Embedded>,
    /// The figures.
    pub metrics: Arc<Metrics>,
    /// Ids of requests, and traces.
    pub telemetry: span::Telemetry,
    /// Request headers for the log.
    pub logged_headers: ChosenNames,
    /// Misconfigurations seen in requests, on their way to core. Full: dropped.
    pub reports: mpsc::Sender<MisconfigurationReport>,
    /// Sessions that began or ended here, for the actors of their providers. Full: dropped; the
    /// actors count anew from the store at intervals.
    pub notices: mpsc::Sender<SessionNotice>,
    /// Takes sessions of core (`sid`) that have ended while the session store could not be told.
    pub session_ends: Arc<dyn Fn(String) + Send + Sync>,
}

/// Something happened to the sessions of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionNotice {
    /// Key of the provider.
    pub provider: i64,
}

/// The settings that requests are served by.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What scripts without a session get.
    pub scripts: Scripts,
    /// Whether the paths and headers of the 2021.5 outpost are served as well.
    pub akprox: bool,
    /// How long a sign-in may take, in seconds.
    pub flow_seconds: i64,
    /// How often a sign-in that fails is begun anew by itself.
    pub max_tries: u8,
    /// How long sessions last at most.
    pub lifetimes: Lifetimes,
    /// How long accepted header authentication is kept.
    pub header_ttl: Duration,
    /// How long refused header authentication is kept.
    pub header_negative_ttl: Duration,
    /// What applications are told of their users, and how.
    pub identity: IdentityRules,
    /// Whether a request must be for a host that the certificate of its connection answers for.
    pub check_server_name: bool,
    /// Largest form that is kept over a sign-in, in bytes; zero: none is.
    pub keep_post_bytes: usize,
    /// Largest sum of all header names and values, in bytes.
    pub header_bytes: usize,
    /// Largest sum of all `Cookie` headers, in bytes.
    pub cookie_bytes: usize,
    /// Sign-ins under way that a browser keeps, for each provider.
    pub flows_per_browser: usize,
    /// Largest form with a logout token, in bytes.
    pub logout_form_bytes: usize,
}

/// What one worker thread owns.
#[derive(Clone)]
pub struct Worker {
    /// What all share.
    pub gateway: Arc<Gateway>,
    /// The way to core's OAuth2 endpoints.
    pub oidc: Rc<OidcClient>,
    /// The way to the applications.
    pub upstreams: Upstreams,
    /// Who was told of lately.
    pub identities: Rc<identity::Identities>,
    /// Randomness for the ids of requests.
    pub ids: Rc<Reserve>,
}
