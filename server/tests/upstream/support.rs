//! Sockets, and a server that forwards whatever it is asked.

use std::borrow::Cow;
use std::cell::Cell;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{App, HttpResponse};
use http::Response;
use outpost::carried::{AnswerBody, Carried};
use outpost::downstream::{self, Direct, DownstreamOptions, Limits, Next, Seen};
use outpost::drain::Drain;
use outpost::limits::Admission;
use outpost::ops::metrics::Metrics;
use outpost::upstream::{
    ApplicationOptions, Dialer, Forwarded, Leg, Told, UpstreamError, UpstreamSettings, Upstreams,
};
use outpost_decision::origin::TrustedNetworks;
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Slug of the application behind the server under test.
pub(crate) const APPLICATION: &str = "app";

/// How the server under test forwards.
#[derive(Clone)]
pub(crate) struct Rule {
    pub(crate) base: Url,
    pub(crate) verify: bool,
    pub(crate) host: Option<&'static str>,
    pub(crate) strip: fn(&str) -> bool,
    pub(crate) told: Vec<(&'static str, Vec<u8>)>,
    pub(crate) set: Vec<(&'static str, Vec<u8>)>,
    pub(crate) peer_trusted: bool,
    pub(crate) ended: CancellationToken,
    pub(crate) settings: UpstreamSettings,
    /// Limits of the client's side: waiting for a head or a body, keeping an idle connection.
    pub(crate) server_limit: Duration,
}

impl Rule {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::to_url(&format!("http://{address}"))
    }

    pub(crate) fn to_url(url: &str) -> Self {
        Self {
            base: Url::parse(url).unwrap(),
            verify: true,
            host: None,
            strip: |_| false,
            told: Vec::new(),
            set: Vec::new(),
            peer_trusted: false,
            ended: CancellationToken::new(),
            settings: UpstreamSettings::default(),
            server_limit: Duration::from_secs(30),
        }
    }

    /// The same, with what the settings say of the application.
    pub(crate) fn speaking(mut self, options: ApplicationOptions) -> Self {
        self.settings.applications.insert(APPLICATION.to_owned(), options);
        self
    }
}

/// Everybody may connect.
fn admission() -> Admission {
    let metrics = Metrics::new("0", "0").unwrap();
    Admission::new(0, TrustedNetworks::from(Vec::new()), metrics.limits().clone())
}

/// Starts the server under test, on the product's own connections; it runs until the test's
/// runtime ends.
pub(crate) fn proxy(rule: Rule) -> SocketAddr {
    start(rule, None).http[0]
}

/// The same where clients use TLS.
pub(crate) fn tls_proxy(rule: Rule, tls: ServerConfig) -> SocketAddr {
    start(rule, Some(tls)).https[0]
}

/// Where the server under test listens.
struct Listening {
    http: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
}

fn start(rule: Rule, tls: Option<ServerConfig>) -> Listening {
    let address = || vec![downstream::Address::Tcp("127.0.0.1:0".parse().unwrap())];
    let rule = Arc::new(rule);
    let dialer = Dialer::new(rule.settings.clone()).unwrap();
    let limit = rule.server_limit;
    let options = DownstreamOptions {
        http: address(),
        https: if tls.is_some() { address() } else { Vec::new() },
        tls: Arc::new(tls.unwrap_or_else(no_tls)),
        proxy_protocol: None,
        reuse_port: false,
        workers: Some(1),
        connections: 10_000,
        limits: Limits {
            head: limit,
            idle: limit,
            body: limit,
            write: limit,
            end: Duration::from_secs(1),
            header_bytes: 65_536,
            header_lines: 512,
        },
        admission: admission(),
        drain: Drain::never(),
    };
    let bound = downstream::bind(&options, move || {
        let (rule, upstreams) = (Arc::clone(&rule), Upstreams::new(dialer.clone()));
        let direct = Direct {
            first: Rc::new(|_| Box::pin(async { Seen::Left(Next::Forward) })),
            forward: Rc::new(move |carried, body| {
                let (rule, upstreams) = (Arc::clone(&rule), upstreams.clone());
                Box::pin(async move {
                    forward(&rule, &upstreams, &carried, body).await.unwrap_or_else(|error| {
                        let status = error.status().try_into().unwrap();
                        let answer = HttpResponse::build(status).body(error.code());
                        downstream::adapt(answer.into())
                    })
                })
            }),
        };
        (direct, App::new())
    })
    .unwrap();
    actix_rt::spawn(bound.server);
    Listening { http: bound.http, https: bound.https }
}

/// Nobody listens with TLS here.
fn no_tls() -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::server::ResolvesServerCertUsingSni::new()))
}

