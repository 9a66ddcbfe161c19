//! HTTP/2 from clients: without TLS by prior knowledge, many streams, a client that gives up.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use outpost_tests::World;
use tokio::net::TcpStream;

use crate::downstream::support::{ask, soon, world};

type Sender = http2::SendRequest<BoxBody<Bytes, Infallible>>;

async fn connect(world: &World) -> Sender {
    let stream = TcpStream::connect(world.http()).await.unwrap();
    let io = TokioIo::new(stream);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(method: &str, path: &str, body: &[u8]) -> hyper::Request<BoxBody<Bytes, Infallible>> {
    let body = if body.is_empty() {
        Empty::new().boxed()
    } else {
        Full::new(Bytes::copy_from_slice(body)).boxed()
    };
    let uri = format!("http://app.test{path}");
    hyper::Request::builder().method(method).uri(uri).body(body).unwrap()
}

#[tokio::test]
async fn http2_without_tls_is_served_to_clients_that_begin_with_it() {
    let world = world(&[]).await;
    let mut sender = connect(&world).await;
    let answer =
        soon("an answer", sender.send_request(request("GET", "/json", b""))).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.version(), hyper::Version::HTTP_2);
    assert!(answer.headers().contains_key("date"), "{:?}", answer.headers());
    assert!(!answer.headers().contains_key("connection"), "{:?}", answer.headers());
    let body = soon("a body", answer.into_body().collect()).await.unwrap().to_bytes();
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert!(told.to_string().contains("app.test"), "{told}");

    let head = soon("an answer", sender.send_request(request("HEAD", "/json", b""))).await.unwrap();
    assert_eq!(head.status(), 200);
    let body = soon("no body", head.into_body().collect()).await.unwrap().to_bytes();
    assert!(body.is_empty());

    let denied = soon("an answer", sender.send_request(request("POST", "/private", b"x"))).await;
    assert_eq!(denied.unwrap().status(), 401);
}

#[tokio::test]
async fn streams_of_a_connection_do_not_wait_for_each_other() {
    let world = world(&[]).await;
    let sender = connect(&world).await;
    let asked = (0..100).map(|n| {
        let mut sender = sender.clone();
        async move {
            let body = vec![b'a'; n * 1000];
            let answer = sender.send_request(request("POST", "/json", &body)).await.unwrap();
            let status = answer.status();
            answer.into_body().collect().await.unwrap();
            status
        }
    });
    let answers = soon("all answers", futures_util::future::join_all(asked)).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
}

/// C15: the preface alone, or garbage after it, occupies nobody else.
#[tokio::test]
async fn garbage_after_the_preface_ends_the_connection() {
    let world = world(&[]).await;
    let garbage = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0xff; 64]].concat();
    let stream = TcpStream::connect(world.http()).await.unwrap();
    let answer = ask(stream, &garbage).await;
    assert!(!answer.contains("200"), "{answer:?}");
    let half = TcpStream::connect(world.http()).await.unwrap();
    let answer = ask(half, b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await;
    assert!(!answer.contains(" 200 "), "{answer:?}");
    let mut sender = connect(&world).await;
    let answer = soon("an answer", sender.send_request(request("GET", "/json", b""))).await;
    assert_eq!(answer.unwrap().status(), 200);
}
