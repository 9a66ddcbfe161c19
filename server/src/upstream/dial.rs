//! Connecting: addresses, TCP, TLS, and the HTTP version that was agreed upon.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::client::conn::{http1 as hyper_http1, http2};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{sleep, timeout};
use url::Url;

use super::application::{HttpVersion, Manner};
use super::endpoint::Endpoint;
use super::error::{ConnectFailure, DialerError};
use super::http1::{self, Connection};
use super::pool::Sender;
use super::tls;
use super::{UpstreamError, UpstreamSettings};
use crate::duplex::Stream;

/// Head start that an address gets before the next one is tried beside it (RFC 8305 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// What is spoken on a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    Http1,
    /// HTTP/1.1 for one request, which asks to go on with another protocol.
    Upgrade,
    Http2,
}

impl Speaks {
    pub(super) const fn of(version: HttpVersion) -> Self {
        match version {
            HttpVersion::One => Self::Http1,
            HttpVersion::Two => Self::Http2,
        }
    }

    const fn version(self) -> HttpVersion {
        match self {
            Self::Http1 | Self::Upgrade => HttpVersion::One,
            Self::Http2 => HttpVersion::Two,
        }
    }
}

/// How upstreams are reached. Made once and shared by all workers: it holds what is costly to
/// make, such as the trusted roots, and no connection.
#[derive(Clone)]
pub struct Dialer {
    pub(super) settings: UpstreamSettings,
    manners: Arc<Manners>,
}

struct Manners {
    usual: Manner,
    /// By slug.
    special: BTreeMap<Arc<str>, Manner>,
}

impl Dialer {
    /// Loads the system's trusted roots and prepares TLS.
    ///
    /// # Errors
    /// When TLS cannot be set up, a root of `settings.extra_roots` cannot be used, or what
    /// `settings.applications` holds cannot; the error names the application and which.
    pub fn new(settings: UpstreamSettings) -> Result<Self, DialerError> {
        let roots = tls::roots(&settings.extra_roots)?;
        let special = settings.applications.iter().map(|(slug, options)| {
            Ok::<_, DialerError>((Arc::from(&**slug), Manner::of(slug, options, &roots)?))
        });
        let special = special.collect::<Result<_, _>>()?;
        let manners = Arc::new(Manners { usual: Manner::usual(&roots)?, special });
        Ok(Self { settings, manners })
    }

    /// Where a request for the application with this slug goes.
    pub(super) fn endpoint(
        &self,
        url: &Url,
        verify: bool,
        application: &str,
    ) -> Result<Endpoint, UpstreamError> {
        Endpoint::of(url, verify, self.manners.special.get_key_value(application))
    }

    fn manner(&self, endpoint: &Endpoint) -> &Manner {
        let special = endpoint.application.as_ref();
        special.and_then(|slug| self.manners.special.get(slug)).unwrap_or(&self.manners.usual)
    }

    /// The version of HTTP for what needs no upgrade.
    pub(super) fn http(&self, endpoint: &Endpoint) -> HttpVersion {
        self.manner(endpoint).http
    }

    /// Whether a connection can be had to the application with this slug, within `limit`: TCP, and
    /// TLS where its URL says so. Nothing is asked over it.
    ///
    /// # Errors
    /// Why not.
    pub async fn reach(
        &self,
        url: &Url,
        verify: bool,
        application: &str,
        limit: Duration,
    ) -> Result<(), UpstreamError> {
        let endpoint = self.endpoint(url, verify, application)?;
        let speaks = Speaks::of(self.http(&endpoint));
        self.connect_within(&endpoint, speaks, limit).await.map(drop)
    }

    /// Opens a connection.
    pub(super) async fn dial(
        &self,
        endpoint: &Endpoint,
        speaks: Speaks,
    ) -> Result<Sender, UpstreamError> {
        self.connect_within(endpoint, speaks, self.settings.connect_timeout).await
    }

    async fn connect_within(
        &self,
        endpoint: &Endpoint,
        speaks: Speaks,
        limit: Duration,
    ) -> Result<Sender, UpstreamError> {
        timeout(limit, self.connect(endpoint, speaks)).await.unwrap_or_else(|_| {
            Err(UpstreamError::Connect {
                upstream: endpoint.to_string(),
                failure: ConnectFailure::Timeout,
                source: io::ErrorKind::TimedOut.into(),
            })
        })
    }

