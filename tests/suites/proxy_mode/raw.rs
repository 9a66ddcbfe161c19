//! Bytes that no browser sends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use outpost_demo::core::{CoreOptions, KeyPairSpec, ProviderSpec};
use outpost_tests::{Browser, Capture, World};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::proxy_mode::support::{raw, soon, status};
use crate::tricks::two_ends;

async fn world() -> (World, Capture) {
    let world = World::start().await;
    let capture = Capture::start().await;
    world.serve([ProviderSpec { internal_host: capture.url(), ..world.proxy() }]).await;
    (world, capture)
}

/// Two readings of where a request ends are one request too many.
#[tokio::test]
async fn a_request_whose_end_can_be_read_in_two_ways_is_refused() {
    let (world, capture) = world().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n";
    let length = smuggled.len() + 5;
    for framing in two_ends(length) {
        let request = format!(
            "POST /public/x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n{framing}\r\n\
             0\r\n\r\n{smuggled}"
        );
        let answer = raw(world.http(), request.as_bytes()).await;
        assert!(matches!(status(&answer), 0 | 400 | 501), "{framing:?}: {answer}");
        let seen = capture.take();
        assert!(!seen.iter().any(|seen| seen.contains("smuggled")), "{framing:?}: {seen:?}");
    }
}

#[tokio::test]
async fn a_request_with_two_names_for_its_host_is_refused() {
    let (world, capture) = world().await;
    for head in [
        "GET /public/x HTTP/1.1\r\nHost: app.test\r\nHost: app.test\r\n",
        "GET /public/x HTTP/1.1\r\nHost: app.test\r\nHost: evil.test\r\n",
        "GET http://evil.test/public/x HTTP/1.1\r\nHost: app.test\r\n",
        "GET http://app.test/public/x HTTP/1.1\r\nHost: evil.test\r\n",
        "GET http://app.test@evil.test/public/x HTTP/1.1\r\nHost: app.test\r\n",
        "GET /public/x HTTP/1.1\r\nHost: app.test evil.test\r\n",
        "GET /public/x HTTP/1.1\r\nHost: app.test,evil.test\r\n",
        "GET /public/x HTTP/1.1\r\nHost: user@app.test\r\n",
        "GET /public/x HTTP/1.1\r\nHost: app.test/x\r\n",
    ] {
        let request = format!("{head}Connection: close\r\n\r\n");
        let answer = raw(world.http(), request.as_bytes()).await;
        assert!(matches!(status(&answer), 0 | 400), "{head}: {answer}");
        assert_eq!(capture.take(), Vec::<String>::new(), "{head}");
    }
    // One name, said twice, is one name.
    let request =
        "GET http://app.test/public/x?y HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&raw(world.http(), request.as_bytes()).await), 200);
    assert!(capture.take()[0].starts_with("GET /public/x?y HTTP/1.1\r\nHost: app.test\r\n"));
}

