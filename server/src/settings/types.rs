//! The settings as the rest of the program gets them: checked values of the right type.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use outpost_decision::headers::IdentityRules;
use outpost_render::Site;
use secrecy::SecretString;
use url::Url;

use crate::downstream::Address;

mod limits;
mod operators;
mod service;
mod sessions;
mod store_url;
mod tracing;
mod upstream;

pub use limits::Limits;
pub use operators::{Admin, Dashboard, OperatorSignIn};
pub use service::Service;
pub use sessions::{ClientCertificate, LifetimeLimits, Lifetimes, Sessions, StoreLogin, StoreTls};
pub use store_url::{HostPort, RedisStore, StoreUrl, Topology};
pub use tracing::{AcceptFrom, Otlp, Tracing};
pub use upstream::{Upstream, UpstreamApplication};

/// The link to core.
#[derive(Clone, Debug)]
pub struct Core {
    /// Base URL, or `unix:///path/of/socket`.
    pub host: Url,
    /// The outpost's token.
    pub token: SecretString,
    /// Whether core's certificate goes unverified.
    pub insecure: bool,
    /// PEM file of the authorities that core's certificate is checked against, in place of the
    /// machine's.
    pub ca_file: Option<PathBuf>,
    /// Base URL for browsers, when it differs.
    pub host_browser: Option<Url>,
    /// Limit of connecting.
    pub connect_timeout: Duration,
    /// Limit of one request and its answer.
    pub request_timeout: Duration,
    /// Time between hellos.
    pub hello_interval: Duration,
    /// Longest random wait before a triggered refresh.
    pub refresh_jitter: Duration,
    /// Whether the last configuration core gave is kept in the session store, to start from.
    pub last_known_good: bool,
}

/// Where to listen. An empty list is a listener turned off.
#[derive(Clone, Debug)]
pub struct Listen {
    /// HTTP.
    pub http: Vec<Address>,
    /// HTTPS.
    pub https: Vec<Address>,
    /// Metrics and readiness.
    pub metrics: Vec<SocketAddr>,
    /// Networks of proxies whose forwarding headers are believed.
    pub trusted_proxy_cidrs: Vec<IpNet>,
    /// Whether PROXY headers of these networks are read.
    pub proxy_protocol: bool,
    /// Whether a new process may listen beside an old one.
    pub reuse_port: bool,
    /// Whether `Forwarded` is one of these headers.
    pub forwarded: bool,
    /// Oldest version of TLS that clients may speak.
    pub tls_min: TlsVersion,
    /// Whether a request must be for a host that the certificate of its connection answers for.
    pub check_server_name: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// The web server.
#[derive(Clone, Debug)]
pub struct Web {
    /// Threads; `None`: one for each processor.
    pub workers: Option<usize>,
    /// Limit of a request's head.
    pub read_header_timeout: Duration,
    /// Limit of a pause within a request's body.
    pub read_timeout: Duration,
    /// Limit of the time in which a client takes nothing of its answer.
    pub write_timeout: Duration,
    /// Limit of an idle connection.
    pub idle_timeout: Duration,
}

/// Signing in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// How long a flow lives.
    pub flow_ttl: Duration,
    /// Largest form that is kept over a sign-in, in bytes; zero: none is.
    pub keep_post_bytes: usize,
    /// Restarts before a page explains.
    pub max_tries: usize,
    /// What scripts are answered.
    pub unauthenticated_scripts: ScriptAnswer,
}

/// What a client that is no page navigation is answered when nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptAnswer {
    /// 401 with JSON.
    Challenge,
    /// The redirect a navigation gets.
    Redirect,
}

/// Header authentication.
#[derive(Clone, Debug)]
pub struct HeaderAuth {
    /// How long a success is remembered.
    pub cache_ttl: Duration,
    /// How long a failure is remembered.
    pub negative_ttl: Duration,
    /// How many are remembered.
    pub capacity: usize,
    /// How many a client may get wrong in a minute; 0: any number.
    pub failures_per_minute: usize,
}

/// What applications are told about the user.
#[derive(Clone, Debug)]
pub struct Identity {
    /// By application.
    pub rules: IdentityRules,
}

/// What older outposts did, beside what today's do.
#[derive(Clone, Debug)]
pub struct Compat {
    /// Paths, headers and ports of the 2021.5 outpost.
    pub akprox: bool,
    /// Its HTTP listener; in `Listen::http` already where `akprox` is on.
    pub akprox_http: Vec<Address>,
    /// Its HTTPS listener; the same.
    pub akprox_https: Vec<Address>,
}

/// Embedded mode: core stands behind us.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// Core's HTTP server: `http(s)://host[:port]`, or `unix:///path/of/socket`.
    pub core: Url,
    /// A folder with core's static files, under `static`, `media` and `help`.
    pub static_files: Option<PathBuf>,
    /// Core's secret key, which is the token of the embedded outpost.
    pub secret_key: Option<SecretString>,
}

/// Logs.
#[derive(Clone, Debug)]
pub struct Log {
    /// The level; `None`: core's option decides.
    pub level: Option<LogLevel>,
    /// The format.
    pub format: LogFormat,
    /// Request headers for the access log, in lower case.
    pub http_headers: Vec<String>,
    /// Whether errors may be reported where core asks for it.
    pub error_reporting: bool,
    /// Most bytes of lines that wait for whoever reads standard output.
    pub buffer_bytes: usize,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Failures only.
    Error,
    /// And what likely needs attention.
    Warning,
    /// And every request.
    #[default]
    Info,
    /// And what the parts do.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    pub(super) const NAMES: [(&'static str, Self); 6] = [
        ("trace", Self::Trace),
        ("debug", Self::Debug),
        ("info", Self::Info),
        ("warning", Self::Warning),
        ("warn", Self::Warning),
        ("error", Self::Error),
    ];

    /// Reads a level as core and the contract name it, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, level)| *level)
    }
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// The latest decisions.
#[derive(Clone, Debug)]
pub struct Journal {
    /// How many are kept.
    pub capacity: usize,
}

/// What the doctor looks at.
#[derive(Clone, Copy, Debug)]
pub struct Doctor {
    /// Whether applications are connected to, to see whether they can be reached.
    pub connect: bool,
}

/// The end.
#[derive(Clone, Copy, Debug)]
pub struct Shutdown {
    /// How long the outpost serves on after readiness says no.
    pub delay: Duration,
    /// How long requests under way may take.
    pub drain_timeout: Duration,
    /// The time over which websockets and event streams are closed.
    pub close_spread: Duration,
}

/// Configuration for what stands around the outpost.
#[derive(Clone, Debug, Default)]
pub struct Render {
    /// Where reverse proxies reach the outpost; `None`: as the platforms' own renderings name it.
    pub outpost_url: Option<Url>,
}

impl Render {
    /// The site as far as settings know it.
    #[must_use]
    pub fn site(&self) -> Site {
        let usual = Site::default();
        let outpost = self.outpost_url.clone().unwrap_or(usual.outpost);
        Site { outpost, version: crate::VERSION.to_owned(), ..usual }
    }
}
