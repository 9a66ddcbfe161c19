//! TLS towards browsers.

use std::sync::Arc;

use outpost::core_tls::{self, CoreTrust};
use outpost_demo::core::{KeyPairSpec, ProviderSpec};
use outpost_tests::{Browser, World};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

async fn connect(world: &World, name: &str) -> TlsStream<TcpStream> {
    let mut config = core_tls::client_config(&CoreTrust::Nothing).expect("a configuration");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let stream = TcpStream::connect(world.https()).await.expect("a connection");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake")
}

/// What is served for a server name.
async fn served(world: &World, name: &str) -> CertificateDer<'static> {
    let stream = connect(world, name).await;
    let chain = stream.get_ref().1.peer_certificates().expect("a certificate");
    chain[0].clone().into_owned()
}

fn certificate(keypair: &KeyPairSpec) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(keypair.certificate_pem.as_bytes()).expect("PEM")
}

fn keypair(hosts: &[&str]) -> KeyPairSpec {
    KeyPairSpec::self_signed("a certificate", hosts).expect("a certificate")
}

#[tokio::test]
async fn each_host_gets_its_certificate_and_a_new_one_needs_no_restart() {
    let world = World::start().await;
    let (first, other) = (keypair(&["app.test"]), keypair(&["ported.test"]));
    let uuid = world.core.add_keypair(first.clone());
    let ported = world.core.add_keypair(other.clone());
    let upstream = world.app.url();
    world
        .serve([
            ProviderSpec::proxy("app", "https://app.test", &upstream).certificate(uuid),
            ProviderSpec::proxy("ported", "https://ported.test:8443", &upstream)
                .certificate(ported),
        ])
        .await;
    assert_eq!(served(&world, "app.test").await, certificate(&first));
    assert_eq!(served(&world, "ported.test").await, certificate(&other), "whatever the port");
    let unknown = served(&world, "unknown.test").await;
    assert!(unknown != certificate(&first) && unknown != certificate(&other), "a fallback");

    let renewed = keypair(&["app.test"]);
    world.core.replace_keypair(uuid, renewed.clone());
    world.refreshed().await;
    assert_eq!(served(&world, "app.test").await, certificate(&renewed));
    assert_eq!(served(&world, "ported.test").await, certificate(&other));
}

/// A ClientHello of TLS 1.1 (RFC 4346) is answered with a fatal alert.
#[tokio::test]
async fn tls_1_1_is_refused() {
    let world = World::start().await;
    let mut hello = vec![0x03, 0x02];
    hello.extend([7; 32]);
    // No session, one cipher suite (ECDHE_RSA_AES_128_CBC_SHA), no compression.
    hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
    let length = u8::try_from(hello.len()).expect("short");
    let mut record = vec![0x16, 0x03, 0x01, 0, length + 4, 0x01, 0, 0, length];
    record.extend(hello);
    let mut stream = TcpStream::connect(world.https()).await.expect("a connection");
    stream.write_all(&record).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an end");
    assert_eq!(answer.first(), Some(&0x15), "an alert: {answer:x?}");
    assert_eq!(answer.get(5), Some(&2), "a fatal one: {answer:x?}");
}

/// C16: the `Host` decides who answers, whatever name the connection was opened under; cookies of
/// one application mean nothing to another.
#[tokio::test]
async fn a_connection_for_one_application_does_not_open_another() {
    let world = World::start().await;
    let upstream = world.app.url();
    world
        .serve([world.proxy(), ProviderSpec::proxy("b", &world.url("b.test", ""), &upstream)])
        .await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json");
    assert_eq!(browser.sign_in(&url, "alice").await.status, 200);
    let cookies = browser.cookie_header(&url::Url::parse(&url).expect("a URL")).expect("cookies");
    let port = world.port();
    let asked = async |host: &str| {
        let mut stream = connect(&world, "app.test").await;
        let request = format!(
            "GET /json HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/html\r\n\
             Cookie: {cookies}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        // Whoever closes without a close_notify has answered all the same.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    };
    let own = asked("app.test").await;
    assert!(own.starts_with("HTTP/1.1 200"), "{own}");
    let other = asked("b.test").await;
    assert!(other.starts_with("HTTP/1.1 302"), "{other}");
    assert!(!other.contains("alice"), "{other}");
}
