//! The sockets of the data plane: HTTP, HTTPS, and how their servers are built.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::KeepAlive;
use actix_web::{App, HttpServer, web};
use tracing_actix_web::TracingLogger;

use super::span::RequestSpan;
use super::{Worker, pipeline};
use crate::drain::Drain;

/// Where and how to listen.
#[derive(Clone)]
pub struct ListenerOptions {
    /// Plain addresses.
    pub http: Vec<SocketAddr>,
    /// TLS addresses.
    pub https: Vec<SocketAddr>,
    /// TLS configuration of the latter.
    pub tls: rustls::ServerConfig,
    /// Worker threads; one per core when `None`.
    pub workers: Option<usize>,
    /// Connections a worker serves at once.
    pub connections: usize,
    /// Time for a request's head to arrive.
    pub read_header_timeout: Duration,
    /// Time a connection may idle between requests.
    pub idle_timeout: Duration,
    /// Time for requests in flight to finish at the end.
    pub drain_timeout: Duration,
    /// When the end comes.
    pub drain: Drain,
}

/// Shortest timeout that actix-http keeps: it counts from a clock that is up to half a second
/// behind, and a deadline that has passed when it is set never fires. The connection would then
/// stay until the client closes it.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(1);

/// A server that has bound its sockets and begins when it is awaited.
pub struct BoundServer {
    /// The server; a future.
    pub server: Server,
    /// Bound plain addresses.
    pub http: Vec<SocketAddr>,
    /// Bound TLS addresses.
    pub https: Vec<SocketAddr>,
}

/// Binds the listeners and builds the server of the data plane. `worker` makes what each worker
/// thread owns.
///
/// # Errors
/// When an address cannot be bound; the message names it.
pub fn bind<F>(options: &ListenerOptions, worker: F) -> io::Result<BoundServer>
where
    F: Fn() -> Worker + Clone + Send + 'static,
{
    let mut server = HttpServer::new(move || {
        App::new()
            .wrap(TracingLogger::<RequestSpan>::new())
            .app_data(web::Data::new(worker()))
            .default_service(web::to(pipeline::serve))
    })
    .disable_signals()
    .keep_alive(KeepAlive::Timeout(options.idle_timeout))
    .client_request_timeout(options.read_header_timeout.max(SHORTEST_TIMEOUT))
    // After a tunnel's end, or a refusal with the request's body unread, actix waits this long
    // for the client; browsers hold `onclose` back meanwhile.
    .client_disconnect_timeout(SHORTEST_TIMEOUT)
    // A client that half-closes while it waits is gone: do not ask the application in vain.
    .h1_allow_half_closed(false)
    .max_connections(options.connections)
    .shutdown_timeout(options.drain_timeout.as_secs().max(1));
    if let Some(workers) = options.workers {
        server = server.workers(workers);
    }
    let (mut http, mut https) = (Vec::new(), Vec::new());
    for address in &options.http {
        let listener = listen(*address)?;
        http.push(listener.local_addr()?);
        server = server.listen(listener)?;
    }
    for address in &options.https {
        let listener = listen(*address)?;
        https.push(listener.local_addr()?);
        server = server.listen_rustls_0_23(listener, options.tls.clone())?;
    }
    Ok(BoundServer { server: server.run(), http, https })
}

/// Binds one address. `[::]` on a machine without IPv6 means every IPv4 address.
///
/// # Errors
/// When the address cannot be bound; the message names it.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = TcpListener::bind(address).or_else(|error| {
        let no_ipv6 =
            matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
                || error.raw_os_error() == Some(EAFNOSUPPORT);
        if no_ipv6 && address.is_ipv6() && address.ip().is_unspecified() {
            let everywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            return TcpListener::bind(SocketAddr::new(everywhere, address.port()));
        }
        Err(error)
    });
    bound.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })
}

/// "Address family not supported", which `io::ErrorKind` has no stable name for on every system.
const EAFNOSUPPORT: i32 = 97;
