//! Whose word on the original URL counts.

use std::time::Duration;

use outpost_demo::core::{CoreOptions, ProviderSpec};
use outpost_tests::World;

use crate::ask::{DIALECTS, ask, cookie, head, raw, world};

/// CVE-2023-36456, CVE-2024-47070: forwarding headers of a stranger mean nothing.
#[tokio::test]
async fn an_untrusted_peer_cannot_say_what_was_asked() {
    let nobody = [("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "192.0.2.0/24")];
    let world = World::with(CoreOptions::default(), &nobody).await;
    world.serve([world.forward_single(), world.forward_domain()]).await;
    let cookie = cookie(&world, "single.test", "alice").await;
    for dialect in ["nginx", "traefik", "caddy"] {
        for path in ["/", "/public/", "/outpost.goauthentik.io/start"] {
            for more in [&[][..], &[("Cookie", cookie.as_str())]] {
                let verdict = ask(&world, dialect, &world.url("single.test", path), more).await;
                assert_eq!(verdict.status, 500, "{dialect} {path}: {verdict:?}");
                assert!(verdict.body.contains("TRUSTED_PROXY_CIDRS"), "the remedy is named");
            }
        }
    }
    // Envoy's question is the request itself; a claimed host beside it is not looked at.
    for spoof in ["X-Forwarded-Host", "X-Forwarded-Uri", "X-Original-URL", "X-Forwarded-For"] {
        let value = world.url("app.domain.test", "/public/");
        let more = [(spoof, value.as_str())];
        let verdict = ask(&world, "envoy", &world.url("single.test", "/"), &more).await;
        assert_eq!(verdict.status, 302, "{spoof}: {verdict:?}");
    }
}

#[tokio::test]
async fn a_question_without_its_headers_is_a_configuration_error_that_core_is_told_of() {
    let world = world().await;
    for dialect in ["nginx", "traefik", "caddy"] {
        let head = format!(
            "GET /outpost.goauthentik.io/auth/{dialect} HTTP/1.1\r\nHost: single.test\r\n\
             X-Forwarded-For: 203.0.113.7\r\nAccept: application/json\r\n"
        );
        // The same one many times is told once.
        for _ in 0..5 {
            let verdict = raw(world.http(), head.as_bytes()).await;
            assert_eq!(verdict.status, 500, "{dialect}: {verdict:?}");
            assert_eq!(verdict.json()["error"], "headers_missing");
        }
    }
    let events = || world.core.observe(|observed| observed.events.clone());
    let told = async {
        while events().is_empty() {
            tokio::task::yield_now().await;
        }
        events()
    };
    let events = tokio::time::timeout(Duration::from_secs(20), told).await.unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["action"], "configuration_error");
    assert_eq!(events[0]["app"], "authentik.providers.proxy");
    assert_eq!(events[0]["client_ip"], "203.0.113.7", "bare, without a port");
    assert_eq!(events[0]["context"]["host"], "single.test");
}

/// CVE-2026-40575, CVE-2026-35051: no header that tells the original URL may be there twice.
#[tokio::test]
async fn a_header_that_is_there_twice_is_refused() {
    let world = world().await;
    let url = world.url("single.test", "/public/");
    let host = format!("single.test:{}", world.port());
    for (dialect, name, value) in [
        ("nginx", "X-Original-URL", url.as_str()),
        ("traefik", "X-Forwarded-Uri", "/public/"),
        ("traefik", "X-Forwarded-Host", &host),
        ("traefik", "X-Forwarded-Proto", "http"),
        ("traefik", "X-Forwarded-Method", "GET"),
        ("caddy", "X-Forwarded-Uri", "/public/"),
        ("caddy", "X-Forwarded-Host", &host),
        ("caddy", "X-Forwarded-Proto", "http"),
    ] {
        for name in [name.to_owned(), name.to_lowercase()] {
            let verdict = ask(&world, dialect, &url, &[(&name, value)]).await;
            assert_eq!(verdict.status, 400, "{dialect} {name}: {verdict:?}");
            assert!(verdict.body.contains("header_repeated"), "{dialect} {name}: {verdict:?}");
        }
    }
    assert_eq!(ask(&world, "traefik", &url, &[]).await.status, 200, "once is fine");
}

/// CVE-2026-39858: a name that only some program takes for a forwarding header is nothing to us.
#[tokio::test]
async fn aliases_of_forwarding_headers_mean_nothing() {
    let world = world().await;
    for dialect in DIALECTS {
        for (name, value) in [
            ("X_Forwarded_Uri", "/public/"),
            ("X_Original_URI", "/public/"),
            ("X.Original.URL", "/public/"),
            ("X-Forwarded-Path", "/public/"),
            ("X-Forwarded-Prefix", "/public"),
            ("X-Forwarded-Port", "80"),
            ("X-Rewrite-URL", "/public/"),
            ("X-Http-Method-Override", "OPTIONS"),
            ("Forwarded", "host=x;proto=https"),
            ("X-Forwarded-For", "not an address, 127.0.0.1:99999,,"),
        ] {
            let url = world.url("single.test", "/private");
            let verdict = ask(&world, dialect, &url, &[(name, value)]).await;
            assert!(matches!(verdict.status, 302 | 401), "{dialect} {name}: {verdict:?}");
        }
    }
}

/// Beside the proxy's own header a client's may name nothing else: no path, and no host.
#[tokio::test]
async fn nginx_headers_that_disagree_are_refused_signed_in_or_not() {
    let world = world().await;
    world.serve([ProviderSpec::forward_single("other", &world.url("other.test", ""))]).await;
    let signed_in = cookie(&world, "single.test", "alice").await;
    let at = |host: &str, path: &str| world.url(host, path);
    for (host, url, uri) in [
        // The proxy sets the URL, the client adds a URI.
        ("single.test", at("single.test", "/private"), "/outpost.goauthentik.io/"),
        ("single.test", at("single.test", "/private"), "/public/"),
        ("single.test", at("single.test", "/private"), "/private?"),
        ("single.test", at("single.test", "/private"), "private"),
        // The proxy of other.test sets the URI, the client adds a URL.
        ("other.test", at("other.test", "/outpost.goauthentik.io/"), "/private"),
        ("other.test", at("single.test", "/private"), "/private"),
        ("other.test", "http://single.test/private".to_owned(), "/private"),
        ("other.test", at("single.test", "/public/"), "/public/"),
        ("other.test", at("app.domain.test", "/public/"), "/public/"),
    ] {
        for cookie in [None, Some(signed_in.as_str())] {
            let mut more = vec![("X-Original-URI", uri)];
            more.extend(cookie.map(|cookie| ("Cookie", cookie)));
            let head = question(host, &[("X-Original-URL", &url)], &more);
            let verdict = raw(world.http(), &head).await;
            assert_eq!(verdict.status, 400, "{host} {url} {uri}: {verdict:?}");
        }
    }
    let both = [("X-Original-URI", "/a?b"), ("Cookie", signed_in.as_str())];
    let url = at("single.test", "/a?b");
    for host in ["single.test", &format!("single.test:{}", world.port())] {
        let head = question(host, &[("X-Original-URL", &url)], &both);
        assert_eq!(raw(world.http(), &head).await.status, 200, "{host}: both say the same");
    }
}

/// An nginx that sets path and query alone passes the client's `X-Forwarded-Host` on.
#[tokio::test]
async fn who_may_use_one_application_cannot_name_it_at_anothers_proxy() {
    let world = world().await;
    world.serve([ProviderSpec::forward_single("other", &world.url("other.test", ""))]).await;
    let signed_in = cookie(&world, "single.test", "alice").await;
    let single = format!("single.test:{}", world.port());
    let domain = format!("app.domain.test:{}", world.port());
    let other = format!("other.test:{}", world.port());
    let ask = async |host: &str, named: Option<&str>, uri: &str| {
        let mut more = vec![("X-Original-URI", uri), ("Cookie", signed_in.as_str())];
        more.extend(named.map(|host| ("X-Forwarded-Host", host)));
        raw(world.http(), &question(host, &[], &more)).await.status
    };
    assert_eq!(ask(&single, None, "/private").await, 200);
    assert_eq!(ask("single.test", Some(&single), "/private").await, 200);
    assert_eq!(ask("outpost.internal:9000", Some(&single), "/private").await, 200);
    for host in [other.as_str(), "other.test"] {
        assert_eq!(ask(host, None, "/private").await, 401);
        assert_eq!(ask(host, Some(&single), "/private").await, 400);
        assert_eq!(ask(host, Some(&domain), "/public/").await, 400);
    }
    // One provider, two of its hosts: skip paths may be about one of them.
    assert_eq!(ask("intranet.domain.test", Some(&domain), "/public/").await, 400);
}

#[tokio::test]
async fn what_no_request_line_can_hold_is_refused_in_headers() {
    let world = world().await;
    let signed_in = cookie(&world, "single.test", "alice").await;
    let origin = world.url("single.test", "");
    for path in
        ["/public/#/../private", "/public/\\..\\private", "/a b", "/public/\tx", "/é\u{0085}"]
    {
        for dialect in ["nginx", "traefik", "caddy"] {
            for more in [&[][..], &[("Cookie", signed_in.as_str())]] {
                let verdict = ask(&world, dialect, &format!("{origin}{path}"), more).await;
                assert_eq!(verdict.status, 400, "{dialect} {path:?}: {verdict:?}");
            }
        }
    }
    // NUL, CR and LF end in the parser already.
    for bytes in ["\0", "\r", "\rx: y"] {
        for dialect in DIALECTS {
            let head = head(dialect, &format!("{origin}/public/{bytes}"), &[]);
            let verdict = raw(world.http(), &head).await;
            assert_eq!(verdict.status, 400, "{dialect} {bytes:?}: {verdict:?}");
        }
    }
}

/// nginx' question under `host`, with these headers only.
fn question(host: &str, first: &[(&str, &str)], more: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("GET /outpost.goauthentik.io/auth/nginx HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in first.iter().chain(more) {
        text += &format!("{name}: {value}\r\n");
    }
    text.into_bytes()
}
