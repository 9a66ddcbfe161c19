//! A link under a supervisor, and a core played by the test.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use futures_util::{SinkExt, StreamExt};
use outpost_decision::time::Timestamp;
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as WsMessage;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WsFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use url::Url;

use super::*;
use crate::actors::handle::NotDelivered;
use crate::actors::supervisor::{ControlPlane, RebuildPolicy, Supervisor};
use crate::authentik::connection::CoreAddress;
use crate::core_tls::{CoreTimeouts, CoreTrust, client_config};
use crate::limits::LimitFigures;
use crate::publish::published;
use crate::snapshot::OutpostIdentity;

pub(super) const OUTPOST: &str = "7c40708c-7e35-4789-a774-eb69fd2fbc7f";

pub(super) struct Bench {
    pub(super) core: TestCore,
    pub(super) supervisor: Supervisor,
    snapshot: Publisher<Snapshot>,
    status: Published<LinkStatus>,
    refreshes: UnboundedReceiver<Refresh>,
    session_ends: UnboundedReceiver<CoreSessionEnded>,
    refusals: Arc<AtomicU32>,
    _plane: ControlPlane,
}

impl Bench {
    pub(super) async fn start(timing: LinkTiming) -> Self {
        Self::start_with(TestCore::start(None).await, "http", CoreTrust::Nothing, timing)
    }

    /// Core refuses websockets with this status until told otherwise.
    pub(super) async fn start_refused(timing: LinkTiming, status: u16) -> Self {
        let core = TestCore::start(None).await;
        core.refuse_with(status);
        Self::start_with(core, "http", CoreTrust::Nothing, timing)
    }

    /// Core has a self-signed certificate authority's certificate as its own.
    pub(super) async fn start_tls(timing: LinkTiming, trust: CoreTrust) -> Self {
        let core = TestCore::start(Some(self_signed())).await;
        Self::start_with(core, "https", trust, timing)
    }

    fn start_with(core: TestCore, scheme: &str, trust: CoreTrust, timing: LinkTiming) -> Self {
        let url = Url::parse(&format!("{scheme}://{}/base", core.address)).unwrap();
        let connection = CoreConnection::new(
            CoreAddress::new(&url).unwrap(),
            SecretString::from("the-token"),
            Arc::new(client_config(&trust).unwrap()),
            CoreTimeouts::default(),
        );
        let (snapshot, snapshots) = published(Snapshot::default());
        let (publisher, status) = published(LinkStatus::idle(Timestamp(0)));
        let (refresh, refreshes) = unbounded_channel();
        let (ends, session_ends) = unbounded_channel();
        let refusals = Arc::new(AtomicU32::new(0));
        let parts = CoreLinkParts {
            connection,
            timing,
            instance: InstanceIdentity {
                uuid: "our-uuid".to_owned(),
                hostname: "our-host".to_owned(),
                build: "0.1.0".to_owned(),
            },
            snapshot: snapshots,
            refresh: Arc::new(Refreshes(refresh)),
            session_ends: Arc::new(SessionEnds { taken: ends, refusals: Arc::clone(&refusals) }),
            status: Arc::new(publisher),
            random: || 1 << 31,
            message_bytes: 1 << 20,
            rest_limits: RestLimits::default(),
            limits: LimitFigures::unread(),
        };
        let plane = ControlPlane::start().unwrap();
        let backoff = Backoff { shortest: Duration::ZERO, longest: Duration::ZERO };
        let supervisor = Supervisor::new(RebuildPolicy { backoff, healthy_after: Duration::ZERO });
        supervisor.supervise("core_link", &plane.handle(), move || CoreLink::new(parts.clone()));
        let bench = Self {
            core,
            supervisor,
            snapshot,
            status,
            refreshes,
            session_ends,
            refusals,
            _plane: plane,
        };
        bench.identify(OUTPOST);
        bench
    }

    pub(super) fn identify(&self, uuid: &str) {
        let outpost = OutpostIdentity { uuid: uuid.to_owned(), ..OutpostIdentity::default() };
        self.snapshot.publish(Snapshot { outpost, ..Snapshot::default() });
    }

    pub(super) fn status(&self) -> LinkStatus {
        (*self.status.load_full()).clone()
    }

    pub(super) async fn wait_for(&self, wanted: impl FnMut(&LinkStatus) -> bool) -> LinkStatus {
        (*self.status.wait_for(wanted).await.unwrap()).clone()
    }

    pub(super) async fn refresh(&mut self) -> RefreshCause {
        self.refreshes.recv().await.unwrap().cause
    }

    pub(super) async fn session_end(&mut self) -> String {
        self.session_ends.recv().await.unwrap().sid
    }

    /// The next so many session ends find nobody.
    pub(super) fn session_ends_refused(&self, count: u32) {
        self.refusals.store(count, Ordering::SeqCst);
    }

