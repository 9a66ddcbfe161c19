//! Settings of the applications behind proxy mode.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::ClientCertificate;

/// The applications behind proxy mode.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Limit of connecting.
    pub connect_timeout: Duration,
    /// Limit of silence on both sides.
    pub idle_timeout: Duration,
    /// How long an unused connection is kept.
    pub pool_idle_timeout: Duration,
    /// How many unused connections are kept, per application and worker.
    pub pool_max_idle: usize,
    /// What differs for single applications, by slug.
    pub applications: BTreeMap<String, UpstreamApplication>,
}

/// How one application is spoken to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamApplication {
    /// PEM bundle of the authorities believed for it; `None`: the machine's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, for applications that ask for one.
    pub client: Option<ClientCertificate>,
    /// The name asked for in TLS and looked for in the certificate; `None`: the URL's host.
    pub server_name: Option<String>,
    /// Whether HTTP/2 is spoken instead of HTTP/1.1.
    pub http2: bool,
    /// A Unix socket to connect to; `None`: the URL's host and port.
    pub socket: Option<PathBuf>,
}