    async fn connect(&self, endpoint: &Endpoint, speaks: Speaks) -> Result<Sender, UpstreamError> {
        let manner = self.manner(endpoint);
        let stream: Stream = match &manner.socket {
            None => Box::new(connect_tcp(endpoint).await?),
            Some(path) => Box::new(UnixStream::connect(path).await.map_err(|source| {
                let failure = ConnectFailure::of(&source);
                UpstreamError::Connect { upstream: endpoint.to_string(), failure, source }
            })?),
        };
        if !endpoint.https {
            return handshake(endpoint, stream, speaks).await;
        }
        let tls_error = |source| UpstreamError::Tls { upstream: endpoint.to_string(), source };
        let name = match &manner.name {
            Some(name) => name.clone(),
            None => ServerName::try_from(endpoint.host.to_string())
                .map_err(|error| tls_error(io::Error::new(io::ErrorKind::InvalidInput, error)))?,
        };
        let connector = manner.tls.connector(endpoint.verify, speaks.version());
        let stream = connector.connect(name, stream).await.map_err(tls_error)?;
        let agreed = stream.get_ref().1.alpn_protocol();
        if speaks == Speaks::Http2 && agreed != Some(b"h2") {
            return Err(tls_error(io::Error::other("it does not agree upon HTTP/2")));
        }
        handshake(endpoint, Box::new(stream), speaks).await
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Tries the addresses of the host, each a little after the one before, and keeps the first that
/// answers: a dead IPv6 route must not cost the whole time limit.
async fn connect_tcp(endpoint: &Endpoint) -> Result<TcpStream, UpstreamError> {
    let failed = |failure, source| UpstreamError::Connect {
        upstream: endpoint.to_string(),
        failure,
        source,
    };
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((&*endpoint.host, endpoint.port))
        .await
        .map_err(|error| failed(ConnectFailure::Dns, error))?
        .collect();

    let mut waiting = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut last_error = None;
    loop {
        let next = waiting.next();
        let more = next.is_some();
        attempts.extend(next.map(TcpStream::connect));
        let outcome = tokio::select! {
            outcome = attempts.next() => outcome,
            () = sleep(HEAD_START), if more => continue,
        };
        match outcome {
            Some(Ok(stream)) => {
                // Small writes matter more here than full packets; failing changes nothing.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Some(Err(error)) => last_error = Some(error),
            None => {
                return Err(match last_error {
                    Some(error) => failed(ConnectFailure::of(&error), error),
                    None => failed(ConnectFailure::Dns, io::ErrorKind::NotFound.into()),
                });
            }
        }
    }
}

async fn handshake(
    endpoint: &Endpoint,
    stream: Stream,
    speaks: Speaks,
) -> Result<Sender, UpstreamError> {
    let failed = |error: hyper::Error| UpstreamError::Protocol {
        upstream: endpoint.to_string(),
        source: error.into(),
    };
    match speaks {
        Speaks::Http1 => Ok(Sender::Http1(Connection::new(stream))),
        Speaks::Upgrade => {
            let (sender, connection) = hyper_http1::Builder::new()
                // The same as on our own connections.
                .title_case_headers(true)
                .allow_spaces_after_header_name_in_responses(true)
                .allow_obsolete_multiline_headers_in_responses(true)
                .max_headers(http1::LINES)
                .handshake(TokioIo::new(stream))
                .await
                .map_err(failed)?;
            drive(endpoint, connection.with_upgrades());
            Ok(Sender::Upgrade(sender))
        }
        Speaks::Http2 => {
            let (sender, connection) =
                http2::Builder::new(Local).handshake(TokioIo::new(stream)).await.map_err(failed)?;
            drive(endpoint, connection);
            Ok(Sender::http2(sender))
        }
    }
}

/// Runs a connection on this worker. Its errors reach the requests on it; here they are noted
/// for whoever looks into the log.
fn drive(endpoint: &Endpoint, connection: impl Future<Output = hyper::Result<()>> + 'static) {
    let upstream = endpoint.to_string();
    actix_rt::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(upstream, %error, "connection to an upstream ended");
        }
    });
}

/// Runs hyper's own tasks on the worker's thread; what they hold cannot leave it.
#[derive(Clone, Copy, Debug)]
struct Local;

impl<F> hyper::rt::Executor<F> for Local
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, task: F) {
        actix_rt::spawn(task);
    }
}
