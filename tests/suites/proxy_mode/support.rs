//! An application that keeps the bytes it got, websockets with any header, and bare sockets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use outpost_tests::{Browser, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
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

/// An application that keeps every request, byte for byte, and answers 200 to each. It stops with
/// the test's runtime.
pub(crate) struct Capture {
    address: SocketAddr,
    state: Arc<Mutex<Captured>>,
}

#[derive(Default)]
struct Captured {
    requests: Vec<String>,
    connections: usize,
}

impl Capture {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<Captured>>::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connections accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// What came since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<Captured>>) {
    let mut buffer = Vec::new();
    loop {
        let head = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .map_or(0, |length| length.trim().parse().unwrap());
        let chunked = text.contains("transfer-encoding: chunked");
        let end = loop {
            let body = &buffer[head..];
            if chunked {
                let last = body.windows(3).position(|three| three == b"0\r\n");
                if let Some(at) = last
                    && body[at..].windows(4).any(|four| four == b"\r\n\r\n")
                {
                    break buffer.len();
                }
            } else if body.len() >= length {
                break head + length;
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let request = String::from_utf8_lossy(&buffer[..end]).into_owned();
        let is_head = request.starts_with("HEAD ");
        buffer.drain(..end);
        state.lock().unwrap().requests.push(request);
        let body = if is_head { "" } else { "captured" };
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
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
