//! Upstreams that are spoken to in another way: HTTP/2 without TLS, over a Unix socket.

use std::rc::Rc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use outpost::upstream::{ApplicationOptions, HttpVersion};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Barrier;

use crate::support::{Counter, OK, Rule, Wire, lines, proxy};

fn http2() -> ApplicationOptions {
    ApplicationOptions { http: HttpVersion::Two, ..ApplicationOptions::default() }
}

/// An upstream that knows nothing but HTTP/2 and tells what it was asked; requests to `/wait` are
/// answered when as many as the barrier wants are there.
async fn h2c(together: Rc<Barrier>) -> (std::net::SocketAddr, Counter) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Counter::default();
    let count = connections.clone();
    actix_rt::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.add(1);
            let together = Rc::clone(&together);
            let service = service_fn(move |request: Request<Incoming>| {
                let together = Rc::clone(&together);
                async move {
                    if request.uri().path() == "/wait" {
                        together.wait().await;
                    }
                    let (head, body) = request.into_parts();
                    let length = body.collect().await.unwrap().to_bytes().len();
                    let said = format!("{} {} {length} {:?}", head.method, head.uri, head.headers);
                    Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(said))))
                }
            });
            actix_rt::spawn(async move {
                let _ = hyper::server::conn::http2::Builder::new(Local)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (address, connections)
}

#[derive(Clone)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        actix_rt::spawn(async move {
            task.await;
        });
    }
}

#[actix_rt::test]
async fn http_2_without_tls_is_spoken_from_the_start_where_it_was_chosen() {
    let (address, connections) = h2c(Rc::new(Barrier::new(1))).await;
    let mut client = Wire::to(proxy(Rule::to(address).speaking(http2()))).await;
    client
        .write("POST /x?y HTTP/1.1\r\nHost: app.example\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    client.write("5\r\nhello\r\n0\r\n\r\n").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length: usize =
        lines(&head, "content-length")[0].split_once(": ").unwrap().1.parse().unwrap();
    let said = client.bytes(length).await;
    assert!(said.starts_with("POST http://app.example/x?y 5 "), "{said}");
    for gone in ["\"host\"", "\"connection\"", "\"transfer-encoding\""] {
        assert!(!said.contains(gone), "{said}");
    }
    client.write("GET / HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n").await;
    assert!(client.rest().await.contains("GET http://app.example/ 0 "));
    assert_eq!(connections.get(), 1, "one connection serves all requests");
}

/// Whoever comes while the first connection is being made waits for it instead of making another.
#[actix_rt::test]
async fn many_requests_at_once_share_one_connection() {
    const MANY: usize = 50;
    let (address, connections) = h2c(Rc::new(Barrier::new(MANY))).await;
    let proxy = proxy(Rule::to(address).speaking(http2()));
    let asked = (0..MANY).map(|_| async move {
        let mut client = Wire::to(proxy).await;
        client.write("GET /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        client.rest().await
    });
    for answer in futures_util::future::join_all(asked).await {
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(connections.get(), 1);
}

/// Streams may last for ever; those beyond what a connection surely takes must not wait for them.
#[actix_rt::test]
async fn more_requests_than_one_connection_takes_open_another() {
    const MANY: usize = 150;
    let (address, connections) = h2c(Rc::new(Barrier::new(MANY))).await;
    let proxy = proxy(Rule::to(address).speaking(http2()));
    let asked = (0..MANY).map(|_| async move {
        let mut client = Wire::to(proxy).await;
        client.write("GET /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        client.rest().await
    });
    for answer in futures_util::future::join_all(asked).await {
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!((2..MANY).contains(&connections.get()), "{}", connections.get());
}

#[actix_rt::test]
async fn an_upstream_without_http_2_is_a_bad_gateway_where_it_was_chosen() {
    let (address, _heads) = crate::support::answering(OK).await;
    let mut client = Wire::to(proxy(Rule::to(address).speaking(http2()))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}

#[actix_rt::test]
async fn an_application_behind_a_unix_socket_is_asked_under_the_name_of_its_url() {
    let folder = std::env::temp_dir().join(format!("outpost-upstream-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("app.sock");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    actix_rt::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if stream.read_line(&mut head).await.unwrap() == 0 {
                    return;
                }
            }
            assert!(head.contains("\r\nHost: inner.example\r\n"), "{head}");
            stream.write_all(OK.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    let rule = Rule { host: Some("inner.example"), ..Rule::to_url("http://nowhere.invalid") };
    let options = ApplicationOptions { socket: Some(path), ..ApplicationOptions::default() };
    let mut client = Wire::to(proxy(rule.speaking(options))).await;
    for _ in 0..2 {
        client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 200"));
        assert_eq!(client.bytes(2).await, "ok");
    }

    let options = ApplicationOptions {
        socket: Some(folder.join("nobody.sock")),
        ..ApplicationOptions::default()
    };
    let mut client =
        Wire::to(proxy(Rule::to_url("http://nowhere.invalid").speaking(options))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 502"));
    std::fs::remove_dir_all(&folder).unwrap();
}
