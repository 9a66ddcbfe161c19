//! Which application is asked, under which name, and over what.

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_tests::{Browser, Capture, World};
use serde_json::json;

use crate::proxy_mode::support::{browser_of, raw, signed_in, status};

#[tokio::test]
async fn the_application_is_told_what_the_client_asked_for() {
    let (world, browser) = signed_in("alice").await;
    let page = browser.get(&world.url("app.test", "/json?q=%2F%20&x=a+b;c")).await;
    let host = format!("app.test:{}", world.port());
    assert_eq!(page.json()["target"], "/json?q=%2F%20&x=a+b;c");
    assert_eq!(page.json()["version"], "HTTP/1.1");
    assert_eq!(page.received("host").as_ref(), Some(&host));
    assert_eq!(page.received("x-forwarded-host").as_ref(), Some(&host));
    assert_eq!(page.received("x-forwarded-proto").as_deref(), Some("http"));
    assert_eq!(page.received("x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(page.header("x-powered-by"), "goauthentik.io");
}

/// CVE-2023-36456: what an untrusted peer says about itself is not passed on.
#[tokio::test]
async fn forwarding_headers_count_from_trusted_proxies_only() {
    let sent = [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "443"),
        ("x-real-ip", "203.0.113.7"),
        ("x_forwarded_for", "203.0.113.8"),
        ("accept", "application/json"),
    ];
    let trusting = World::start().await;
    trusting.serve([trusting.proxy()]).await;
    let url = trusting.url("app.test", "/public/x");
    let page = Browser::new().send(reqwest::Method::GET, &url, &sent, None).await;
    assert_eq!(page.received("x-forwarded-for").as_deref(), Some("203.0.113.7, 127.0.0.1"));
    assert_eq!(page.received("x-forwarded-proto").as_deref(), Some("https"));
    assert_eq!(page.received("x-real-ip").as_deref(), Some("203.0.113.7"));
    assert_eq!(page.received("x_forwarded_for"), None);

    let cidrs = [("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", "192.0.2.0/24")];
    let wary = World::with(CoreOptions::default(), &cidrs).await;
    wary.serve([wary.proxy()]).await;
    let url = wary.url("app.test", "/public/x");
    let page = Browser::new().send(reqwest::Method::GET, &url, &sent, None).await;
    assert_eq!(page.received("x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(page.received("x-forwarded-proto").as_deref(), Some("http"));
    for name in ["x-forwarded-port", "x-real-ip", "x_forwarded_for"] {
        assert_eq!(page.received(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_mapping_sends_a_user_to_another_application_under_another_host() {
    let world = World::start().await;
    let other = Capture::start().await;
    let claims =
        json!({"ak_proxy": {"backend_override": other.url(), "host_header": "inner.test:8443"}});
    world.serve([world.proxy().scope_mapping("elsewhere", claims)]).await;
    let browser = browser_of(&world, "alice").await;
    other.take();
    let page = browser.get(&world.url("app.test", "/where?a=1")).await;
    assert_eq!(page.body, "captured");
    let seen = other.take().remove(0);
    assert!(seen.starts_with("GET /where?a=1 HTTP/1.1\r\n"), "{seen}");
    assert_eq!(seen.to_ascii_lowercase().matches("\r\nhost:").count(), 1, "{seen}");
    assert!(seen.contains("\r\nHost: inner.test:8443\r\n"), "{seen}");
    assert!(
        seen.contains(&format!("\r\nX-Forwarded-Host: app.test:{}\r\n", world.port())),
        "{seen}"
    );

    // Nobody has no claims: the provider's own application answers.
    let page = Browser::new().get(&world.url("app.test", "/public/x")).await;
    assert!(page.body.contains("A page for everybody"), "{}", page.body);
}

#[tokio::test]
async fn an_override_that_is_no_url_is_a_502_and_not_another_application() {
    let world = World::start().await;
    let claims = json!({"ak_proxy": {"backend_override": "file:///etc/passwd"}});
    world.serve([world.proxy().scope_mapping("elsewhere", claims)]).await;
    let page = Browser::new().sign_in(&world.url("app.test", "/json"), "bob").await;
    assert_eq!(page.status, 502);
    assert!(!page.body.contains("passwd"), "{}", page.body);
}

/// ak#25410: header names go out the way devices know them.
#[tokio::test]
async fn header_names_arrive_in_their_customary_case() {
    let world = World::start().await;
    let capture = Capture::start().await;
    world.serve([ProviderSpec { internal_host: capture.url(), ..world.proxy() }]).await;
    let request = format!(
        "GET /public/x HTTP/1.1\r\nhost: app.test:{}\r\nuser-agent: t\r\nconnection: close\r\n\r\n",
        world.port()
    );
    assert_eq!(status(&raw(world.http(), request.as_bytes()).await), 200);
    let seen = capture.take().remove(0);
    for name in
        ["\r\nHost: ", "\r\nUser-Agent: ", "\r\nX-Forwarded-For: ", "\r\nX-Authentik-Username: "]
    {
        assert!(seen.contains(name), "{seen}");
    }
}

#[tokio::test]
async fn a_self_signed_application_is_refused_unless_the_provider_says_so() {
    let world = World::start().await;
    let secure = StandInCore::start(CoreOptions { tls: true, ..CoreOptions::default() }).unwrap();
    let provider = ProviderSpec { internal_host: secure.url(), ..world.proxy() }.skip("^/api/");
    world.serve([provider]).await;
    let url = world.url("app.test", "/api/v3/root/config/");
    let page = Browser::new().get(&url).await;
    assert_eq!(page.status, 502, "{}", page.body);
    assert!(!page.body.to_lowercase().contains("certificate"), "a stranger: {}", page.body);

    world.core.edit_provider("app", |spec| spec.internal_host_ssl_validation = false);
    world.refreshed().await;
    assert_eq!(Browser::new().get(&url).await.status, 200);
    // And back: connections that were made without the check are not used with it.
    world.core.edit_provider("app", |spec| spec.internal_host_ssl_validation = true);
    world.refreshed().await;
    assert_eq!(Browser::new().get(&url).await.status, 502);
}
