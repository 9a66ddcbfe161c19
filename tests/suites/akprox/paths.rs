//! The old paths and headers, asked for directly.

use outpost_demo::core::{CoreOptions, ProviderSpec};
use outpost_tests::{Browser, World};
use reqwest::Method;

use crate::akprox::published::SWITCH;
use crate::ask;

async fn world() -> World {
    let world = World::with(CoreOptions::default(), &SWITCH).await;
    world.serve([world.proxy(), world.forward_single()]).await;
    world
}

/// `GET <target>` as a proxy of then sends it.
async fn asked(world: &World, target: &str, more: &[(&str, &str)]) -> ask::Verdict {
    let mut head = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:4180\r\n");
    for (name, value) in more {
        head += &format!("{name}: {value}\r\n");
    }
    ask::raw(world.http(), head.as_bytes()).await
}

#[tokio::test]
async fn the_old_ports_are_listened_on_as_well() {
    let world = world().await;
    let (http, https) = (&world.outpost.addresses.http, &world.outpost.addresses.https);
    assert_eq!((http.len(), https.len()), (2, 2), "{http:?} {https:?}");
    let ping = format!("http://{}/akprox/ping", http[1]);
    assert_eq!(Browser::new().get(&ping).await.status, 204);
}

#[tokio::test]
async fn old_and_new_paths_know_the_same_sessions() {
    let world = world().await;
    let host = format!("single.test:{}", world.port());
    let old = [("X-Forwarded-Host", host.as_str())];
    let refused = asked(&world, "/akprox/auth?nginx", &old).await;
    assert_eq!(refused.status, 401, "{refused:?}");
    assert!(refused.all("set-cookie").is_empty(), "the page is not known: {refused:?}");

    let cookie = ask::cookie(&world, "single.test", "alice").await;
    let with_cookie = [old[0], ("Cookie", cookie.as_str())];
    for target in ["/akprox/auth?nginx", "/akprox/auth?nginx&x=y"] {
        let verdict = asked(&world, target, &with_cookie).await;
        assert_eq!(verdict.status, 200, "{target}: {verdict:?}");
        assert_eq!(verdict.header("X-Auth-Username"), Some("alice"));
        assert_eq!(verdict.header("X-Forwarded-Email"), Some("alice@example.com"));
        assert_eq!(verdict.header("X-Forwarded-User"), verdict.header("X-authentik-uid"));
        assert_eq!(verdict.header("X-authentik-username"), Some("alice"), "today's beside them");
    }
    let uri =
        [with_cookie[0], with_cookie[1], ("X-Forwarded-Proto", "http"), ("X-Forwarded-Uri", "/x")];
    assert_eq!(asked(&world, "/akprox/auth?traefik", &uri).await.status, 200);
    let today = ask::ask(&world, "traefik", &world.url("single.test", "/x"), &uri[1..2]).await;
    assert_eq!(today.header("X-Auth-Username"), Some("alice"));
    for target in ["/akprox/auth", "/akprox/auth?caddy", "/akprox/nothing"] {
        assert_eq!(asked(&world, target, &with_cookie).await.status, 404, "{target}");
    }
}

/// What a client sends under an old name does not reach the application.
#[tokio::test]
async fn the_old_headers_are_ours_in_proxy_mode() {
    let world = world().await;
    let browser = Browser::new();
    let claimed = [
        ("X-Auth-Username", "mallory"),
        ("x_auth_username", "mallory"),
        ("X-Forwarded-User", "mallory"),
        ("X.Forwarded.Email", "mallory"),
        ("accept", "application/json"),
    ];
    let public = world.url("app.test", "/public/x");
    let public = browser.send(Method::GET, &public, &claimed, None).await;
    assert_eq!(public.status, 200, "{}", public.body);
    assert!(!public.body.contains("mallory"), "{}", public.body);

    let page = world.url("app.test", "/json");
    let start = world.url("app.test", "/akprox/start?rd=/json");
    let landed = browser.sign_in(&start, "alice").await;
    assert_eq!((landed.status.as_u16(), landed.url.as_str()), (200, page.as_str()));
    let answer = browser.send(Method::GET, &page, &claimed, None).await;
    assert!(!answer.body.contains("mallory"), "{}", answer.body);
    assert_eq!(answer.received("X-Auth-Username").as_deref(), Some("alice"));
}

