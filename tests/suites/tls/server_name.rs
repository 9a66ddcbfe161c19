//! The name of a connection against the host of a request over it.

use outpost_tests::certificates::Kind;

use crate::tls::outside::Site;

/// A client that is no trusted proxy.
const STRANGERS: (&str, &str) = ("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "192.0.2.0/24");

/// `a.test` with a certificate of its own; `b.test` and `c.test` share one.
async fn site(variables: &[(&str, &str)]) -> Site {
    let site = Site::start(variables).await;
    let own = site.keypair(&["a.test"], Kind::Ecdsa);
    let shared = site.keypair(&["b.test", "c.test"], Kind::Ecdsa);
    let (a, b) = (site.provider("a.test", own), site.provider("b.test", shared));
    site.world.serve([a, b, site.provider("c.test", shared)]).await;
    site
}

#[tokio::test]
async fn who_names_one_host_in_the_handshake_and_another_in_the_request_is_sent_away() {
    let site = site(&[STRANGERS]).await;
    for version in ["--http1.1", "--http2"] {
        for (name, host, status) in [
            ("a.test", "a.test", "200"),
            ("a.test", "A.TEST", "200"),
            ("a.test", "b.test", "421"),
            ("b.test", "a.test", "421"),
            // Browsers share a connection where one certificate names both.
            ("b.test", "c.test", "200"),
            ("unknown.test", "a.test", "421"),
        ] {
            let header = format!("Host: {host}");
            // The certificate of an unknown name is nobody's.
            let answer = site.curl(name, &[version, "--insecure", "--header", &header]);
            assert!(answer.starts_with(status), "{version} {name} {host}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_proxy_of_ours_may_speak_tls_under_any_name_and_so_may_all_where_it_is_allowed() {
    for variables in [&[][..], &[STRANGERS, ("OUTPOST__LISTEN__CHECK_SERVER_NAME", "false")]] {
        let site = site(variables).await;
        let answer = site.curl("a.test", &["--header", "Host: b.test"]);
        assert!(answer.starts_with("200"), "{variables:?}: {answer}");
    }
}
