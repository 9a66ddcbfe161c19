//! Applications that `upstream.applications` says something of.

use std::sync::Arc;

use outpost_demo::core::ProviderSpec;
use outpost_tests::Program;
use outpost_tests::certificates::Authority;
use outpost_tests::folder::Folder;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

use crate::applications::support::{ask, before, core_before};

const APPLICATIONS: &str = "OUTPOST__UPSTREAM__APPLICATIONS";

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().unwrap()
}

/// An application for `app.internal` that speaks to nobody without a certificate of `authority`.
async fn guarded(authority: &Authority) -> std::net::SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificates(authority.pem()).remove(0)).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let (certificate, key) = authority.issue(&["app.internal".to_owned()]);
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            certificates(&certificate),
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let body = if head.contains("\r\nHost: app.test\r\n") { "host kept" } else { "no" };
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    address
}

#[tokio::test]
async fn an_application_with_its_own_authority_name_and_client_certificates_is_reached() {
    let authority = Authority::new();
    let app = guarded(&authority).await;
    let folder = Folder::new();
    let (certificate, key) = authority.issue(&["outpost".to_owned()]);
    let ca = folder.write("ca.pem", authority.pem());
    let (certificate, key) =
        (folder.write("client.pem", &certificate), folder.write("client-key.pem", &key));
    let settings = format!(
        "app ca_file={} server_name=app.internal client_certificate={} client_key={}",
        ca.display(),
        certificate.display(),
        key.display(),
    );
    let url = format!("https://{app}");
    let (core, _outpost, http) = before(&url, &[(APPLICATIONS, &settings)]).await;
    let found = ask(http, "GET", "/", "").await;
    assert!(found.starts_with("HTTP/1.1 200 ") && found.ends_with("host kept"), "{found}");

    // Another application at the same place is none of it: nobody vouches, and nothing is shown.
    let other = ProviderSpec::proxy("other", "http://other.test", &url).skip("^/");
    core.put_provider(other).unwrap();
    let outpost = Program::start(&core, &[(APPLICATIONS, &settings)]);
    outpost.serves(2).await;
    let http = outpost.address("http").await;
    assert!(ask(http, "GET", "/", "").await.starts_with("HTTP/1.1 200 "));
    let mut client = crate::applications::support::Wire::to(http).await;
    client.write("GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n").await;
    let found = client.rest().await;
    assert!(found.starts_with("HTTP/1.1 502 "), "{found}");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_told_at_the_start_with_the_setting_that_names_it() {
    let core = core_before("https://127.0.0.1:1");
    let folder = Folder::new();
    let empty = folder.write("empty.pem", "");
    for (settings, expected) in [
        ("app ca_file=/no/such.pem".to_owned(), "app: ca_file=/no/such.pem: No such file"),
        (format!("app ca_file={}", empty.display()), "app: ca_file is no file of PEM certificates"),
    ] {
        let outpost = Program::start(&core, &[(APPLICATIONS, &settings)]);
        let line = outpost.line("the outpost does not start").await;
        assert!(line.contains("upstream.applications: "), "{line}");
        assert!(line.contains(expected), "{line}");
        assert_ne!(outpost.exit_code().await, Some(0));
    }
}

#[tokio::test]
async fn an_application_behind_a_unix_socket_is_reached() {
    let folder = Folder::new();
    let socket = folder.path().join("app.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsocket";
            stream.write_all(answer).await.unwrap();
        }
    });
    let settings = format!("app socket={}", socket.display());
    let (_core, _outpost, http) =
        before("http://nowhere.invalid", &[(APPLICATIONS, &settings)]).await;
    let found = ask(http, "GET", "/", "").await;
    assert!(found.ends_with("\r\n\r\nsocket"), "{found}");
}
