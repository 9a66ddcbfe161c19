//! What would never end by itself: told to come back, and let go.

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_demo::sample_app::SampleApp;
use outpost_tests::{Browser, Program, wait};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// An outpost whose drain would wait for ever, and an application open to everybody.
struct Site {
    outpost: Program,
    core: StandInCore,
    port: u16,
    _app: SampleApp,
}

impl Site {
    async fn start() -> Self {
        let core = StandInCore::start(CoreOptions::default()).expect("a core");
        let app = SampleApp::start(0).expect("an application");
        core.put_provider(ProviderSpec::proxy("app", "http://app.test", &app.url()).skip("^/"))
            .expect("a provider");
        let variables = [
            ("OUTPOST__SHUTDOWN__DRAIN_TIMEOUT", "1h"),
            ("OUTPOST__SHUTDOWN__CLOSE_SPREAD", "300ms"),
        ];
        let outpost = Program::start(&core, &variables);
        outpost.serves(1).await;
        let port = outpost.address("http").await.port();
        Self { outpost, core, port, _app: app }
    }

    async fn websocket(&self) -> WebSocketStream<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.expect("a connection");
        let url = format!("ws://app.test:{}/ws", self.port);
        let (mut socket, _) =
            tokio_tungstenite::client_async(url, stream).await.expect("a handshake");
        socket.send(Message::text("hello")).await.expect("sent");
        let echo = socket.next().await.expect("an echo").expect("an echo");
        assert_eq!(echo, Message::text("hello"));
        socket
    }
}

#[tokio::test]
async fn websockets_are_told_that_the_service_restarts() {
    let site = Site::start().await;
    let mut sockets = Vec::new();
    for _ in 0..8 {
        sockets.push(site.websocket().await);
    }
    // One whose client does not read, and one that is in the middle of a message.
    let _asleep = site.websocket().await;
    sockets[0].send(Message::binary(vec![7; 4 << 20])).await.expect("sent");

    site.outpost.signal("TERM");
    for mut socket in sockets {
        let told = async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Close(frame))) => return frame.expect("a code"),
                    Some(Ok(_)) => {}
                    other => panic!("no close frame, but {other:?}"),
                }
            }
        };
        let frame = tokio::time::timeout(wait::PATIENCE, told).await.expect("a close frame");
        assert_eq!(frame.code, CloseCode::Restart);
        // Our side is closed after the answer, so that browsers need not wait for it.
        let end = async { while let Some(Ok(_)) = socket.next().await {} };
        tokio::time::timeout(wait::PATIENCE, end).await.expect("an end");
    }
    assert_eq!(site.outpost.exit_code().await, Some(0), "nobody is waited for");
    let goodbye = site.core.wait_for("a close frame", |seen| seen.close_frames.len() == 1);
    goodbye.await.expect("the link to core ends in its way, too");
}

#[tokio::test]
async fn event_streams_end_and_hold_nothing_up() {
    let site = Site::start().await;
    let url = format!("http://app.test:{}/events?interval_ms=10", site.port);
    let mut stream = Browser::new().client().get(url).send().await.expect("an answer");
    assert!(stream.chunk().await.expect("an event").is_some());
    site.outpost.signal("TERM");
    let end = async { while let Ok(Some(_)) = stream.chunk().await {} };
    tokio::time::timeout(wait::PATIENCE, end).await.expect("an end");
    assert_eq!(site.outpost.exit_code().await, Some(0));
}
