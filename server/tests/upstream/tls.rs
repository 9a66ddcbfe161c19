//! Upstreams with TLS: verified or not, and never HTTP/2 by accident.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use outpost::upstream::{ApplicationOptions, ClientCertificate, Dialer, HttpVersion};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::TlsAcceptor;

use crate::support::{OK, Rule, Wire, proxy};

struct Secure {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    pem: Vec<u8>,
    /// The name asked for and what ALPN agreed upon, then the head or the `:authority` of each request.
    seen: UnboundedReceiver<String>,
}

/// An upstream for `localhost` that speaks what ALPN agrees upon; HTTP/2 first, if offered.
async fn secure() -> Secure {
    secure_as("localhost", None, &["h2", "http/1.1"]).await
}

/// The same under another name, for clients with one of these certificates.
async fn secure_as(
    name: &str,
    clients: Option<CertificateDer<'static>>,
    protocols: &[&str],
) -> Secure {
    let issued = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let certificate = issued.cert.der().clone();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let mut config = builder.with_single_cert(vec![certificate.clone()], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
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
            let connection = stream.get_ref().1;
            let alpn = connection.alpn_protocol().unwrap_or_default();
            let asked = connection.server_name().unwrap_or("nothing");
            sender.send(format!("{asked} {}", String::from_utf8_lossy(alpn))).unwrap();
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
    let pem = issued.cert.pem().into_bytes();
    Secure { address, certificate, pem, seen }
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
    assert_eq!(secure.seen.recv().await.unwrap(), "localhost http/1.1");
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
    let http2 = ApplicationOptions { http: HttpVersion::Two, ..ApplicationOptions::default() };
    let rule = Rule { verify: false, ..rule(&secure) }.speaking(http2);
    let answer = get(rule).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
    assert_eq!(secure.seen.recv().await.unwrap(), "localhost h2");
    let seen = secure.seen.recv().await.unwrap();
    assert!(seen.starts_with("https://app.example/x "), "{seen}");
    assert!(!seen.contains("\"host\"") && !seen.contains("\"connection\""), "{seen}");
}

#[actix_rt::test]
async fn websockets_take_http_1_even_then() {
    let mut secure = secure().await;
    let http2 = ApplicationOptions { http: HttpVersion::Two, ..ApplicationOptions::default() };
    let rule = Rule { verify: false, ..rule(&secure) }.speaking(http2);
    let mut client = Wire::to(proxy(rule)).await;
    client
        .write(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n",
        )
        .await;
    client.head().await;
    assert_eq!(secure.seen.recv().await.unwrap(), "localhost http/1.1");
    assert!(secure.seen.recv().await.unwrap().contains("\r\nUpgrade: websocket\r\n"));
}

#[actix_rt::test]
async fn http_2_that_was_chosen_is_never_http_1() {
    let secure = secure_as("localhost", None, &["http/1.1"]).await;
    let http2 = ApplicationOptions { http: HttpVersion::Two, ..ApplicationOptions::default() };
    let answer = get(Rule { verify: false, ..rule(&secure) }.speaking(http2)).await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.ends_with("tls"), "{answer}");
}

/// The provider says that nothing is to be checked, and the settings name an authority.
#[actix_rt::test]
async fn an_authority_named_for_an_application_is_the_only_one_it_may_have() {
    let (secure, other) = (secure().await, secure().await);
    let trusting = |pem: &[u8]| ApplicationOptions {
        authorities: Some(pem.to_vec()),
        ..ApplicationOptions::default()
    };
    let rule = Rule { verify: false, ..rule(&secure) };
    let answer = get(rule.clone().speaking(trusting(&secure.pem))).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let mut rule = rule.speaking(trusting(&other.pem));
    // What others trust counts for others.
    rule.settings.extra_roots = vec![secure.certificate.clone()];
    let answer = get(rule).await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.ends_with("tls"), "{answer}");
}

#[actix_rt::test]
async fn the_name_in_tls_can_be_another_and_the_host_stays() {
    let mut secure = secure_as("app.internal", None, &["http/1.1"]).await;
    let named = |name: Option<&str>| ApplicationOptions {
        authorities: Some(secure.pem.clone()),
        server_name: name.map(str::to_owned),
        ..ApplicationOptions::default()
    };
    let answer = get(rule(&secure).speaking(named(Some("app.internal")))).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for wrong in [None, Some("other.internal")] {
        let answer = get(rule(&secure).speaking(named(wrong))).await;
        assert!(answer.starts_with("HTTP/1.1 502") && answer.ends_with("tls"), "{answer}");
    }
    assert_eq!(secure.seen.recv().await.unwrap(), "app.internal http/1.1");
    assert!(secure.seen.recv().await.unwrap().contains("\r\nHost: app.example\r\n"));
}

#[actix_rt::test]
async fn an_application_that_asks_who_we_are_is_shown_the_certificate_meant_for_it() {
    let own = rcgen::generate_simple_self_signed(vec!["outpost".to_owned()]).unwrap();
    let client = ClientCertificate {
        certificate: own.cert.pem().into_bytes(),
        key: SecretString::from(own.signing_key.serialize_pem()),
    };
    let secure = secure_as("localhost", Some(own.cert.der().clone()), &["http/1.1"]).await;
    for verify in [true, false] {
        let mut rule = Rule { verify, ..rule(&secure) };
        rule.settings.extra_roots = vec![secure.certificate.clone()];
        let refused = get(rule.clone()).await;
        assert!(refused.starts_with("HTTP/1.1 502"), "{refused}");
        let client = Some(client.clone());
        let answer =
            get(rule.speaking(ApplicationOptions { client, ..ApplicationOptions::default() }))
                .await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[test]
fn what_cannot_be_used_is_told_with_the_application_and_without_the_key() {
    let [one, two] = ["one", "two"]
        .map(|name| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap());
    let chain = one.cert.pem().into_bytes();
    let key = |pem: String| SecretString::from(pem);
    let client = |certificate: &[u8], key| ApplicationOptions {
        client: Some(ClientCertificate { certificate: certificate.to_vec(), key }),
        ..ApplicationOptions::default()
    };
    for (options, expected) in [
        (
            ApplicationOptions { authorities: Some(b"x".to_vec()), ..Default::default() },
            "ca_file is no file of PEM certificates",
        ),
        (client(b"", key(one.signing_key.serialize_pem())), "client_certificate is no file"),
        (client(&chain, key("hush".to_owned())), "client_key is no file"),
        (client(&chain, key(two.signing_key.serialize_pem())), "client_certificate"),
        (
            ApplicationOptions { server_name: Some("a/b".to_owned()), ..Default::default() },
            "server_name is no host name",
        ),
    ] {
        let rule = Rule::to_url("https://app").speaking(options);
        let error = Dialer::new(rule.settings).unwrap_err().to_string();
        assert!(error.starts_with("upstream.applications: app: "), "{error}");
        assert!(error.contains(expected) && !error.contains("hush"), "{error}");
    }
}
