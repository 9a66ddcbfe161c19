//! The upstream leg of proxy mode (contract 12): a reverse proxy that streams both ways at once.
//!
//! Each worker has its own [`Upstreams`], with its own connections and no lock, and what is retried, kept
//! and timed is decided here. HTTP/1.1 is our own ([`http1`]); HTTP/2, and connections on which an upgrade is
//! asked for, are hyper's, without its pooled client: the request body may then be actix-web's, which
//! cannot leave its thread, without a channel in between.
//!
//! Trailers pass both ways, as do interim answers and any upgrade but to HTTP or TLS, where the
//! request carries what is needed for it ([`Carried`]).

mod answer;
mod application;
mod body;
mod dial;
mod endpoint;
mod error;
mod exchange;
mod headers;
mod http1;
mod incoming;
mod interim;
mod pool;
mod protocol;
mod send;
mod tls;
mod told;
mod trailers;
mod tunnel;
mod websocket_frames;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::Payload;
use bytes::Bytes;
use http::{Method, Response, Version};
use rustls::pki_types::CertificateDer;
use url::Url;

use crate::carried::{AnswerBody, Carried};
use crate::drain::Drain;
use crate::randomness;

pub use application::{ApplicationOptions, ClientCertificate, HttpVersion};
pub use dial::Dialer;
pub use error::{ConnectFailure, DialerError, UpstreamError};
pub use told::Told;

use body::RequestBody;
use exchange::Exchange;
use pool::Pool;
use tunnel::Ends;

/// Resolves when the session behind a request ends.
pub type Ended = Pin<Box<dyn Future<Output = ()>>>;

/// How upstreams are spoken to.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Limit for name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Longest time without a byte in either direction, while a request is under way. There is no
    /// limit on a request as a whole.
    pub idle_timeout: Duration,
    /// The same for tunnels, event streams and gRPC, which rest by nature.
    pub tunnel_idle_timeout: Duration,
    /// How long a connection is kept for the next request; zero: not at all.
    pub pool_idle_timeout: Duration,
    /// Connections kept for one upstream, by each worker.
    pub pool_max_idle_per_host: usize,
    /// Certificates trusted in addition to the system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// When the program ends, tunnels and event streams do.
    pub drain: Drain,
    /// What differs for single applications, by slug.
    pub applications: BTreeMap<String, ApplicationOptions>,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
            tunnel_idle_timeout: Duration::from_secs(3600),
            pool_idle_timeout: Duration::from_secs(60),
            pool_max_idle_per_host: 64,
            extra_roots: Vec::new(),
            drain: Drain::never(),
            applications: BTreeMap::new(),
        }
    }
}

/// One request's way to its upstream, as decided.
pub struct Leg<'a> {
    /// The upstream. A path in it goes before the request's own.
    pub base: &'a Url,
    /// The application's slug, for what [`UpstreamSettings::applications`] says of it.
    pub application: &'a str,
    /// Path and query, byte for byte as the client sent them; or `*`.
    pub path_and_query: &'a str,
    /// Whether the upstream's certificate is checked.
    pub verify: bool,
    /// The `Host` to send: the client's unless overridden.
    pub host: Cow<'a, str>,
    /// Which of the client's headers (in lower case) the application must not see. Hop-by-hop
    /// headers, claims of untrusted peers and cookies of an outpost need not be named.
    pub strip: &'a dyn Fn(&str) -> bool,
    /// Headers to set, after all stripping, as with other requests.
    pub told: Option<&'a Told>,
    /// Those to set for this request alone, in the place of others. Those that frame messages (`Host`,
    /// `Content-Length`, ..) are ignored.
    pub set: Vec<(&'a str, &'a [u8])>,
    /// A body to send in place of the client's, which is not read.
    pub instead: Option<Bytes>,
    /// What the application is told of the client's request.
    pub forwarded: Forwarded<'a>,
    /// Breaks off the answer or tunnel: the session ended, or the program does.
    pub ended: Option<Ended>,
    /// The same for an answer that turns out to be an event stream, gRPC or a tunnel, if `ended`
    /// is none.
    pub stream_ended: &'a dyn Fn() -> Option<Ended>,
}