/// Requests inside a tunnel of HTTP would reach the application unseen.
#[tokio::test]
async fn neither_http_nor_tls_is_offered_to_the_application_as_an_upgrade() {
    let (world, capture) = world().await;
    for (upgrade, offered) in [
        ("h2c", None),
        ("TLS/1.0", None),
        ("HTTP/2.0", None),
        ("h2c, websocket", Some("Upgrade: websocket\r\n")),
        ("h2c, tcp", Some("Upgrade: tcp\r\n")),
    ] {
        let request = format!(
            "GET /public/x HTTP/1.1\r\nHost: app.test\r\nUpgrade: {upgrade}\r\n\
             HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\
             Connection: Upgrade, HTTP2-Settings, close\r\n\r\n"
        );
        let answer = raw(world.http(), request.as_bytes()).await;
        assert!(matches!(status(&answer), 200 | 400), "{upgrade}: {answer}");
        for seen in capture.take() {
            let lower = seen.to_lowercase();
            assert!(!lower.contains("http2-settings") && !lower.contains("h2c"), "{seen}");
            assert_eq!(lower.contains("upgrade"), offered.is_some(), "{seen}");
            assert!(offered.is_none_or(|offered| seen.contains(offered)), "{seen}");
        }
    }
    let answer = raw(
        world.http(),
        b"CONNECT evil.test:443 HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(!(200..300).contains(&status(&answer)), "{answer}");
    let answer = raw(
        world.http(),
        b"CONNECT app.test:80 HTTP/1.1\r\nHost: app.test:80\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(!(200..300).contains(&status(&answer)), "{answer}");
    assert_eq!(capture.take(), Vec::<String>::new());
}

/// CVE-2024-24814: floods of headers and cookies are told what they are.
#[tokio::test]
async fn too_many_headers_or_cookies_are_431() {
    let (world, capture) = world().await;
    let one = |name: &str, bytes: usize| format!("{name}: {}\r\n", "x".repeat(bytes));
    let cookies: String =
        format!("Cookie: {}\r\n", (0..4000).map(|n| format!("c{n}=v; ")).collect::<String>());
    let many: String = (0..1000).map(|n| one(&format!("X-{n}"), 80)).collect();
    for (what, headers) in [
        ("a huge header", one("X-Huge", 70_000)),
        ("huge headers", (0..3).map(|n| one(&format!("X-{n}"), 30_000)).collect()),
        ("more than the parser takes", one("X-Huge", 500_000)),
        ("cookies", cookies),
        ("a huge cookie", format!("Cookie: a={}\r\n", "x".repeat(40_000))),
        ("many headers", many),
    ] {
        let request = format!(
            "GET /public/x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n{headers}\r\n"
        );
        let answer = raw(world.http(), request.as_bytes()).await;
        // Beyond what actix-http parses the connection may be gone before the answer is read.
        assert!(matches!(status(&answer), 0 | 400 | 431), "{what}: {answer:.200}");
        if matches!(what, "a huge header" | "cookies" | "a huge cookie" | "huge headers") {
            assert_eq!(status(&answer), 431, "{what}: {answer:.200}");
        }
        assert_eq!(capture.take(), Vec::<String>::new(), "{what}");
    }
    let page = Browser::new().get(&world.url("app.test", "/public/x")).await;
    assert_eq!(page.status, 200, "and others are served");
}

#[tokio::test]
async fn a_client_that_dawdles_over_its_headers_is_let_go() {
    let variables = [("AUTHENTIK_WEB__TIMEOUT_HTTP_READ_HEADER", "1s")];
    let world = World::with(CoreOptions::default(), &variables).await;
    world.serve([world.proxy()]).await;
    let mut slow = TcpStream::connect(world.http()).await.unwrap();
    slow.write_all(b"GET /public/x HTTP/1.1\r\nHost: app.te").await.unwrap();
    let mut answer = Vec::new();
    let _ = soon("the slow client is let go", slow.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(matches!(status(&answer), 0 | 408), "{answer}");
    // One that keeps dripping is no better.
    let mut slow = TcpStream::connect(world.http()).await.unwrap();
    soon("the dripping client is let go", async {
        while slow.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

/// Refused, a handshake is a request like others: the connection goes on, and ends when its client
/// wants it to.
#[tokio::test]
async fn a_refused_handshake_leaves_a_connection_for_requests() {
    let (world, _) = world().await;
    let last = "GET /public/x HTTP/1.1\r\nHost: app.test:80\r\nConnection: close\r\n\r\n";
    for head in [
        "GET /x HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        "GET /public/x HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        "POST /x HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    ] {
        let requests = format!("{head}Host: app.test:80\r\n\r\n{last}");
        // `raw` waits for the connection's end.
        let answer = raw(world.http(), requests.as_bytes()).await;
        assert!(matches!(status(&answer), 200 | 400 | 401), "{head}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 2, "{head}: {answer}");
    }
}

#[tokio::test]
async fn garbage_costs_its_sender_only() {
    let (world, capture) = world().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET / HTTP/9.9\r\nHost: app.test\r\n\r\n",
        b"GET  /public/x HTTP/1.1\r\nHost: app.test\r\n\r\n",
        b"GET /public/x\x00y HTTP/1.1\r\nHost: app.test\r\n\r\n",
        b"GET /public/x HTTP/1.1\r\nHost: app.test\r\nX: a\x00b\r\n\r\n",
        b"GET /public/x HTTP/1.1\r\nHost: app.test\r\nX-Folded: a\r\n b\r\nConnection: close\r\n\r\n",
        b"GET /public/x HTTP/1.1\r\nHost: app.test\r\nBad Name: a\r\n\r\n",
        b"GET /public/x HTTP/1.1\r\nConnection: close\r\n\r\n",
    ] {
        let mut bytes = bytes.to_vec();
        if !bytes.ends_with(b"\r\n\r\n") {
            bytes.extend_from_slice(b"\r\n\r\n");
        }
        let answer = raw(world.http(), &bytes).await;
        assert!(!(200..400).contains(&status(&answer)), "{bytes:?}: {answer}");
        assert_eq!(capture.take(), Vec::<String>::new());
    }
    assert_eq!(Browser::new().get(&world.url("app.test", "/public/x")).await.status, 200);
}

#[tokio::test]
async fn http2_over_tls_reaches_the_application_as_http_1_1() {
    let (world, capture) = world().await;
    let keypair = KeyPairSpec::self_signed("app", &["app.test"]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(keypair.certificate_pem.as_bytes()).unwrap()).unwrap();
    let uuid = world.core.add_keypair(keypair);
    world.core.edit_provider("app", |spec| spec.certificate = Some(uuid));
    world.refreshed().await;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(world.https()).await.unwrap();
    let name = "app.test".try_into().unwrap();
    let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::get("https://app.test/public/x")
        .header("x-authentik-username", "mallory")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let answer = soon("an answer", sender.send_request(request)).await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = soon("a body", answer.into_body().collect()).await.unwrap().to_bytes();
    assert_eq!(body, "captured");
    let seen = capture.take().remove(0);
    assert!(seen.starts_with("GET /public/x HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("\r\nX-Forwarded-Proto: https\r\n"), "{seen}");
    assert_eq!(seen.to_lowercase().matches("\r\nhost:").count(), 1, "{seen}");
    assert!(!seen.contains("mallory"), "{seen}");
}
