//! Connections of one client.

use std::net::{Ipv4Addr, SocketAddr};

use outpost_tests::{World, wait};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::limits::support::{reached, world};

/// A question that is answered at once, 204.
const ASK: &[u8] = b"GET /outpost.goauthentik.io/ping HTTP/1.1\r\nHost: app.test\r\n\r\n";

const LIMIT: &str = "connections_per_address";

/// A connection from an address of this machine that begins with `first`, if it is served: it stays
/// open.
async fn served(world: &World, from: Ipv4Addr, first: &str) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let mut stream = socket.connect(world.http()).await.unwrap();
    let ask = format!("{first}GET /outpost.goauthentik.io/ping HTTP/1.1\r\nHost: app.test\r\n\r\n");
    // One that is refused may be closed by now.
    let _ = stream.write_all(ask.as_bytes()).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.ok()?;
    assert_eq!(&answer, b"HTTP/1.1 204");
    Some(stream)
}

/// Asks once more on a connection that is served.
async fn ask_again(stream: &mut TcpStream) {
    stream.write_all(ASK).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "it is closed");
    }
    assert!(answer.ends_with(b"\r\n\r\n"));
}

#[tokio::test]
async fn a_client_has_so_many_connections_and_others_have_theirs() {
    let world = world(&[
        ("OUTPOST__LIMITS__CONNECTIONS_PER_ADDRESS", "3"),
        ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "10.0.0.0/8"),
    ])
    .await;
    let (one, other) = (Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2));
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(served(&world, one, "").await.expect("within the limit"));
    }
    assert_eq!(reached(&world, LIMIT).await, 0);
    assert!(served(&world, one, "").await.is_none(), "past the limit");
    assert_eq!(reached(&world, LIMIT).await, 1);
    assert!(served(&world, other, "").await.is_some(), "others have theirs");
    // One that ends makes room for another.
    open.pop();
    let again = wait::until_async("room for another", async || {
        served(&world, one, "").await.ok_or_else(|| "refused".to_owned())
    })
    .await;
    drop((open, again));
}

#[tokio::test]
async fn behind_a_proxy_the_client_is_counted_and_not_the_proxy() {
    let world = world(&[("OUTPOST__LIMITS__CONNECTIONS_PER_ADDRESS", "2")]).await;
    let here = Ipv4Addr::LOCALHOST;
    let client = |last: u8| format!("PROXY TCP4 192.0.2.{last} 10.0.0.1 12345 80\r\n");
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(served(&world, here, &client(7)).await.expect("within the limit"));
    }
    assert!(served(&world, here, &client(7)).await.is_none(), "past the limit");
    open.push(served(&world, here, &client(8)).await.expect("another client"));
    // The proxy by itself, which says nothing of whom it stands for, has as many as it wants.
    for _ in 0..5 {
        open.push(served(&world, here, "").await.expect("a proxy"));
    }
    assert_eq!(reached(&world, LIMIT).await, 1);
}

/// Past the total nobody is refused: whoever comes waits until somebody has left, and those who are
/// served notice nothing.
#[tokio::test]
async fn past_the_total_the_next_waits_until_one_leaves() {
    let world =
        world(&[("OUTPOST__LIMITS__CONNECTIONS", "3"), ("OUTPOST__WEB__WORKERS", "1")]).await;
    let here = Ipv4Addr::LOCALHOST;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(served(&world, here, "").await.expect("within the limit"));
    }
    let mut next = TcpStream::connect(world.http()).await.expect("the machine takes it");
    next.write_all(ASK).await.unwrap();
    // Time enough for an answer, were it served: many others are meanwhile.
    for _ in 0..50 {
        for stream in &mut open {
            ask_again(stream).await;
        }
    }
    let mut answer = [0; 12];
    let waits = next.try_read(&mut answer).expect_err("it is answered");
    assert_eq!(waits.kind(), std::io::ErrorKind::WouldBlock);
    open.pop();
    next.read_exact(&mut answer).await.expect("it is served now");
    assert_eq!(&answer, b"HTTP/1.1 204");
    for stream in &mut open {
        ask_again(stream).await;
    }
}
