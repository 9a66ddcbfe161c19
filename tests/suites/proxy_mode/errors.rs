//! What people and scripts see when the application is away.

use outpost_demo::core::ProviderSpec;
use outpost_tests::{Browser, World};
use reqwest::Method;

use crate::proxy_mode::support::{browser_of, raw, status};

/// A world whose application does not run, and the port it does not listen on.
async fn without_application() -> (World, String) {
    let world = World::start().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let provider = ProviderSpec { internal_host: format!("http://{address}"), ..world.proxy() };
    world.serve([provider]).await;
    (world, address.port().to_string())
}

async fn browser(world: &World, user: &str) -> Browser {
    // The application is away, so the sign-in itself ends on our page.
    let browser = Browser::new();
    browser.sign_in(&world.url("app.test", "/"), user).await;
    browser
}

#[tokio::test]
async fn only_a_superuser_sees_why_the_application_is_away() {
    let (world, port) = without_application().await;
    let url = world.url("app.test", "/");
    let alice = browser(&world, "alice").await.get(&url).await;
    assert_eq!(alice.status, 502);
    assert!(alice.header("content-type").starts_with("text/html"));
    assert!(alice.header("content-security-policy").contains("default-src 'none'"));
    assert!(alice.body.contains(&port) && alice.body.contains("refused"), "{}", alice.body);

    let bob = browser(&world, "bob").await.get(&url).await;
    assert_eq!(bob.status, 502);
    assert!(!bob.body.contains(&port) && !bob.body.contains("127.0.0.1"), "{}", bob.body);
    assert!(!bob.body.contains("refused"), "{}", bob.body);
    let id = bob.header("x-request-id");
    assert!(!id.is_empty() && bob.body.contains(id), "the operator can find it: {}", bob.body);

    let nobody = Browser::new().get(&world.url("app.test", "/public/x")).await;
    assert_eq!(nobody.status, 502);
    assert!(!nobody.body.contains(&port), "{}", nobody.body);
}

#[tokio::test]
async fn a_script_gets_json_when_the_application_is_away() {
    let (world, port) = without_application().await;
    let browser = browser(&world, "bob").await;
    let url = world.url("app.test", "/api");
    for headers in [
        &[("accept", "application/json")][..],
        &[("x-requested-with", "XMLHttpRequest")],
        &[("sec-fetch-mode", "cors")],
    ] {
        let answer = browser.send(Method::GET, &url, headers, None).await;
        assert_eq!(answer.status, 502);
        assert_eq!(answer.json()["error"], "bad_gateway");
        assert!(!answer.body.contains(&port), "{}", answer.body);
    }
    let json = [("accept", "application/json")];
    let alice = self::browser(&world, "alice").await.send(Method::GET, &url, &json, None).await;
    assert_eq!(alice.json()["error"], "refused");
    assert!(alice.json()["cause"].as_str().unwrap().contains(&port), "{}", alice.body);
    let posted = browser.send(Method::POST, &url, &[], Some("x".repeat(100_000))).await;
    assert_eq!(posted.status, 502);
    assert_eq!(posted.json()["error"], "bad_gateway");
}

/// CVE-2024-21637: nothing that a client sends becomes markup on a page.
#[tokio::test]
async fn no_page_reflects_what_the_client_sent() {
    let (world, _) = without_application().await;
    let browser = browser(&world, "alice").await;
    for path in [
        "/<script>alert(1)</script>",
        "/%3Cscript%3Ealert(1)%3C/script%3E?q=%22%3E%3Cscript%3E",
        "/\"><img/onerror=alert(1)>",
        "/outpost.goauthentik.io/callback?X-authentik-auth-callback=true&error=%3Cscript%3E&error_description=%3Cscript%3E&state=%3Cscript%3E",
        "/outpost.goauthentik.io/callback?X-authentik-auth-callback=true?error=%3Cscript%3E&error_description=%3Cscript%3Ealert(1)%3C/script%3E&state=x",
        "/outpost.goauthentik.io/%3Cscript%3E",
        "/outpost.goauthentik.io/start?rd=javascript:alert(1)//%3Cscript%3E",
    ] {
        let answer = browser.get(&world.url("app.test", path)).await;
        let html = answer.header("content-type").starts_with("text/html");
        let body = answer.body.to_lowercase();
        assert!(!html || !body.contains("<script") && !body.contains("<img"), "{path}: {body}");
    }
    for request in [
        "GET /<script>alert(1)</script> HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: <script>alert(1)</script>\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-Host: <script>\r\nConnection: close\r\n\r\n",
        "<SCRIPT> / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n",
    ] {
        let answer = raw(world.http(), request.as_bytes()).await;
        assert!(!answer.to_lowercase().contains("<script"), "{answer}");
        assert_ne!(status(&answer), 200, "{answer}");
    }
}

#[tokio::test]
async fn a_path_without_sign_in_passes_as_nobody() {
    let world = World::start().await;
    world.serve([world.proxy()]).await;
    let json = [("accept", "application/json")];
    let url = world.url("app.test", "/public/x");
    let page = Browser::new().send(Method::GET, &url, &json, None).await;
    assert_eq!(page.status, 200);
    for name in outpost_decision::headers::IDENTITY_NAMES {
        assert_eq!(page.received(name).as_deref(), Some(""), "{name}");
    }
    assert_eq!(page.header("set-cookie"), "", "anonymous requests begin nothing");
    assert_eq!(world.sessions().await, 0);
    // Signed in, the same path carries the identity.
    let alice = browser_of(&world, "alice").await;
    let page = alice.send(Method::GET, &url, &json, None).await;
    assert_eq!(page.received("x-authentik-username").as_deref(), Some("alice"));
}
