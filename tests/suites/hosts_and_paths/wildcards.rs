//! `https://*.example.com`: one label, and the host that was asked for.

use outpost_demo::core::ProviderSpec;
use outpost_tests::{Browser, World};
use reqwest::Method;

const TAIL: &str = "/outpost.goauthentik.io/callback?X-authentik-auth-callback=true";

/// A provider for `*.wild.test` whose redirect URIs allow `one` and `two`; `own.wild.test` has one
/// of its own, and `wild.test` is somebody's domain.
async fn world() -> World {
    let world = World::start().await;
    let app = world.app.url();
    let mut wild = ProviderSpec::proxy("wild", &world.url("*.wild.test", ""), &app);
    wild.redirect_uris =
        Some(["one", "two"].map(|name| world.url(&format!("{name}.wild.test"), TAIL)).to_vec());
    world
        .serve([
            wild,
            ProviderSpec::proxy("own", &world.url("own.wild.test", ""), &app),
            ProviderSpec::forward_domain(
                "domain",
                &world.url("auth.sso.wild.test", ""),
                "wild.test",
            ),
        ])
        .await;
    world
}

#[tokio::test]
async fn people_sign_in_on_the_host_they_asked_for() {
    let world = world().await;
    let browser = Browser::new();
    for host in ["one.wild.test", "two.wild.test"] {
        let page = world.url(host, "/json");
        assert_eq!(browser.get(&page).await.status, 302, "{host}: a session for each host");
        let landed = browser.sign_in(&page, "alice").await;
        assert_eq!((landed.status.as_u16(), landed.url.as_str()), (200, page.as_str()));
        assert_eq!(landed.received("X-authentik-meta-app").as_deref(), Some("wild"));
        assert_eq!(
            landed.received("X-Forwarded-Host").unwrap(),
            host.to_owned() + &format!(":{}", world.port())
        );
    }
    assert_eq!(world.sessions().await, 2);
    // Core does not know this one, and says so itself.
    let refused = Browser::new().follow(&world.url("three.wild.test", "/")).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("Redirect URI Error"), "{}", refused.body);
}

/// No return target leads from one host to another.
#[tokio::test]
async fn a_return_target_stays_on_its_host() {
    let world = world().await;
    let browser = Browser::new();
    let other = world.url("two.wild.test", "/json");
    let start = format!("/outpost.goauthentik.io/start?rd={other}");
    let landed = browser.sign_in(&world.url("one.wild.test", &start), "alice").await;
    assert_eq!(landed.url.as_str(), world.url("one.wild.test", "/"));
}

#[tokio::test]
async fn exact_beats_wildcard_beats_domain() {
    let world = world().await;
    let start = |host: &str| {
        let url = world.url(host, "/");
        async move { Browser::new().send(Method::GET, &url, &[], None).await }
    };
    let client_of = |name: &str| world.core.provider(name).unwrap().client_id;
    for (host, app) in [("own.wild.test", "own"), ("any.wild.test", "wild")] {
        let sent = start(host).await;
        let sent = Browser::new().get(sent.header("location")).await;
        let id = format!("client_id={}&", client_of(app));
        assert!(sent.header("location").contains(&id), "{host}: {sent:?}");
    }
    // Two labels, or none: the domain's provider, which is not for this kind of question.
    for host in ["a.any.wild.test", "wild.test"] {
        assert_eq!(start(host).await.status, 500, "{host}");
    }
    let codes: Vec<_> = world
        .outpost
        .published
        .snapshot
        .load()
        .findings
        .iter()
        .map(|found| (found.provider.clone().expect("a provider").1, found.finding.code))
        .collect();
    for expected in [
        ("wild", "external_host_wildcard"),
        ("wild", "external_host_excepted"),
        ("domain", "cookie_domain_excepted"),
    ] {
        assert!(codes.iter().any(|(name, code)| (name.as_str(), *code) == expected), "{codes:?}");
    }
}
