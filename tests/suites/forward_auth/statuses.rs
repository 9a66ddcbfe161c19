//! Who gets which status with which headers.

use outpost_demo::core::ProviderSpec;
use outpost_tests::Browser;

use crate::ask::{DIALECTS, IDENTITY, ask, cookie, raw, world};

const MODES: [&str; 2] = ["single.test", "app.domain.test"];

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_sign_in_and_nginx_told_401() {
    let world = world().await;
    for host in MODES {
        for dialect in DIALECTS {
            let url = world.url(host, "/page?a=1&b=%2F");
            let verdict = ask(&world, dialect, &url, &[]).await;
            let about = format!("{dialect} {host}: {verdict:?}");
            if dialect == "nginx" {
                assert_eq!(verdict.status, 401, "{about}");
                assert_eq!(verdict.header("location"), None, "{about}");
            } else {
                assert_eq!(verdict.status, 302, "{about}");
                let location = verdict.header("location").unwrap();
                assert!(location.starts_with(&world.core.url()), "{about}");
                assert!(location.contains("/application/o/authorize/?"), "{about}");
                assert!(location.contains("code_challenge_method=S256"), "{about}");
            }
            assert_eq!(verdict.header("cache-control"), Some("no-store"), "{about}");
            for name in IDENTITY {
                assert_eq!(verdict.header(name), None, "{name}: {about}");
            }
        }
    }
    assert_eq!(world.sessions().await, 0, "anonymous traffic writes nothing");
}

#[tokio::test]
async fn whoever_is_signed_in_is_let_through_with_the_whole_identity() {
    let world = world().await;
    for host in MODES {
        let cookie = cookie(&world, host, "alice").await;
        for dialect in DIALECTS {
            let more = [("Cookie", cookie.as_str()), ("User-Agent", "Test/1.0 (X; y)")];
            let verdict = ask(&world, dialect, &world.url(host, "/page"), &more).await;
            assert_eq!(verdict.status, 200, "{dialect} {host}: {verdict:?}");
            let slug = if host == "single.test" { "single" } else { "domain" };
            for (name, value) in [
                ("username", "alice"),
                ("groups", "admins|staff"),
                ("entitlements", ""),
                ("email", "alice@example.com"),
                ("name", "Alice Änderson"),
                ("meta-outpost", "outpost"),
                ("meta-provider", slug),
                ("meta-app", slug),
            ] {
                let name = format!("X-authentik-{name}");
                assert_eq!(verdict.header(&name), Some(value), "{dialect} {host} {name}");
            }
            assert_eq!(verdict.header("X-authentik-jwt").unwrap().split('.').count(), 3);
            assert_eq!(verdict.header("X-authentik-uid").unwrap().len(), 64);
            assert!(verdict.header("X-authentik-meta-jwks").unwrap().ends_with("/jwks/"));
            let version = verdict.header("X-authentik-meta-version").unwrap();
            assert!(version.starts_with("goauthentik.io/outpost/"), "{version}");
            assert_eq!(verdict.header("User-Agent"), Some("Test/1.0 (X; y)"), "echoed");
            assert_eq!(verdict.header("cache-control"), Some("no-store"));
        }
    }
}

/// GHSA-x677-9fxg-v5c5 and its kin: a proxy that copies the answer's headers overwrites what the
/// client sent, on public paths as well.
#[tokio::test]
async fn public_paths_answer_with_the_full_set_of_empty_headers() {
    let world = world().await;
    for host in MODES {
        for dialect in DIALECTS {
            let spoof = [("X-authentik-username", "alice"), ("x_authentik_groups", "admins")];
            let verdict = ask(&world, dialect, &world.url(host, "/public/a"), &spoof).await;
            assert_eq!(verdict.status, 200, "{dialect} {host}: {verdict:?}");
            assert!(verdict.is_for_nobody(), "{dialect} {host}: {verdict:?}");
        }
    }
}

/// Contract 7, better: 401 with JSON where a redirect cannot be followed (ak#10057, o2p#1522).
#[tokio::test]
async fn scripts_are_told_401_in_json_and_navigations_are_not() {
    let world = world().await;
    let scripts: [&[(&str, &str)]; 5] = [
        &[("X-Requested-With", "XMLHttpRequest")],
        &[("Sec-Fetch-Mode", "cors")],
        &[("Accept", "application/json")],
        &[("Accept", "text/event-stream")],
        &[("Connection", "upgrade"), ("Upgrade", "websocket")],
    ];
    for dialect in DIALECTS {
        let url = world.url("single.test", "/api");
        for headers in scripts {
            let verdict = ask(&world, dialect, &url, headers).await;
            assert_eq!(verdict.status, 401, "{dialect} {headers:?}: {verdict:?}");
            assert!(verdict.header("www-authenticate").is_some(), "{dialect} {headers:?}");
            assert_eq!(verdict.json()["error"], "not_signed_in_script");
            assert_eq!(verdict.all("set-cookie"), [""; 0], "a script begins no sign-in");
        }
        let page = [("Sec-Fetch-Mode", "navigate"), ("Accept", "text/html,application/json")];
        let verdict = ask(&world, dialect, &url, &page).await;
        assert_eq!(verdict.status, if dialect == "nginx" { 401 } else { 302 });
        assert!(!verdict.all("set-cookie").is_empty(), "{dialect}: {verdict:?}");
    }
}