/// A reverse proxy of then sends the outpost only what lies below `/akprox`, wherever the
/// application lies.
#[tokio::test]
async fn a_sign_out_of_an_application_below_a_path_arrives() {
    for prefix in ["/akprox", "/outpost.goauthentik.io"] {
        let world = World::with(CoreOptions::default(), &SWITCH).await;
        let at = |path: &str| world.url("host.test", path);
        world.serve([ProviderSpec::forward_single("a", &at("/a/"))]).await;
        let browser = Browser::new();
        browser.sign_in(&at(&format!("{prefix}/start?rd=/a/x")), "alice").await;
        assert_eq!(world.sessions().await, 1, "{prefix}");
        let sign_out = at(&format!("{prefix}/sign_out"));
        for browser in [browser, Browser::new()] {
            let out = browser.get(&sign_out).await;
            assert_eq!(out.status, 302, "{prefix}: {}", out.body);
            assert!(out.header("location").contains("/a/end-session/"), "{prefix}: {out:?}");
            assert_eq!(world.sessions().await, 0, "{prefix}");
        }
    }
}

/// In proxy mode the cookie stays below the application's path, and so does its sign-out.
#[tokio::test]
async fn the_old_sign_out_of_a_proxied_application_leads_to_where_the_cookie_is() {
    let world = World::with(CoreOptions::default(), &SWITCH).await;
    let at = |path: &str| world.url("host.test", path);
    world.serve([ProviderSpec::proxy("a", &at("/a/"), &world.app.url())]).await;
    let browser = Browser::new();
    browser.sign_in(&at("/a/x"), "alice").await;
    assert_eq!(world.sessions().await, 1);
    let out = browser.get(&at("/akprox/sign_out")).await;
    assert_eq!(out.header("location"), at("/a/outpost.goauthentik.io/sign_out"));
    let out = browser.get(out.header("location")).await;
    assert!(out.header("location").contains("/a/end-session/"), "{out:?}");
    assert_eq!(world.sessions().await, 0);
}

/// A link must not sign anybody out, nor lead elsewhere.
#[tokio::test]
async fn a_return_target_is_none_of_the_old_paths() {
    let world = world().await;
    for rd in [
        "/akprox/sign_out",
        "/akprox/start",
        "//evil.test/",
        "http://evil.test/akprox/callback?code=c",
    ] {
        let browser = Browser::new();
        let start = world.url("app.test", &format!("/akprox/start?rd={rd}"));
        let landed = browser.sign_in(&start, "alice").await;
        assert_eq!(landed.url.as_str(), world.url("app.test", "/"), "{rd}: {}", landed.body);
    }
}

/// Without the switch all of it is the application's.
#[tokio::test]
async fn nothing_of_it_is_there_unless_switched_on() {
    let world = World::start().await;
    world
        .serve([
            world.proxy(),
            world.forward_single(),
            ProviderSpec::proxy("b", &world.url("b.test", ""), &world.app.url()),
        ])
        .await;
    assert_eq!(world.outpost.addresses.http.len(), 1);
    let browser = Browser::new();
    let landed = browser.sign_in(&world.url("app.test", "/akprox/start"), "alice").await;
    assert!(landed.body.contains("/akprox/start"), "the application's page: {}", landed.body);
    let json = browser.get(&world.url("app.test", "/json")).await;
    assert_eq!(json.received("X-Auth-Username"), None);
    let host = format!("single.test:{}", world.port());
    let verdict = asked(&world, "/akprox/auth?nginx", &[("X-Forwarded-Host", &host)]).await;
    assert_eq!(verdict.status, 500, "a mode mismatch: {verdict:?}");
}
