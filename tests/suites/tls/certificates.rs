//! Certificates of providers, with chains, of both kinds, replaced while connections are open.

use std::sync::Arc;

use outpost::core_tls::{self, CoreTrust};
use outpost_tests::certificates::Kind;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::tls::outside::{Site, verified};

#[tokio::test]
async fn clients_that_know_the_root_alone_accept_the_chain_of_each_name() {
    let site = Site::start(&[]).await;
    let (a, b) = (site.keypair(&["a.test"], Kind::Ecdsa), site.keypair(&["b.test"], Kind::Rsa));
    site.world.serve([site.provider("a.test", a), site.provider("b.test", b)]).await;
    for (host, kind) in [("a.test", "id-ecPublicKey"), ("b.test", "rsaEncryption")] {
        let said = site.openssl(host, &["-verify_return_error"]);
        assert!(verified(&said) && said.contains(kind), "{said}");
        assert!(said.contains("CN = Test intermediate"), "the chain is sent: {said}");
        assert_eq!(site.curl(host, &[]), "200 2");
    }
    let said = site.openssl("c.test", &[]);
    assert!(!verified(&said), "a name of nobody's gets a certificate of nobody's: {said}");
}

/// Two providers of one host, one with either kind: old clients can speak RSA alone.
#[tokio::test]
async fn a_name_with_both_kinds_of_certificate_serves_clients_of_both() {
    let site = Site::start(&[]).await;
    let rsa = site.keypair(&["domain.test", "*.domain.test"], Kind::Rsa);
    let ecdsa = site.keypair(&["domain.test", "*.domain.test"], Kind::Ecdsa);
    let domain = |slug: &str, keypair| {
        let mut provider = outpost_demo::core::ProviderSpec::forward_domain(
            slug,
            &format!("https://{slug}.domain.test"),
            "domain.test",
        );
        provider.certificate = Some(keypair);
        provider
    };
    site.world.serve([domain("one", rsa), domain("two", ecdsa)]).await;
    for (more, signature) in [
        (&["-tls1_3"][..], "ECDSA"),
        (&["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"], "RSA-PSS"),
        (&["-tls1_3", "-sigalgs", "ecdsa_secp256r1_sha256"], "ECDSA"),
        (&["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "RSA"),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "ECDSA"),
    ] {
        let said = site.openssl("app.domain.test", more);
        let shown = format!("Peer signature type: {signature}");
        assert!(verified(&said) && said.contains(&shown), "{more:?}: {said}");
    }
}

/// Asks over an open connection; gives the status line.
async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"HEAD /json HTTP/1.1\r\nHost: app.test\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_new_certificate_is_for_new_connections_and_open_ones_go_on() {
    let site = Site::start(&[]).await;
    let keypair = site.keypair(&["app.test"], Kind::Ecdsa);
    site.world.serve([site.provider("app.test", keypair)]).await;

    let mut config = core_tls::client_config(&CoreTrust::Nothing).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let stream = TcpStream::connect(site.world.https()).await.unwrap();
    let name = ServerName::try_from("app.test").unwrap();
    let mut open = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert_eq!(ask(&mut open).await, "HTTP/1.1 200 OK");

    for kind in [Kind::Rsa, Kind::Ecdsa] {
        site.world.core.replace_keypair(keypair, site.issue(&["app.test"], kind));
        site.world.refreshed().await;
        let shown = match kind {
            Kind::Rsa => "rsaEncryption",
            Kind::Ecdsa => "id-ecPublicKey",
        };
        let said = site.openssl("app.test", &[]);
        assert!(verified(&said) && said.contains(shown), "{said}");
        assert_eq!(ask(&mut open).await, "HTTP/1.1 200 OK", "the old connection");
    }
}