async fn forward(
    rule: &Rule,
    upstreams: &Upstreams,
    carried: &Carried,
    body: Payload,
) -> Result<Response<AnswerBody>, UpstreamError> {
    let request = carried.head();
    let host = request
        .headers
        .get("host")
        .map(|host| host.to_str().unwrap().to_owned())
        .or_else(|| request.uri.authority().map(ToString::to_string))
        .unwrap_or_default();
    let told = Told::new(rule.told.iter().map(|(name, value)| (*name, &**value)))?;
    let leg = Leg {
        base: &rule.base,
        application: APPLICATION,
        path_and_query: request.uri.path_and_query().map_or("/", |path| path.as_str()),
        verify: rule.verify,
        host: rule.host.map_or(Cow::Borrowed(&*host), Cow::Borrowed),
        strip: &rule.strip,
        told: Some(&told),
        set: rule.set.iter().map(|(name, value)| (*name, &**value)).collect(),
        instead: None,
        forwarded: Forwarded {
            host: Cow::Borrowed(&*host),
            proto: "https",
            peer: Some(IpAddr::from([192, 0, 2, 7])),
            peer_trusted: rule.peer_trusted,
        },
        ended: Some(Box::pin(rule.ended.clone().cancelled_owned())),
        stream_ended: &|| None,
    };
    upstreams.forward(carried, body, leg).await
}

/// A connection, seen byte by byte.
pub(crate) struct Wire(pub(crate) BufReader<TcpStream>);

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Writes something and ends the connection, so that the peer learns of both at once.
    pub(crate) async fn write_last(mut self, bytes: impl AsRef<[u8]>) {
        socket2::SockRef::from(self.0.get_ref()).set_tcp_cork(true).unwrap();
        self.write(bytes).await;
        self.0.shutdown().await.unwrap();
    }

    /// Up to and with the empty line; less if the peer ends before.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head).await.unwrap_or_default() == 0 {
                break;
            }
        }
        head
    }

    pub(crate) async fn bytes(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line
    }

    /// One chunk of a chunked body; empty for the last, which no trailers may follow.
    pub(crate) async fn chunk(&mut self) -> String {
        let chunk = self.chunk_before_trailers().await;
        if chunk.is_empty() {
            assert_eq!(self.line().await, "\r\n", "trailers");
        }
        chunk
    }

    /// One chunk of a chunked body; empty for the last, with trailers and an empty line to come.
    pub(crate) async fn chunk_before_trailers(&mut self) -> String {
        let size = self.line().await;
        let size = usize::from_str_radix(size.trim().split(';').next().unwrap(), 16).unwrap();
        if size == 0 {
            return String::new();
        }
        let chunk = self.bytes(size).await;
        assert_eq!(self.line().await, "\r\n");
        chunk
    }

    /// A whole chunked body.
    pub(crate) async fn chunks(&mut self) -> String {
        let mut body = String::new();
        loop {
            match self.chunk().await {
                chunk if chunk.is_empty() => return body,
                chunk => body.push_str(&chunk),
            }
        }
    }

    /// Everything until the peer ends, by whatever means.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = self.0.read(&mut buffer).await {
            rest.extend_from_slice(&buffer[..length]);
        }
        String::from_utf8(rest).unwrap()
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        self.0.get_ref().set_zero_linger().unwrap();
    }
}

/// Starts an upstream; `serve` gets each connection and its number, from 0.
pub(crate) async fn upstream<F, S>(serve: S) -> SocketAddr
where
    F: Future<Output = ()> + 'static,
    S: Fn(Wire, usize) -> F + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    actix_rt::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            actix_rt::spawn(serve(Wire(BufReader::new(stream)), number));
        }
    });
    address
}

/// An upstream that answers every request head with `answer` and reports the heads it saw.
pub(crate) async fn answering(
    answer: &'static str,
) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let address = upstream(move |mut wire, _| {
        let sender = sender.clone();
        async move {
            loop {
                let head = wire.head().await;
                if head.is_empty() {
                    return;
                }
                let _ = sender.send(head);
                wire.write(answer).await;
                if !answer.starts_with("HTTP/1.1") {
                    return;
                }
            }
        }
    })
    .await;
    (address, receiver)
}

/// A head's lines that begin with `name: `, in any case.
pub(crate) fn lines<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter(|line| {
            line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        })
        .collect()
}

/// Counts what happens on the test's thread.
#[derive(Clone, Default)]
pub(crate) struct Counter(Rc<Cell<usize>>);

impl Counter {
    pub(crate) fn add(&self, amount: usize) -> usize {
        self.0.set(self.0.get() + amount);
        self.0.get()
    }

    pub(crate) fn get(&self) -> usize {
        self.0.get()
    }
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
