//! Questions about the outpost's own paths, and callbacks and sign-outs inside forwarded URLs.

use outpost_tests::Browser;
use reqwest::Method;

use crate::ask::{DIALECTS, ask, cookie, signed_in, world};

/// nginx cannot pass our redirects on: it must let the browser through to us.
#[tokio::test]
async fn nginx_is_let_through_to_the_outposts_own_paths_as_nobody() {
    let world = world().await;
    for path in ["start?rd=/x", "callback?code=c&state=s", "sign_out", "ping", "static/a.css"] {
        let url = world.url("single.test", &format!("/outpost.goauthentik.io/{path}"));
        let verdict = ask(&world, "nginx", &url, &[]).await;
        assert_eq!(verdict.status, 200, "{path}: {verdict:?}");
        assert!(verdict.is_for_nobody(), "{path}: {verdict:?}");
    }
    for path in [
        "/outpost.goauthentik.io/../private",
        "/outpost.goauthentik.io/%2e%2e/private",
        "/outpost.goauthentik.io/..%2fprivate",
        "/outpost.goauthentik.io;/private",
        "/outpost.goauthentik.io%2fstart",
        "/outpost.goauthentik.iox/start",
        "//outpost.goauthentik.io/start",
        "/x/outpost.goauthentik.io/start",
        "/OUTPOST.goauthentik.io/start",
        "/outpost.goauthentik.io/auth/envoy/../../../private",
        "/outpost.goauthentik.io/auth/envoy/%2e%2e/private",
    ] {
        let verdict = ask(&world, "nginx", &world.url("single.test", path), &[]).await;
        assert_eq!(verdict.status, 401, "{path}: {verdict:?}");
    }
}

#[tokio::test]
async fn a_callback_inside_a_forwarded_url_finishes_the_sign_in() {
    let world = world().await;
    for dialect in ["traefik", "caddy", "envoy"] {
        let page = world.url("single.test", "/deep/page?a=1&b=%2F");
        let sent = ask(&world, dialect, &page, &[]).await;
        let authorize = sent.header("location").unwrap();
        let flow = sent.all("set-cookie")[0].split(';').next().unwrap().to_owned();
        let callback = world.core.sign_in(authorize, "alice").unwrap();

        let stranger = ask(&world, dialect, &callback, &[]).await;
        assert_eq!(stranger.status, 302, "{dialect}: another browser begins anew");
        assert!(stranger.header("location").unwrap().contains("/authorize/"), "{stranger:?}");

        let done = ask(&world, dialect, &callback, &[("Cookie", &flow)]).await;
        assert_eq!(done.status, 302, "{dialect}: {done:?}");
        assert_eq!(done.header("location"), Some(page.as_str()), "{dialect}");
        let session = done.all("set-cookie");
        let session = session.iter().find(|cookie| !cookie.contains("Max-Age=0")).unwrap();
        let session = session.split(';').next().unwrap();
        let verdict = ask(&world, dialect, &page, &[("Cookie", session)]).await;
        assert_eq!(verdict.header("X-authentik-username"), Some("alice"), "{dialect}");
    }
}

#[tokio::test]
async fn a_sign_out_inside_a_forwarded_url_ends_the_session() {
    let world = world().await;
    for host in ["single.test", "app.domain.test"] {
        for dialect in DIALECTS {
            let cookie = cookie(&world, host, "alice").await;
            let more = [("Cookie", cookie.as_str())];
            let url = world.url(host, "/anything?X-authentik-logout=true");
            let verdict = ask(&world, dialect, &url, &more).await;
            if dialect == "nginx" {
                assert_eq!(verdict.status, 401, "{host}: {verdict:?}");
            } else {
                assert_eq!(verdict.status, 302, "{dialect} {host}: {verdict:?}");
                let location = verdict.header("location").unwrap();
                assert!(location.contains("/end-session/?id_token_hint="), "{location}");
            }
            let after = ask(&world, dialect, &world.url(host, "/"), &more).await;
            assert!(matches!(after.status, 302 | 401), "{dialect} {host}: {after:?}");
            assert_eq!(world.sessions().await, 0, "{dialect} {host}");
        }
    }
}

