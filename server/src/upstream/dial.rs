//! Connecting: addresses, TCP, TLS, and the HTTP version that was agreed upon.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;

use super::endpoint::Endpoint;
use super::error::{ConnectFailure, DialerError};
use super::pool::Sender;
use super::tls::Tls;
use super::{UpstreamError, UpstreamSettings};

/// Head start that an address gets before the next one is tried beside it (RFC 8305 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// How upstreams are reached. Made once and shared by all workers: it holds what is costly to
/// make, such as the trusted roots, and no connection.
#[derive(Clone)]
pub struct Dialer {
    pub(super) settings: UpstreamSettings,
    tls: Arc<Tls>,
}

impl Dialer {
    /// Loads the system's trusted roots and prepares TLS.
    ///
    /// # Errors
    /// When TLS cannot be set up, or a root of `settings.extra_roots` cannot be used.
    pub fn new(settings: UpstreamSettings) -> Result<Self, DialerError> {
        let tls = Arc::new(Tls::new(&settings.extra_roots)?);
        Ok(Self { settings, tls })
    }

    /// Opens a connection and drives it on a task of this worker.
    pub(super) async fn dial(
        &self,
        endpoint: &Endpoint,
        http2: bool,
    ) -> Result<Sender, UpstreamError> {
        let limit = self.settings.connect_timeout;
        match timeout(limit, self.connect(endpoint, http2)).await {
            Ok(result) => result,
            Err(_) => Err(UpstreamError::Connect {
                upstream: endpoint.to_string(),
                failure: ConnectFailure::Timeout,
                source: io::ErrorKind::TimedOut.into(),
            }),
        }
    }

    async fn connect(&self, endpoint: &Endpoint, http2: bool) -> Result<Sender, UpstreamError> {
        let tcp = connect_tcp(endpoint).await?;
        if !endpoint.https {
            return handshake(endpoint, Io::Plain(tcp), false).await;
        }
        let tls_error = |source| UpstreamError::Tls { upstream: endpoint.to_string(), source };
        let name = ServerName::try_from(endpoint.host.to_string())
            .map_err(|error| tls_error(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let tls = self
            .tls
            .connector(endpoint.verify, http2)
            .connect(name, tcp)
            .await
            .map_err(tls_error)?;
        let agreed = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        handshake(endpoint, Io::Tls(Box::new(tls)), agreed && http2).await
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

async fn handshake(endpoint: &Endpoint, io: Io, http2: bool) -> Result<Sender, UpstreamError> {
    let failed = |error: hyper::Error| UpstreamError::Protocol {
        upstream: endpoint.to_string(),
        source: error.into(),
    };
    if http2 {
        let (sender, connection) =
            http2::Builder::new(Local).handshake(TokioIo::new(io)).await.map_err(failed)?;
        drive(endpoint, connection);
        return Ok(Sender::Http2(sender));
    }
    let (sender, connection) = http1::Builder::new()
        // Old devices compare header names byte for byte, in the customary case.
        .title_case_headers(true)
        // RFC 9112 5.1 and 5.2: a proxy takes these and sends the cleaned form on.
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        // Some applications set dozens of cookies; hyper's own limit is 100.
        .max_headers(256)
        .handshake(TokioIo::new(io))
        .await
        .map_err(failed)?;
    drive(endpoint, connection.with_upgrades());
    Ok(Sender::Http1(sender))
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

/// A connection below HTTP.
enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Calls the same method on whichever stream it is.
macro_rules! each {
    ($self:expr, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Io::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Io::Tls($stream) => {
                let $stream = Pin::new(&mut **$stream);
                $call
            }
        }
    };
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => stream.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
