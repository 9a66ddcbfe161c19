//! One provider for a whole domain.

use outpost_demo::core::ProviderSpec;
use outpost_tests::Browser;

use crate::ask::{DIALECTS, ask, cookie, signed_in, world};

#[tokio::test]
async fn signed_in_on_one_host_of_the_domain_is_signed_in_on_all() {
    let world = world().await;
    let browser = Browser::new();
    // The outpost sends the browser to sign in from a.domain.test; the cookie is the domain's.
    signed_in(&world, &browser, "a.domain.test", "bob").await;
    for host in ["a.domain.test", "b.domain.test", "x.y.domain.test", "domain.test"] {
        let url = world.url(host, "/");
        let cookie = browser.cookie_header(&url.parse().unwrap()).expect("the domain's cookie");
        for dialect in DIALECTS {
            let verdict = ask(&world, dialect, &url, &[("Cookie", &cookie)]).await;
            assert_eq!(verdict.status, 200, "{dialect} {host}: {verdict:?}");
            assert_eq!(verdict.header("X-authentik-username"), Some("bob"));
        }
    }
    let foreign = world.url("evildomain.test", "/").parse().unwrap();
    assert_eq!(browser.cookie_header(&foreign), None);
}

/// Contract 5, better: a domain ends at a label (`evildomain.test` is somebody else's).
#[tokio::test]
async fn a_domain_ends_at_a_label() {
    let world = world().await;
    let cookie = cookie(&world, "auth.domain.test", "alice").await;
    for host in ["evildomain.test", "notdomain.test", "domain.test.evil.test", "a.evildomain.test"]
    {
        for dialect in DIALECTS {
            for path in ["/", "/public/"] {
                let more = [("Cookie", cookie.as_str())];
                let verdict = ask(&world, dialect, &world.url(host, path), &more).await;
                assert_eq!(verdict.status, 400, "{dialect} {host}{path}: {verdict:?}");
                assert_eq!(verdict.json()["message"], "no app for hostname");
            }
        }
    }
}

#[tokio::test]
async fn the_sign_in_leads_back_to_the_host_it_was_begun_on() {
    let world = world().await;
    for dialect in ["traefik", "caddy", "envoy"] {
        let page = world.url("b.domain.test", "/x?y=z&w=%20");
        let sent = ask(&world, dialect, &page, &[]).await;
        let flow = sent.all("set-cookie")[0].to_owned();
        assert!(flow.contains("Domain=domain.test"), "{flow}");
        let callback = world.core.sign_in(sent.header("location").unwrap(), "alice").unwrap();
        assert!(callback.starts_with(&world.url("auth.domain.test", "/outpost.")), "{callback}");
        let flow = flow.split(';').next().unwrap();
        let browser = Browser::new();
        let done = browser.send(reqwest::Method::GET, &callback, &[("cookie", flow)], None).await;
        assert_eq!(done.header("location"), page, "{dialect}");
    }
}

/// An application with a provider of its own under the domain is not the domain's.
#[tokio::test]
async fn a_host_with_a_provider_of_its_own_is_not_the_domains() {
    let world = world().await;
    let own = ProviderSpec::forward_single("own", &world.url("own.domain.test", ""));
    world.serve([own]).await;
    let cookie = cookie(&world, "auth.domain.test", "bob").await;
    for dialect in DIALECTS {
        let more = [("Cookie", cookie.as_str())];
        let verdict = ask(&world, dialect, &world.url("own.domain.test", "/"), &more).await;
        assert!(matches!(verdict.status, 302 | 401), "{dialect}: {verdict:?}");
        let verdict = ask(&world, dialect, &world.url("other.domain.test", "/"), &more).await;
        assert_eq!(verdict.status, 200, "{dialect}: {verdict:?}");
    }
}
