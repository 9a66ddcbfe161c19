//! Websockets with any header, and bare sockets.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use outpost_tests::{Browser, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use url::Url;

/// Longest that anything is awaited.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Awaits, but not forever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// A world with the usual provider, and a browser in which `user` is signed in.
pub(crate) async fn signed_in(user: &str) -> (World, Browser) {
    let world = World::start().await;
    world.serve([world.proxy()]).await;
    let browser = browser_of(&world, user).await;
    (world, browser)
}

/// A browser in which `user` is signed in at `app.test`.
pub(crate) async fn browser_of(world: &World, user: &str) -> Browser {
    let browser = Browser::new();
    let url = world.url("app.test", "/outpost.goauthentik.io/start?rd=/public/in");
    let page = browser.sign_in(&url, user).await;
    assert_eq!(page.status, 200, "{}", page.body);
    browser
}

/// The `Cookie` header of a browser for `app.test`.
pub(crate) fn cookies(world: &World, browser: &Browser) -> String {
    let url = Url::parse(&world.url("app.test", "/")).unwrap();
    browser.cookie_header(&url).expect("signed in")
}

/// Waits until core can tell the outpost that a session ended.
pub(crate) async fn linked(world: &World) {
    world.core.wait_for("a websocket", |seen| !seen.hellos.is_empty()).await.unwrap();
}

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Opens the application's websocket through the outpost.
pub(crate) async fn websocket(
    world: &World,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<(Socket, Response), Error> {
    let url = world.url("app.test", path).replacen("http", "ws", 1);
    let mut request = url.into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let stream = TcpStream::connect(world.http()).await?;
    soon("a handshake", tokio_tungstenite::client_async(request, stream)).await
}

/// The status with which a handshake was refused, and the answer's body.
pub(crate) fn refused(result: Result<(Socket, Response), Error>) -> (u16, String) {
    match result {
        Err(Error::Http(answer)) => {
            let body = answer.body().as_deref().unwrap_or_default();
            (answer.status().as_u16(), String::from_utf8_lossy(body).into_owned())
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("the websocket opened"),
    }
}

/// Waits until the other end closes, with or without a word; gives the code of its close frame.
pub(crate) async fn closes(socket: &mut Socket) -> Option<CloseCode> {
    soon("the websocket closes", async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(frame) = message {
                return frame.map(|frame| frame.code);
            }
        }
        None
    })
    .await
}

/// Sends bytes and reads until the other end closes.
pub(crate) async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A refusal may come before everything is written.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = soon("an answer's end", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of a raw answer; 0 when the connection was closed without one.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}
