//! Bytes on bare sockets.

use std::net::SocketAddr;
use std::time::Duration;

use outpost_demo::core::CoreOptions;
use outpost_tests::World;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest that anything is awaited.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A request whose answer, from the sample application, tells what the application received.
pub(crate) const ASK: &[u8] = b"GET /json HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n";

/// Awaits, but not forever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// A world with the usual provider.
pub(crate) async fn world(variables: &[(&str, &str)]) -> World {
    let world = World::with(CoreOptions::default(), variables).await;
    world.serve([world.proxy().skip("^/(json|upload)$")]).await;
    world
}

/// Sends bytes and reads to the connection's end; an error after some bytes is an end, too.
pub(crate) async fn ask(mut io: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> String {
    io.write_all(bytes).await.unwrap();
    read_to_end(io).await
}

/// Reads to the connection's end.
pub(crate) async fn read_to_end(mut io: impl AsyncRead + Unpin) -> String {
    let mut answer = Vec::new();
    let _ = soon("the connection's end", io.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The same over TCP.
pub(crate) async fn ask_at(address: SocketAddr, bytes: &[u8]) -> String {
    ask(TcpStream::connect(address).await.unwrap(), bytes).await
}

/// The status of an answer; 0 if there is none.
pub(crate) fn status(answer: &str) -> u16 {
    let line = answer.split("\r\n").next().unwrap_or_default();
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// What the sample application says it received under a name.
pub(crate) fn received(answer: &str, name: &str) -> Option<String> {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or(("", answer));
    let start = body.find('{')?;
    let end = body.rfind('}')?;
    let told: serde_json::Value = serde_json::from_str(&body[start..=end]).ok()?;
    let named = told["headers"]
        .as_array()?
        .iter()
        .find(|pair| pair[0].as_str().is_some_and(|key| key.eq_ignore_ascii_case(name)))?;
    named[1].as_str().map(ToOwned::to_owned)
}
