//! What people and scripts do all day.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use outpost_tests::Browser;
use outpost_tests::proxies::Kind;
use reqwest::Method;

use crate::proxies::front::Front;

pub(crate) async fn the_main_road(kind: Kind) {
    let front = Front::of(kind).await;
    for host in front.hosts() {
        let page = front.url(host, "/json?a=1&b=%2F&c=x%26y");
        let browser = Browser::new();
        let landed = browser.sign_in(&page, "alice").await;
        assert_eq!(landed.status, 200, "{kind:?} {host}: {}", landed.body);
        assert_eq!(landed.url.as_str(), page, "{kind:?}: the same page, query included");
        assert_eq!(landed.json()["target"], "/json?a=1&b=%2F&c=x%26y");
        assert_eq!(landed.received("X-authentik-groups").as_deref(), Some("admins|staff"));
        let told = format!("{host}:{}", front.proxy.at.port());
        assert_eq!(landed.received("Host").as_deref(), Some(told.as_str()), "{kind:?}");
        assert_eq!(landed.received("X-Forwarded-Host").as_deref(), Some(told.as_str()), "{kind:?}");
        assert_eq!(landed.received("X-Forwarded-Proto").as_deref(), Some("http"), "{kind:?}");
        // Envoy names its own address in place of a client's on the same machine.
        let from = landed.received("X-Forwarded-For").unwrap();
        assert!(from == "127.0.0.1" || kind == Kind::Envoy, "{kind:?}: {from}");

        let out = front.url(host, "/outpost.goauthentik.io/sign_out");
        let out = browser.get(&out).await;
        assert_eq!(out.status, 302, "{kind:?} {host}: {}", out.body);
        assert!(out.header("location").contains("/end-session/?id_token_hint="));
        assert_eq!(browser.get(&page).await.status, 302, "{kind:?} {host}: signed out");
        assert_eq!(front.world.sessions().await, 0);
    }
    assert_eq!(front.proxy.complaints(), [""; 0], "{kind:?}");
}

pub(crate) async fn public_paths_are_public_and_nobodys(kind: Kind) {
    let front = Front::of(kind).await;
    for host in front.hosts() {
        let page = front.url(host, "/public/x");
        let browser = Browser::new();
        let plain = browser.get(&page).await;
        assert_eq!(plain.status, 200, "{kind:?} {host}: {}", plain.body);
        let spoofed = front.spoofed(&browser, &page).await;
        assert_eq!(spoofed.status, 200, "{kind:?} {host}: {}", spoofed.body);
        assert!(!spoofed.body.contains("mallory"), "{kind:?} {host}: {}", spoofed.body);
        assert!(spoofed.json()["user"].is_null(), "{kind:?} {host}: {}", spoofed.body);
    }
}

pub(crate) async fn scripts_are_told_401(kind: Kind) {
    let front = Front::of(kind).await;
    for host in front.hosts() {
        let api = front.url(host, "/api");
        for (method, name, value) in [
            (Method::GET, "x-requested-with", "XMLHttpRequest"),
            (Method::GET, "accept", "application/json"),
            (Method::GET, "sec-fetch-mode", "cors"),
            (Method::POST, "content-type", "text/plain"),
            (Method::DELETE, "accept", "*/*"),
        ] {
            let answer = Browser::new().send(method.clone(), &api, &[(name, value)], None).await;
            assert_eq!(answer.status, 401, "{kind:?} {method} {name}: {}", answer.body);
            assert_eq!(answer.json()["error"], "not_signed_in_script", "{kind:?} {method} {name}");
            assert!(!answer.header("www-authenticate").is_empty(), "{kind:?} {method} {name}");
        }
    }
}

/// ak#17033, ak#12008: several tabs sign in at once, and each lands on its own page.
pub(crate) async fn parallel_tabs_all_arrive(kind: Kind) {
    let front = Front::of(kind).await;
    for host in front.hosts() {
        let browser = Browser::new();
        let tabs = ["/json?tab=1", "/json?tab=2", "/json?tab=3"];
        let mut sent = Vec::new();
        for path in tabs {
            sent.push(browser.follow(&front.url(host, path)).await.url);
        }
        for (path, authorize) in tabs.iter().zip(sent).rev() {
            let callback = front.world.core.sign_in(authorize.as_str(), "bob").unwrap();
            let landed = browser.follow(&callback).await;
            assert_eq!(landed.status, 200, "{kind:?} {path}: {}", landed.body);
            assert_eq!(landed.json()["target"], *path, "{kind:?}");
            assert_eq!(landed.received("X-authentik-username").as_deref(), Some("bob"));
        }
    }
}

/// The outpost's cookies reach whom it lets through, beside the application's own.
pub(crate) async fn machines_that_sign_in_with_a_header_get_a_cookie(kind: Kind) {
    let front = Front::of(kind).await;
    let page = front.url("single.test", "/json");
    let machine = Browser::new();
    let basic = format!("Basic {}", STANDARD.encode("bob:bob-app-password"));
    let answer = machine.send(Method::GET, &page, &[("authorization", &basic)], None).await;
    assert_eq!(answer.status, 200, "{kind:?}: {}", answer.body);
    assert_eq!(answer.received("X-authentik-username").as_deref(), Some("bob"), "{kind:?}");
    let again = machine.get(&page).await;
    assert_eq!(again.status, 200, "{kind:?}: the cookie is enough: {}", again.body);

    let wrong = format!("Basic {}", STANDARD.encode("bob:wrong"));
    let headers = [("authorization", wrong.as_str()), ("accept", "application/json")];
    let answer = Browser::new().send(Method::GET, &page, &headers, None).await;
    assert_eq!(answer.status, 401, "{kind:?}: {}", answer.body);
}
