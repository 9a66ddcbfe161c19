//! Clients that speak HTTP/2.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::{OK, Rule, answering, lines, proxy, upstream};

async fn ask<B>(proxy: SocketAddr, request: Request<B>) -> Response<Incoming>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(proxy).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    actix_rt::spawn(connection);
    let response = sender.send_request(request).await.unwrap();
    // The connection lives as long as its sender.
    actix_rt::spawn(async move {
        let _keep = sender;
        std::future::pending::<()>().await;
    });
    response
}

#[actix_rt::test]
async fn a_request_without_a_body_gets_none() {
    let (address, mut heads) = answering(OK).await;
    let request = Request::get("http://app.example/x?y")
        .header("cookie", "a=1")
        .header("cookie", "authentik_proxy_1=secret")
        .header("cookie", "b=2")
        .header("te", "trailers")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = ask(proxy(Rule::to(address)), request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with("GET /x?y HTTP/1.1\r\nHost: app.example\r\n"), "{head}");
    assert_eq!(lines(&head, "host").len(), 1, "{head}");
    assert_eq!(lines(&head, "cookie"), ["Cookie: a=1; b=2"]);
    assert!(lines(&head, "transfer-encoding").is_empty(), "{head}");
    assert!(lines(&head, "content-length").is_empty(), "{head}");
}

#[actix_rt::test]
async fn half_an_answer_that_breaks_off_at_once_is_passed_on() {
    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        wire.write_last("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await;
    })
    .await;
    let request = Request::get("http://a/").body(Empty::<Bytes>::new()).unwrap();
    let response = ask(proxy(Rule::to(address)), request).await;
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
    assert!(body.frame().await.unwrap().is_err(), "it does not look whole");
}

#[actix_rt::test]
async fn a_body_without_a_length_is_sent_in_chunks_both_ways_at_once() {
    let address = upstream(|mut wire, _| async move {
        let head = wire.head().await;
        assert_eq!(lines(&head, "transfer-encoding"), ["Transfer-Encoding: chunked"]);
        wire.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        loop {
            let chunk = wire.chunk().await;
            wire.write(format!("{:x}\r\n{chunk}\r\n", chunk.len())).await;
            if chunk.is_empty() {
                return;
            }
        }
    })
    .await;
    let (say, to_say) = mpsc::unbounded_channel::<Result<Frame<Bytes>, std::io::Error>>();
    let to_say = futures_util::stream::unfold(to_say, |mut to_say| async move {
        to_say.recv().await.map(|frame| (frame, to_say))
    });
    let request = Request::post("http://a/").body(StreamBody::new(Box::pin(to_say))).unwrap();
    let mut body = ask(proxy(Rule::to(address)), request).await.into_body();
    for word in ["one", "two", "three"] {
        say.send(Ok(Frame::data(Bytes::from(word)))).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), word);
    }
    drop(say);
    assert!(body.collect().await.unwrap().to_bytes().is_empty());
}

#[actix_rt::test]
async fn a_known_length_stays_known() {
    let (address, mut heads) = answering(OK).await;
    let request = Request::post("http://a/").body(Full::new(Bytes::new())).unwrap();
    ask(proxy(Rule::to(address)), request).await;
    let head = heads.recv().await.unwrap();
    assert!(lines(&head, "transfer-encoding").is_empty(), "{head}");

    let address = upstream(|mut wire, _| async move {
        let head = wire.head().await;
        assert_eq!(lines(&head, "content-length"), ["Content-Length: 5"]);
        let body = wire.bytes(5).await;
        wire.write(format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{body}")).await;
    })
    .await;
    let request = Request::post("http://a/").body(Full::new(Bytes::from("hello"))).unwrap();
    let response = ask(proxy(Rule::to(address)), request).await;
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
}

/// The client's connection lives on, so its end cannot be what ends the upload.
#[actix_rt::test]
async fn an_upload_ends_with_the_answer() {
    let (sender, mut upstream_saw) = mpsc::unbounded_channel();
    let address = upstream(move |mut wire, _| {
        let sender = sender.clone();
        async move {
            wire.head().await;
            wire.write(OK).await;
            sender.send(wire.rest().await).unwrap();
        }
    })
    .await;
    let endless = futures_util::stream::pending::<Result<Frame<Bytes>, std::io::Error>>();
    let request = Request::post("http://a/").body(StreamBody::new(endless)).unwrap();
    let response = ask(proxy(Rule::to(address)), request).await;
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    let rest = tokio::time::timeout(Duration::from_secs(10), upstream_saw.recv()).await;
    assert_eq!(rest.unwrap().unwrap(), "");
}
