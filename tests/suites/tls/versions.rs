//! Versions, ciphers, and what is spoken on top.

use outpost_tests::certificates::Kind;

use crate::tls::outside::{Site, refused, verified};

async fn site(variables: &[(&str, &str)]) -> Site {
    let site = Site::start(variables).await;
    let keypair = site.keypair(&["app.test"], Kind::Rsa);
    site.world.serve([site.provider("app.test", keypair)]).await;
    site
}

/// OpenSSL of today speaks TLS 1.1 only when asked twice.
const TLS_1_1: [&str; 3] = ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"];

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_what_is_older_is_not() {
    let site = site(&[]).await;
    for (version, shown) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = site.openssl("app.test", &[version]);
        assert!(verified(&said) && said.contains(shown), "{said}");
    }
    let said = site.openssl("app.test", &TLS_1_1);
    assert!(refused(&said), "{said}");
}

#[tokio::test]
async fn an_operator_may_demand_tls_1_3() {
    let site = site(&[("OUTPOST__LISTEN__TLS_MIN", "1.3")]).await;
    let said = site.openssl("app.test", &["-tls1_3"]);
    assert!(verified(&said), "{said}");
    let said = site.openssl("app.test", &["-tls1_2"]);
    assert!(refused(&said), "{said}");
}

#[tokio::test]
async fn tls_1_2_has_forward_secrecy_and_authenticated_encryption_or_is_refused() {
    let site = site(&[]).await;
    for cipher in [
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ] {
        let said = site.openssl("app.test", &["-tls1_2", "-cipher", cipher]);
        assert!(verified(&said) && said.contains(&format!("Cipher is {cipher}")), "{said}");
    }
    for cipher in ["ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "AES128-GCM-SHA256"] {
        let said = site.openssl("app.test", &["-tls1_2", "-cipher", cipher]);
        assert!(refused(&said), "{cipher}: {said}");
    }
}

#[tokio::test]
async fn clients_choose_between_http_2_and_1_1() {
    let site = site(&[]).await;
    assert_eq!(site.curl("app.test", &["--http2"]), "200 2");
    assert_eq!(site.curl("app.test", &["--http1.1"]), "200 1.1");
    let said = site.openssl("app.test", &["-alpn", "h2,http/1.1"]);
    assert!(said.contains("ALPN protocol: h2"), "{said}");
    let said = site.openssl("app.test", &["-alpn", "http/1.1"]);
    assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
}
