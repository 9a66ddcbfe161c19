//! The data plane's connections from clients and the reverse proxies in front: sockets, PROXY
//! protocol, TLS, HTTP/1.1 and HTTP/2.
//!
//! HTTP is spoken by hyper (HTTP/1.1) and h2 (HTTP/2); each request is shown to the [`Direct`] part of the
//! worker that the connection belongs to: most requests of an outpost are answered with a few headers, or
//! passed on to an application, and cost less than what actix-web makes of a request before anybody has
//! looked at it. What is left goes on to the worker's actix-web application. So trailers, interim answers,
//! any upgrade, the limits on time and size, and the end of connections are decided here; actix-http's own
//! dispatchers have no room for them.

mod address;
mod answer;
mod aside;
mod body;
mod connection;
mod date;
mod fast_path;
mod head_answer;
mod http1;
mod http2;
mod io;
mod limits;
mod opening;
mod pulse;
mod request;
mod wire;

use std::io as std_io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::body::{BoxBody, MessageBody};
use actix_http::{Payload, Request};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, fn_factory, fn_service};
use actix_web::dev::{AppConfig, ServiceResponse};
use futures_util::future::LocalBoxFuture;
use http::Response;
use listenfd::ListenFd;
use outpost_decision::origin::TrustedNetworks;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsAcceptor;

pub use address::{Address, listen};
pub use answer::adapt;
pub use head_answer::{HeadAnswer, SharedHead};
pub use limits::Limits;

use address::Listener;
use connection::{Context, Socket};

use crate::carried::{AnswerBody, Carried};
use crate::drain::Drain;
use crate::limits::Admission;

/// Where and how to listen.
#[derive(Clone)]
pub struct DownstreamOptions {
    /// Plain addresses.
    pub http: Vec<Address>,
    /// TLS addresses.
    pub https: Vec<Address>,
    /// TLS configuration of the latter.
    pub tls: Arc<rustls::ServerConfig>,
    /// Peers whose PROXY headers are read; `None`: nobody's.
    pub proxy_protocol: Option<TrustedNetworks>,
    /// Binds with `SO_REUSEPORT`, so that a new process can take over from an old one.
    pub reuse_port: bool,
    /// Worker threads; one per core when `None`.
    pub workers: Option<usize>,
    /// Connections a worker serves at once.
    pub connections: usize,
    /// Limits on time and size.
    pub limits: Limits,
    /// Who may connect.
    pub admission: Admission,
    /// When the end comes.
    pub drain: Drain,
}

/// A server that has bound its sockets and begins when it is awaited.
pub struct BoundServer {
    /// The server; a future.
    pub server: Server,
    /// Bound plain addresses.
    pub http: Vec<SocketAddr>,
    /// Bound TLS addresses.
    pub https: Vec<SocketAddr>,
}

/// The application of one worker, whatever its type.
type App = Rc<dyn Fn(Request) -> LocalBoxFuture<'static, actix_http::Response<BoxBody>>>;

/// What of a worker sees requests before its actix-web application does.
#[derive(Clone)]
pub struct Direct {
    /// Sees each request first.
    pub first: First,
    /// Answers those that [`Direct::first`] says are to be forwarded.
    pub forward: Forward,
}

/// Sees a request, and answers it, without a body, or says who does.
pub type First = Rc<dyn for<'r> Fn(&'r Carried) -> LocalBoxFuture<'r, Seen>>;

/// Answers a request with this body.
pub type Forward = Rc<dyn Fn(Carried, Payload) -> LocalBoxFuture<'static, Response<AnswerBody>>>;

/// What becomes of a request that was seen.
pub enum Seen {
    /// It is answered.
    Answered(HeadAnswer),
    /// It goes on.
    Left(Next),
}

/// Where a request goes on to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To [`Direct::forward`].
    Forward,
    /// To the actix-web application.
    App,
}

/// Binds the listeners and builds the server of the data plane. `app` makes the application of each
/// worker, and what sees its requests before.
///
/// # Errors
/// When an address cannot be bound; the message names it.
pub fn bind<F, I, S, B>(options: &DownstreamOptions, app: F) -> std_io::Result<BoundServer>
where
    F: Fn() -> (Direct, I) + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request> + 'static,
    S: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let mut server = ServerBuilder::new()
        .disable_signals()
        .max_concurrent_connections(options.connections)
        .shutdown_timeout(options.limits.end.as_secs().max(1));
    if let Some(workers) = options.workers {
        server = server.workers(workers);
    }
    // Its variables are gone once they are read.
    let mut handed = ListenFd::from_env();
    let acceptor = TlsAcceptor::from(Arc::clone(&options.tls));
    let (mut http, mut https) = (Vec::new(), Vec::new());
    let plain = options.http.iter().map(|address| (address, None));
    let secure = options.https.iter().map(|address| (address, Some(acceptor.clone())));
    for (address, tls) in plain.chain(secure) {
        let bound = if tls.is_some() { &mut https } else { &mut http };
        let name = address.to_string();
        let parts = Parts {
            tls,
            proxy_protocol: options.proxy_protocol.clone(),
            limits: options.limits,
            admission: options.admission.clone(),
            drain: options.drain.clone(),
        };
        let app = app.clone();
        match address.bind(options.reuse_port, &mut handed)? {
            Listener::Tcp(listener) => {
                bound.push(listener.local_addr()?);
                server = server.listen(name, listener, move || {
                    let (app, parts) = (app.clone(), parts.clone());
                    fn_factory(move || serve::<I, S, B, TcpStream>(app(), parts.clone()))
                })?;
            }
            Listener::Unix(listener) => {
                server = server.listen_uds(name, listener, move || {
                    let (app, parts) = (app.clone(), parts.clone());
                    fn_factory(move || serve::<I, S, B, UnixStream>(app(), parts.clone()))
                })?;
            }
        }
    }
    Ok(BoundServer { server: server.run(), http, https })
}

/// What a listener's connections need and may cross threads.
#[derive(Clone)]
struct Parts {
    tls: Option<TlsAcceptor>,
    proxy_protocol: Option<TrustedNetworks>,
    limits: Limits,
    admission: Admission,
    drain: Drain,
}

/// Makes the service of one listener in one worker.
async fn serve<I, S, B, T>(
    (direct, app): (Direct, I),
    parts: Parts,
) -> Result<impl Service<T, Response = (), Error = ()>, ()>
where
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        >,
    S::Service: 'static,
    B: MessageBody + 'static,
    T: Into<Socket> + 'static,
{
    let service = Rc::new(app.into_factory().new_service(AppConfig::default()).await?);
    let app: App = Rc::new(move |request| {
        let answer = service.call(request);
        Box::pin(async move {
            match answer.await {
                Ok(answer) => actix_http::Response::from(answer.map_into_boxed_body()),
                Err(error) => error.error_response().into(),
            }
        })
    });
    let Parts { tls, proxy_protocol, limits, admission, drain } = parts;
    let date = date::Date::new();
    let context = Context { direct, app, tls, proxy_protocol, limits, admission, drain, date };
    let context = Rc::new(context);
    Ok(fn_service(move |socket: T| {
        let context = Rc::clone(&context);
        async move {
            connection::serve(socket.into(), &context).await;
            Ok(())
        }
    }))
}
