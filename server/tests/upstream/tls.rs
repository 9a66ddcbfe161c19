//! Upstreams with TLS: verified or not, and never HTTP/2 by accident.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::TlsAcceptor;

use crate::support::{OK, Rule, Wire, proxy};

struct Secure {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    /// What was offered in ALPN, then the head or the `:authority` of each request.
    seen: UnboundedReceiver<String>,
}

/// An upstream that speaks what ALPN agrees upon; HTTP/2 first, if offered.
async fn secure() -> Secure {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = issued.cert.der().clone();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, seen) = unbounded_channel();
    actix_rt::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(stream) = acceptor.accept(stream).await else {
                sender.send("no handshake".to_owned()).unwrap();
                continue;
            };
            let alpn = stream.get_ref().1.alpn_protocol().unwrap_or_default();
            sender.send(String::from_utf8(alpn.to_vec()).unwrap()).unwrap();
            let sender = sender.clone();
            if alpn == b"h2" {
                actix_rt::spawn(serve_http2(stream, sender));
            } else {
                actix_rt::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    loop {
                        let mut head = String::new();
                        while !head.ends_with("\r\n\r\n") {
                            if stream.read_line(&mut head).await.unwrap_or_default() == 0 {
                                return;
                            }
                        }
                        let _ = sender.send(head);
                        stream.write_all(OK.as_bytes()).await.unwrap();
                        stream.flush().await.unwrap();
                    }
                });
            }
        }
    });
    Secure { address, certificate, seen }
}

async fn serve_http2(
    stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>,
    sender: tokio::sync::mpsc::UnboundedSender<String>,
) {
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let _ = sender.send(format!("{} {:?}", request.uri(), request.headers()));
        async {
            Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::from("ok"))))
        }
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn get(rule: Rule) -> String {
    let mut client = Wire::to(proxy(rule)).await;
    client.write("GET /x HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n").await;
    client.rest().await
}

fn rule(secure: &Secure) -> Rule {
    Rule::to_url(&format!("https://localhost:{}", secure.address.port()))
}

#[actix_rt::test]
async fn a_certificate_nobody_vouches_for_is_refused() {
    let mut secure = secure().await;
    let answer = get(rule(&secure)).await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.ends_with("tls"), "{answer}");
    assert_eq!(secure.seen.recv().await.unwrap(), "no handshake");
}

#[actix_rt::test]
async fn unless_it_need_not_be_verified() {
    let mut secure = secure().await;
    let answer = get(Rule { verify: false, ..rule(&secure) }).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
    assert_eq!(secure.seen.recv().await.unwrap(), "http/1.1");
    assert!(secure.seen.recv().await.unwrap().contains("\r\nHost: app.example\r\n"));
}

#[actix_rt::test]
async fn a_root_of_ones_own_vouches() {
    let secure = secure().await;
    let mut rule = rule(&secure);
    rule.settings.extra_roots = vec![secure.certificate.clone()];
    let answer = get(rule.clone()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    // For that name only.
    let rule = Rule {
        base: url::Url::parse(&format!("https://127.0.0.1:{}", secure.address.port())).unwrap(),
        ..rule
    };
    let answer = get(rule).await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.ends_with("tls"), "{answer}");
}

#[actix_rt::test]
async fn http_2_where_it_was_chosen() {
    let mut secure = secure().await;
    let mut rule = Rule { verify: false, ..rule(&secure) };
    rule.settings.http2 = true;
    let answer = get(rule).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
    assert_eq!(secure.seen.recv().await.unwrap(), "h2");
    let seen = secure.seen.recv().await.unwrap();
    assert!(seen.starts_with("https://app.example/x "), "{seen}");
    assert!(!seen.contains("\"host\"") && !seen.contains("\"connection\""), "{seen}");
}

#[actix_rt::test]
async fn websockets_take_http_1_even_then() {
    let mut secure = secure().await;
    let mut rule = Rule { verify: false, ..rule(&secure) };
    rule.settings.http2 = true;
    let mut client = Wire::to(proxy(rule)).await;
    client
        .write(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n",
        )
        .await;
    client.head().await;
    assert_eq!(secure.seen.recv().await.unwrap(), "http/1.1");
    assert!(secure.seen.recv().await.unwrap().contains("\r\nUpgrade: websocket\r\n"));
}
