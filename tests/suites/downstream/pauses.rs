//! Clients that pause: within a head, within a body, before an answer, between requests.

use std::net::SocketAddr;

use outpost_demo::core::ProviderSpec;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::downstream::support::{ASK, ask_at, read_to_end, soon, status, world};

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    let world = world(&[("AUTHENTIK_WEB__TIMEOUT_HTTP_IDLE", "300ms")]).await;
    let mut stream = TcpStream::connect(world.http()).await.unwrap();
    stream.write_all(b"GET /json HTTP/1.1\r\nHost: app.test\r\n\r\n").await.unwrap();
    let answer = read_to_end(stream).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[tokio::test]
async fn a_client_that_stops_in_a_body_is_let_go() {
    let world = world(&[("AUTHENTIK_WEB__TIMEOUT_HTTP_READ", "300ms")]).await;
    let mut stream = TcpStream::connect(world.http()).await.unwrap();
    let head = "POST /upload HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100\r\n\r\nhalf";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_to_end(stream).await;
    assert_ne!(status(&answer), 200, "{answer}");
    assert_eq!(status(&ask_at(world.http(), ASK).await), 200, "and others are served");
}

/// An application that answers with bytes for ever; the other end is told when it may stop.
async fn endless() -> (SocketAddr, tokio::sync::oneshot::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cut, is_cut) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
        let _ = cut.send(());
    });
    (address, is_cut)
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_let_go_and_the_application_too() {
    let world = world(&[("AUTHENTIK_WEB__TIMEOUT_HTTP_WRITE", "500ms")]).await;
    let (address, is_cut) = endless().await;
    let upstream = format!("http://{address}");
    let provider = ProviderSpec::proxy("endless", &world.url("endless.test", ""), &upstream);
    world.serve([provider.skip("^/")]).await;
    let mut stream = TcpStream::connect(world.http()).await.unwrap();
    let head = "GET / HTTP/1.1\r\nHost: endless.test\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    soon("the application's connection ends", is_cut).await.unwrap();
    drop(stream);
}
