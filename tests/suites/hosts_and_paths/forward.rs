//! Forward auth for several applications on one host, in every dialect.

use outpost_demo::core::ProviderSpec;
use outpost_tests::{Browser, World};

use crate::ask::{DIALECTS, ask};

/// Signs a browser in as the reverse proxy's prefix at the root lets it: the return target says
/// for which application.
async fn signed_in(world: &World, page: &str) -> Browser {
    let browser = Browser::new();
    let start = format!("/outpost.goauthentik.io/start?rd={page}");
    browser.sign_in(&world.url("host.test", &start), "alice").await;
    browser
}

#[tokio::test]
async fn each_application_below_its_path_has_sessions_of_its_own() {
    // With a final slash core calls back below the path, without at the root of the host: there
    // the state says whose sign-in it is.
    for slash in ["/", ""] {
        let world = World::start().await;
        let at = |path: &str| world.url("host.test", path);
        world
            .serve([
                ProviderSpec::forward_single("a", &at(&format!("/a{slash}"))),
                ProviderSpec::forward_single("b", &at(&format!("/b{slash}"))),
            ])
            .await;
        for (own, other) in [("/a", "/b"), ("/b", "/a")] {
            let browser = signed_in(&world, &format!("{own}/page")).await;
            let cookie = browser.cookie_header(&at(&format!("{own}/x")).parse().unwrap()).unwrap();
            for dialect in DIALECTS {
                let more = [("Cookie", cookie.as_str())];
                let about = format!("{dialect} {own}{slash}");
                let asked = ask(&world, dialect, &at(&format!("{own}/x")), &more).await;
                assert_eq!(asked.status, 200, "{about}: {asked:?}");
                assert_eq!(asked.header("X-authentik-meta-app"), Some(&own[1..]), "{about}");
                let asked = ask(&world, dialect, &at(&format!("{other}/x")), &more).await;
                assert!(matches!(asked.status, 302 | 401), "{about}: {asked:?}");
                for path in [format!("{own}/..%2f{}/x", &other[1..]), format!("{own}/../b/x")] {
                    let asked = ask(&world, dialect, &at(&path), &more).await;
                    let fits = asked.status == 400 || path == "/b/../b/x";
                    assert!(fits, "{about} {path}: {asked:?}");
                }
                let asked = ask(&world, dialect, &at(&format!("{own}x/y")), &more).await;
                assert_eq!(asked.status, 404, "{about}: {asked:?}");
            }
            let out = browser.get(&at(&format!("{own}/outpost.goauthentik.io/sign_out"))).await;
            assert_eq!(out.status, 302, "{}", out.body);
            assert_eq!(world.sessions().await, 0, "{own}{slash}");
        }
    }
}

/// What a sign-in leads to is the page that was asked for, below the path.
#[tokio::test]
async fn the_sign_in_leads_back_to_the_page_below_the_path() {
    let world = World::start().await;
    let at = |path: &str| world.url("host.test", path);
    world.serve([ProviderSpec::forward_single("a", &at("/a/"))]).await;
    for dialect in ["traefik", "caddy", "envoy"] {
        let page = at("/a/page?x=1");
        let sent = ask(&world, dialect, &page, &[]).await;
        assert_eq!(sent.status, 302, "{dialect}: {sent:?}");
        let flow = sent.all("set-cookie")[0].to_owned();
        assert!(flow.contains("Path=/a/outpost.goauthentik.io"), "{flow}");
        let callback = world.core.sign_in(sent.header("location").unwrap(), "alice").unwrap();
        assert!(callback.starts_with(&at("/a/outpost.goauthentik.io/callback")), "{callback}");
        let cookie = flow.split(';').next().unwrap();
        let done =
            Browser::new().send(reqwest::Method::GET, &callback, &[("cookie", cookie)], None).await;
        assert_eq!(done.header("location"), page, "{dialect}");
    }
}

/// Only what nginx is told to send us is let through as ours: the rest of it would reach the
/// application.
#[tokio::test]
async fn our_prefix_elsewhere_is_the_applications() {
    let world = World::start().await;
    // Without a final slash: core calls back at the root, and nginx sends us that prefix alone.
    world.serve([ProviderSpec::forward_single("a", &world.url("host.test", "/a"))]).await;
    for (path, ours) in [
        ("/outpost.goauthentik.io/start", true),
        ("/a/outpost.goauthentik.io/anything", false),
        ("/a/outpost.goauthentik.io/static/x", false),
        ("/a/akprox/start", false),
    ] {
        let verdict = ask(&world, "nginx", &world.url("host.test", path), &[]).await;
        assert_eq!(verdict.status == 200, ours, "{path}: {verdict:?}");
    }
    for dialect in ["traefik", "caddy", "envoy"] {
        let url = world.url("host.test", "/outpost.goauthentik.io/static/x");
        let verdict = ask(&world, dialect, &url, &[]).await;
        assert_ne!(verdict.status, 200, "{dialect}: {verdict:?}");
    }
}