/// What `X-Forwarded-*` says.
#[derive(Clone, Debug)]
pub struct Forwarded<'a> {
    /// `X-Forwarded-Host`: the host the client asked for.
    pub host: Cow<'a, str>,
    /// `X-Forwarded-Proto`: `http` or `https`, as the client sees it.
    pub proto: &'a str,
    /// The peer of this connection, as a PROXY header may have told it; goes to the end of
    /// `X-Forwarded-For`.
    pub peer: Option<IpAddr>,
    /// Whether the peer is a trusted proxy. Then what it says in `X-Forwarded-For` stays before
    /// its own address, and `Forwarded`, `X-Real-IP` and other `X-Forwarded-*` pass; else all of
    /// them are dropped.
    pub peer_trusted: bool,
}

/// The upstream leg of one worker. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Upstreams {
    dialer: Dialer,
    pool: Rc<Pool>,
}

impl Upstreams {
    /// A leg without connections yet.
    #[must_use]
    pub fn new(dialer: Dialer) -> Self {
        let settings = &dialer.settings;
        let pool = Pool::new(settings.pool_idle_timeout, settings.pool_max_idle_per_host);
        Self { dialer, pool }
    }

    /// Sends the request to its upstream and answers as soon as the head of the upstream's answer
    /// is there; both bodies go on streaming. Must run on an actix worker.
    ///
    /// # Errors
    /// When there is no answer to pass on. Nothing has been sent to the client then.
    pub async fn forward(
        &self,
        carried: &Carried,
        payload: Payload,
        mut leg: Leg<'_>,
    ) -> Result<Response<AnswerBody>, UpstreamError> {
        let request = carried.head();
        if request.method == Method::CONNECT {
            return Err(UpstreamError::BadRequest("CONNECT is for proxies of another kind"));
        }
        if !protocol::is_readable(&request.headers) {
            return Err(UpstreamError::BadRequest("its body is in an unknown coding"));
        }
        let settings = &self.dialer.settings;
        let (mut ended, stream_ended) = (leg.ended.take(), leg.stream_ended);
        let endpoint = self.dialer.endpoint(leg.base, leg.verify, leg.application)?;
        let idle = match protocol::is_grpc(&request.headers) {
            true => settings.tunnel_idle_timeout,
            false => settings.idle_timeout,
        };
        let exchange = Exchange::new(idle);
        let upgrade =
            protocol::upgrade(request).and_then(|offered| Some((offered, carried.take_upgrade()?)));
        let mut body = match leg.instead.clone() {
            Some(bytes) => RequestBody::whole(bytes, &exchange),
            None => RequestBody::of(carried, payload, &exchange).await,
        };
        let offered = upgrade.as_ref().map(|(offered, _)| &**offered);
        let head = send::head(carried, &leg, body.length(), offered)?;
        head.prepare(&mut body, request.version == Version::HTTP_2);
        let mut response = {
            let sending = pin!(self.send(&endpoint, &head, body, &exchange, upgrade.is_some()));
            match &mut ended {
                None => sending.await?,
                Some(ended) => tokio::select! {
                    biased;
                    () = ended => return Err(UpstreamError::SessionEnded),
                    response = sending => response?,
                },
            }
        };

        if response.status() == http::StatusCode::SWITCHING_PROTOCOLS {
            let Some((offered, client)) =
                upgrade.filter(|(offered, _)| protocol::is_switch(response.headers(), offered))
            else {
                return Err(UpstreamError::Protocol {
                    upstream: endpoint.to_string(),
                    source: "it switched to a protocol that it was not asked for".into(),
                });
            };
            let upstream = hyper::upgrade::on(&mut response);
            let (head, _) = response.into_parts();
            let idle = settings.tunnel_idle_timeout;
            let websocket = protocol::is_websocket(&offered);
            let ended = ended.or_else(stream_ended);
            let drain = settings.drain.clone();
            tunnel::open(Ends { client, upstream }, websocket, exchange, idle, ended, drain);
            return Ok(answer::switch(head));
        }

        let (head, incoming) = response.into_parts();
        let idle = if answer::rests(&head) {
            ended = ended.or_else(stream_ended);
            if answer::is_event_stream(&head) {
                ended = Some(or_drained(ended, settings.drain.clone()));
            }
            settings.tunnel_idle_timeout
        } else {
            settings.idle_timeout
        };
        Ok(answer::pass_on(&request.method, head, incoming, exchange, idle, ended))
    }
}

/// What never ends by itself ends with the program, too.
fn or_drained(ended: Option<Ended>, drain: Drain) -> Ended {
    Box::pin(async move {
        let turn = drain.my_turn(randomness::word());
        match ended {
            None => turn.await,
            Some(ended) => tokio::select! {
                () = ended => {}
                () = turn => {}
            },
        }
    })
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstreams").field("idle", &self.pool.idle()).finish_non_exhaustive()
    }
}
