//! What follows a body, both ways, over both versions of HTTP.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use outpost::upstream::{ApplicationOptions, HttpVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{OK, Rule, Wire, lines, proxy, upstream};

fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

fn http2(address: SocketAddr) -> Rule {
    Rule::to(address)
        .speaking(ApplicationOptions { http: HttpVersion::Two, ..ApplicationOptions::default() })
}

/// Frames as they are said.
type Frames = mpsc::UnboundedSender<Frame<Bytes>>;

fn frames() -> (Frames, impl Body<Data = Bytes, Error = Infallible> + Send + Unpin) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|frame| (Ok(frame), receiver))
    });
    (sender, StreamBody::new(Box::pin(stream)))
}

/// Sends a request over HTTP/2.
async fn ask<B>(proxy: SocketAddr, request: Request<B>) -> Response<Incoming>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let stream = TcpStream::connect(proxy).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    actix_rt::spawn(async move {
        let _ = connection.await;
    });
    let response = sender.send_request(request).await.unwrap();
    // The connection lives as long as its sender.
    actix_rt::spawn(async move {
        let _keep = sender;
        std::future::pending::<()>().await;
    });
    response
}

/// An upstream of HTTP/2 without TLS whose answers are those of `serve`.
async fn h2c<S, F, B>(serve: S) -> SocketAddr
where
    S: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    actix_rt::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let serve = serve.clone();
            let service = service_fn(move |request| {
                let answer = serve(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            actix_rt::spawn(async move {
                let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}

#[actix_rt::test]
async fn what_a_client_announces_follows_its_body() {
    let (saw, mut seen) = mpsc::unbounded_channel();
    let address = upstream(move |mut wire, _| {
        let saw = saw.clone();
        async move {
            let mut request = wire.head().await;
            while !wire.chunk_before_trailers().await.is_empty() {}
            request.push_str(&wire.head().await);
            saw.send(request).unwrap();
            wire.write(OK).await;
        }
    })
    .await;
    let rule = Rule {
        strip: |name| name.replace('_', "-").starts_with("x-authentik-"),
        peer_trusted: true,
        ..Rule::to(address)
    };
    let mut client = Wire::to(proxy(rule)).await;
    client
        .write(
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: X-Hop\r\n\
             Trailer: X-Sum, x_authentik_username, X-Forwarded-For, X-Real-IP, Cookie\r\n\
             Trailer: Content-Length, Authorization, X-Hop, Host\r\n\r\n1\r\na\r\n0\r\n\
             X-Sum: 1\r\nx_authentik_username: mallory\r\nX-Forwarded-For: mallory\r\n\
             X-Real-IP: mallory\r\nCookie: mallory\r\nContent-Length: 7\r\n\
             Authorization: mallory\r\nX-Hop: mallory\r\nHost: mallory\r\nX-Other: mallory\r\n\r\n",
        )
        .await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    let request = seen.recv().await.unwrap();
    assert!(!request.contains("mallory"), "{request}");
    assert_eq!(lines(&request, "trailer"), ["Trailer: x-sum"]);
    assert!(request.ends_with("\r\n\r\nX-Sum: 1\r\n\r\n"), "{request}");
}

#[actix_rt::test]
async fn what_an_upstream_announces_follows_its_answer_where_the_client_takes_it() {
    let address = upstream(|mut wire, _| async move {
        let head = wire.head().await;
        assert_eq!(lines(&head, "te"), ["Te: trailers"]);
        wire.write(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T, Set-Cookie\r\n\r\n\
             3\r\nabc\r\n0\r\nX-T: 1\r\nSet-Cookie: a=b\r\nContent-Length: 7\r\n\r\n",
        )
        .await;
        wire.rest().await;
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!(lines(&head, "trailer"), ["Trailer: x-t"]);
    assert_eq!(client.chunk().await, "abc");
    assert_eq!(client.chunk_before_trailers().await, "");
    assert_eq!(client.head().await, "X-T: 1\r\n\r\n");
}

#[actix_rt::test]
async fn trailers_pass_between_the_versions_of_http() {
    let address = upstream(|mut wire, _| async move {
        let head = wire.head().await;
        assert_eq!(lines(&head, "trailer"), ["Trailer: x-sum"]);
        assert_eq!(wire.chunk_before_trailers().await, "up");
        assert_eq!(wire.chunk_before_trailers().await, "");
        assert_eq!(wire.head().await, "X-Sum: 1\r\n\r\n");
        wire.write(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n\
             4\r\ndown\r\n0\r\nX-T: 1\r\n\r\n",
        )
        .await;
        wire.rest().await;
    })
    .await;
    let (say, body) = frames();
    say.send(Frame::data(Bytes::from("up"))).unwrap();
    say.send(Frame::trailers(fields(&[("x-sum", "1"), ("x-other", "2")]))).unwrap();
    drop(say);
    let request = Request::post("http://a/").header("trailer", "x-sum").header("te", "trailers");
    let response = ask(proxy(Rule::to(address)), request.body(body).unwrap()).await;
    assert_eq!(response.headers()["trailer"], "x-t");
    let whole = response.into_body().collect().await.unwrap();
    assert_eq!(whole.trailers(), Some(&fields(&[("x-t", "1")])));
    assert_eq!(whole.to_bytes(), "down");
}

/// The length of a body is no reason to lose what follows it.
#[actix_rt::test]
async fn a_body_of_known_length_has_trailers_too() {
    let address = h2c(|request| async {
        let whole = request.into_body().collect().await.unwrap();
        let sum = whole.trailers().and_then(|trailers| trailers.get("x-sum")).cloned();
        let (say, body) = frames();
        say.send(Frame::data(Bytes::from("down"))).unwrap();
        say.send(Frame::trailers(fields(&[("x-t", "1")]))).unwrap();
        let mut response = Response::new(body);
        response.headers_mut().insert("content-length", 4.into());
        response.headers_mut().insert("x-saw", sum.unwrap());
        response
    })
    .await;
    let (say, body) = frames();
    say.send(Frame::data(Bytes::from("up"))).unwrap();
    say.send(Frame::trailers(fields(&[("x-sum", "1")]))).unwrap();
    drop(say);
    let request = Request::post("http://a/").header("trailer", "x-sum").header("content-length", 2);
    let response = ask(proxy(http2(address)), request.body(body).unwrap()).await;
    assert_eq!(response.headers()["x-saw"], "1");
    assert_eq!(response.headers()["content-length"], "4");
    let whole = response.into_body().collect().await.unwrap();
    assert_eq!(whole.trailers(), Some(&fields(&[("x-t", "1")])));
}

fn grpc(path: &str) -> http::request::Builder {
    Request::post(format!("http://app.example{path}"))
        .header("content-type", "application/grpc+proto")
        .header("te", "trailers")
}

/// gRPC: messages both ways at once, as long as both want, and the status at the very end.
#[actix_rt::test]
async fn a_grpc_stream_goes_both_ways_and_ends_with_its_status() {
    let address = h2c(|request| async {
        assert_eq!(request.headers()["te"], "trailers");
        assert_eq!(request.uri().authority().unwrap(), "app.example");
        let (say, body) = frames();
        tokio::spawn(async move {
            let mut heard = request.into_body();
            while let Some(frame) = heard.frame().await {
                say.send(frame.unwrap()).unwrap();
            }
            say.send(Frame::trailers(fields(&[("grpc-status", "0"), ("grpc-message", "fine")])))
                .unwrap();
        });
        let mut response = Response::new(body);
        let kind = HeaderValue::from_static("application/grpc+proto");
        response.headers_mut().insert("content-type", kind);
        response
    })
    .await;
    let (say, body) = frames();
    let response = ask(proxy(http2(address)), grpc("/echo.Echo/Chat").body(body).unwrap()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/grpc+proto");
    let mut heard = response.into_body();
    for round in 0..50 {
        let said = Bytes::from(format!("message {round}"));
        say.send(Frame::data(said.clone())).unwrap();
        assert_eq!(heard.frame().await.unwrap().unwrap().into_data().unwrap(), said);
    }
    drop(say);
    let last = heard.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(last, fields(&[("grpc-status", "0"), ("grpc-message", "fine")]));
    assert!(heard.frame().await.is_none());
}

/// A gRPC answer may be its trailers alone; clients know it by the end of the stream in its head.
#[actix_rt::test]
async fn a_grpc_error_without_messages_stays_a_head_that_ends() {
    let address = h2c(|_| async {
        let mut response = Response::new(http_body_util::Empty::new());
        *response.headers_mut() =
            fields(&[("content-type", "application/grpc"), ("grpc-status", "12")]);
        response
    })
    .await;
    let (say, body) = frames();
    drop(say);
    let response = ask(proxy(http2(address)), grpc("/echo.Echo/No").body(body).unwrap()).await;
    assert_eq!(response.headers()["grpc-status"], "12");
    assert!(response.body().is_end_stream(), "nothing follows the head");
}