/// A method that the proxy reports makes a script, whatever the check's own method is.
#[tokio::test]
async fn the_original_method_counts() {
    let world = world().await;
    let port = world.port();
    let head = format!(
        "GET /outpost.goauthentik.io/auth/traefik HTTP/1.1\r\nHost: single.test\r\n\
         X-Forwarded-Proto: http\r\nX-Forwarded-Host: single.test:{port}\r\n\
         X-Forwarded-Uri: /\r\nX-Forwarded-Method: POST\r\n"
    );
    assert_eq!(raw(world.http(), head.as_bytes()).await.status, 401);
    let url = world.url("single.test", "/");
    let verdict = ask(&world, "nginx", &url, &[("X-Original-Method", "DELETE")]).await;
    assert_eq!(verdict.json()["error"], "not_signed_in_script");
}

/// CVE-2026-34457: what a health checker is called opens nothing.
#[tokio::test]
async fn a_health_checkers_name_opens_nothing() {
    let world = world().await;
    for agent in [
        "kube-probe/1.30",
        "GoogleHC/1.0",
        "ELB-HealthChecker/2.0",
        "Go-http-client/1.1",
        "goauthentik.io/outpost/2025.10.0",
    ] {
        for dialect in DIALECTS {
            let url = world.url("single.test", "/");
            let verdict = ask(&world, dialect, &url, &[("User-Agent", agent)]).await;
            assert!(matches!(verdict.status, 302 | 401), "{dialect} {agent}: {verdict:?}");
        }
    }
}

/// A session counts at the application it was begun at.
#[tokio::test]
async fn one_applications_cookie_is_nothing_at_another() {
    let world = world().await;
    let other = ProviderSpec::forward_single("other", &world.url("other.test", ""));
    world.serve([other]).await;
    let browser = Browser::new();
    crate::ask::signed_in(&world, &browser, "single.test", "alice").await;
    let names = browser.cookie_names();
    let name = names.iter().find(|name| name.starts_with("authentik_proxy_")).unwrap();
    let value = browser.cookie(name).unwrap();
    let foreign = cookie(&world, "other.test", "bob").await;
    let own_name = foreign.split_once('=').unwrap().0;
    for dialect in DIALECTS {
        let url = world.url("other.test", "/");
        for sent in [format!("{name}={value}"), format!("{own_name}={value}")] {
            let verdict = ask(&world, dialect, &url, &[("Cookie", &sent)]).await;
            assert!(matches!(verdict.status, 302 | 401), "{dialect} {sent}: {verdict:?}");
        }
        // Beside a good cookie, a stolen one neither helps nor harms.
        let both = format!("{own_name}={value}; {foreign}");
        let verdict = ask(&world, dialect, &url, &[("Cookie", &both)]).await;
        assert_eq!(verdict.header("X-authentik-username"), Some("bob"), "{dialect}");
    }
}

#[tokio::test]
async fn a_host_is_the_same_in_any_case_and_with_or_without_its_default_port() {
    let world = outpost_tests::World::start().await;
    world
        .serve([
            ProviderSpec::forward_single("tls", "https://tls.test").skip("^/public/"),
            ProviderSpec::forward_single("plain", "http://plain.test").skip("^/public/"),
        ])
        .await;
    for dialect in ["nginx", "traefik", "caddy"] {
        for (url, app) in [
            ("https://tls.test/public/", "tls"),
            ("https://TLS.Test/public/", "tls"),
            ("https://tls.test:443/public/", "tls"),
            ("https://tls.test./public/", "tls"),
            ("http://plain.test:80/public/", "plain"),
            ("http://PLAIN.test/public/", "plain"),
            // A TLS-ending proxy that says http, and a mapped port: still the same application.
            ("http://tls.test/public/", "tls"),
            ("https://tls.test:9443/public/", "tls"),
        ] {
            let verdict = ask(&world, dialect, url, &[]).await;
            assert_eq!(verdict.status, 200, "{dialect} {url} ({app}): {verdict:?}");
        }
        let verdict = ask(&world, dialect, "https://nobody.test/public/", &[]).await;
        assert_eq!(verdict.status, 400, "{dialect}");
        assert_eq!(verdict.json()["message"], "no app for hostname");
        assert_eq!(verdict.json()["host"], "nobody.test");
    }
}