    pub(super) async fn shut_down(&self) -> Vec<String> {
        self.supervisor.shutdown(Duration::from_secs(60)).await
    }
}

#[derive(Debug)]
struct Refreshes(UnboundedSender<Refresh>);

impl Tell<Refresh> for Refreshes {
    fn tell(&self, refresh: Refresh) -> Result<(), NotDelivered> {
        self.0.send(refresh).map_err(|_| NotDelivered)
    }
}

#[derive(Debug)]
struct SessionEnds {
    taken: UnboundedSender<CoreSessionEnded>,
    refusals: Arc<AtomicU32>,
}

impl Tell<CoreSessionEnded> for SessionEnds {
    fn tell(&self, ended: CoreSessionEnded) -> Result<(), NotDelivered> {
        assert_ne!(ended.sid, "panic");
        let refuse = |left: u32| left.checked_sub(1);
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuse).is_ok() {
            return Err(NotDelivered);
        }
        self.taken.send(ended).map_err(|_| NotDelivered)
    }
}

/// Accepts websockets and hands them to the test.
pub(super) struct TestCore {
    pub(super) address: SocketAddr,
    refusal: Arc<AtomicU16>,
    accepted: UnboundedReceiver<Accepted>,
}

impl TestCore {
    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let refusal = Arc::new(AtomicU16::new(0));
        let (sender, accepted) = unbounded_channel();
        let status = Arc::clone(&refusal);
        actix::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sender, tls) = (sender.clone(), tls.clone());
                let status = status.load(Ordering::SeqCst);
                actix::spawn(async move {
                    match tls {
                        None => upgrade(Box::new(stream), status, &sender).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                upgrade(Box::new(stream), status, &sender).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, refusal, accepted }
    }

    /// 0: accept.
    pub(super) fn refuse_with(&self, status: u16) {
        self.refusal.store(status, Ordering::SeqCst);
    }

    pub(super) async fn accept(&mut self) -> Accepted {
        self.accepted.recv().await.unwrap()
    }

    /// Accepts, takes the hello and acknowledges it.
    pub(super) async fn accept_up(&mut self) -> Accepted {
        let mut accepted = self.accept().await;
        assert!(accepted.text().await.contains(r#""instruction":1"#));
        accepted.send(ACK).await;
        accepted
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

async fn upgrade(stream: Box<dyn Stream>, status: u16, sender: &UnboundedSender<Accepted>) {
    let mut seen = None;
    #[expect(clippy::result_large_err, reason = "tungstenite's callback")]
    let look = |request: &Request, response: Response| {
        let headers = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
        seen = Some((request.uri().to_string(), headers.collect()));
        if status == 0 {
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = status.try_into().unwrap();
        Err(refusal)
    };
    // What is no websocket (the question for the expected version) fails here.
    if let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, look).await
        && let Some((target, headers)) = seen
    {
        let _ = sender.send(Accepted { target, headers, socket });
    }
}

/// A websocket as core sees it.
pub(super) struct Accepted {
    pub(super) target: String,
    headers: Vec<(String, String)>,
    socket: WebSocketStream<Box<dyn Stream>>,
}

impl Accepted {
    pub(super) fn header(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(given, _)| given == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(super) async fn text(&mut self) -> String {
        loop {
            match self.socket.next().await.unwrap().unwrap() {
                WsMessage::Text(text) => return text.to_string(),
                WsMessage::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    pub(super) async fn pong(&mut self) -> Vec<u8> {
        loop {
            if let WsMessage::Pong(payload) = self.socket.next().await.unwrap().unwrap() {
                return payload.to_vec();
            }
        }
    }

    /// Waits until the link closes, and tells with which code.
    pub(super) async fn close_code(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(Ok(message)) = self.socket.next().await {
            if let WsMessage::Close(frame) = message {
                code = frame.map(|frame| frame.code.into());
            }
        }
        code
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.socket.send(WsMessage::text(text)).await.unwrap();
    }

    pub(super) async fn send_binary(&mut self, bytes: &'static [u8]) {
        self.socket.send(WsMessage::binary(bytes)).await.unwrap();
    }

    pub(super) async fn ping(&mut self, payload: &'static [u8]) {
        self.socket.send(WsMessage::Ping(payload.into())).await.unwrap();
    }

    pub(super) async fn send_in_pieces(&mut self, text: &str) {
        let (one, rest) = text.split_at(5);
        let (two, three) = rest.split_at(5);
        let pieces =
            [(one, Data::Text, false), (two, Data::Continue, false), (three, Data::Continue, true)];
        for (piece, kind, last) in pieces {
            let payload = piece.as_bytes().to_vec();
            let frame = WsFrame::message(payload, OpCode::Data(kind), last);
            self.socket.send(WsMessage::Frame(frame)).await.unwrap();
        }
    }

    pub(super) async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.socket.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

fn self_signed() -> TlsAcceptor {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