/// Marker queries open nothing by themselves.
#[tokio::test]
async fn callback_and_logout_queries_never_let_anybody_through() {
    let world = world().await;
    for dialect in DIALECTS {
        for query in [
            "X-authentik-auth-callback=true",
            "X-authentik-auth-callback=true&code=forged&state=forged",
            "X-authentik-auth-callback=true?error=access_denied&state=x",
            "X-authentik-logout=true",
            "X-authentik-logout=TRUE&X-authentik-auth-callback=false",
        ] {
            let url = world.url("single.test", &format!("/private?{query}"));
            let verdict = ask(&world, dialect, &url, &[]).await;
            assert_ne!(verdict.status, 200, "{dialect} {query}: {verdict:?}");
        }
    }
}

/// nginx redirects to `/start` by itself, often without `rd`: the page is remembered (ak#4732).
#[tokio::test]
async fn nginx_remembers_the_page_and_no_background_request_overwrites_it() {
    let world = world().await;
    let page = world.url("single.test", "/page?a=1&b=%2F");
    let refused = ask(&world, "nginx", &page, &[]).await;
    let remembered = refused.all("set-cookie")[0].split(';').next().unwrap().to_owned();
    let icon = world.url("single.test", "/favicon.ico");
    let fetch = [("Sec-Fetch-Mode", "no-cors"), ("Cookie", remembered.as_str())];
    assert_eq!(ask(&world, "nginx", &icon, &fetch).await.all("set-cookie"), [""; 0]);

    let browser = Browser::new();
    let (name, value) = remembered.split_once('=').unwrap();
    browser.set_cookie("single.test", name, value);
    let start = world.url("single.test", "/outpost.goauthentik.io/start");
    let landed = browser.sign_in(&start, "alice").await;
    assert_eq!(landed.url.as_str(), page);
}

/// nginx cannot escape an address for `rd`, but it can name it in a header.
#[tokio::test]
async fn a_proxy_that_hands_a_request_on_to_the_start_path_names_the_page_in_a_header() {
    let world = world().await;
    let start = world.url("single.test", "/outpost.goauthentik.io/start");
    let page = world.url("single.test", "/page?a=1&b=%2F&c=x%26y");
    let elsewhere = world.url("evil.test", "/page");
    for (told, arrives) in [
        (page.as_str(), page.clone()),
        (&world.url("single.test", "/seite?n=\u{e4}"), world.url("single.test", "/seite?n=%C3%A4")),
        (&elsewhere, world.url("single.test", "/")),
        (&start, world.url("single.test", "/")),
    ] {
        let browser = Browser::new();
        let header = [("X-Original-URL", told)];
        let begun = browser.send(Method::GET, &start, &header, None).await;
        let landed = browser.sign_in(begun.header("location"), "alice").await;
        assert_eq!(landed.url.as_str(), arrives, "{told}");
    }
    for (name, value) in [("X-Requested-With", "XMLHttpRequest"), ("Accept", "application/json")] {
        let script = [("X-Original-URL", page.as_str()), (name, value)];
        let refused = Browser::new().send(Method::GET, &start, &script, None).await;
        assert_eq!(refused.status, 401, "{name}: {}", refused.body);
    }
}

#[tokio::test]
async fn signing_out_anywhere_signs_out_of_every_application() {
    let world = world().await;
    let browser = Browser::new();
    let single = signed_in(&world, &browser, "single.test", "alice").await;
    let domain = signed_in(&world, &browser, "auth.domain.test", "alice").await;
    let out = browser.get(&world.url("single.test", "/outpost.goauthentik.io/sign_out")).await;
    assert_eq!(out.status, 302);
    for (host, cookie) in [("single.test", single), ("b.domain.test", domain)] {
        let verdict = ask(&world, "traefik", &world.url(host, "/"), &[("Cookie", &cookie)]).await;
        assert_eq!(verdict.status, 302, "{host}: {verdict:?}");
    }
}
