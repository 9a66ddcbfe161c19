//! What the application is told of the person (contract 10).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outpost_demo::core::{CoreOptions, UserSpec};
use outpost_tests::{Answer, Browser, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::proxy_mode::support::{browser_of, signed_in};

/// Carol, with attributes.
fn carol(attributes: Value) -> UserSpec {
    UserSpec::new("carol", "carol-password")
        .name("Carol")
        .email("carol@example.com")
        .groups(&["staff", "a b"])
        .entitled("app", "read")
        .entitled("app", "write")
        .entitled("other", "nothing of ours")
        .attributes(attributes)
}

async fn seen_of_carol(attributes: Value) -> Answer {
    let world = World::start().await;
    world.core.put_user(carol(attributes));
    world.serve([world.proxy()]).await;
    let page = browser_of(&world, "carol").await.get(&world.url("app.test", "/json")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page
}

#[tokio::test]
async fn the_application_sees_who_it_is_and_through_what() {
    let world = World::start().await;
    world.core.put_user(carol(json!({})));
    world.serve([world.proxy().named("Provider of app")]).await;
    let browser = browser_of(&world, "carol").await;
    let page = browser.get(&world.url("app.test", "/json")).await;
    let core = world.core.url();
    let sub = carol(json!({})).sub();
    for (name, value) in [
        ("x-authentik-username", "carol"),
        ("x-authentik-groups", "staff|a b"),
        ("x-authentik-entitlements", "read|write"),
        ("x-authentik-email", "carol@example.com"),
        ("x-authentik-name", "Carol"),
        ("x-authentik-uid", &sub),
        ("x-authentik-meta-jwks", &format!("{core}/application/o/app/jwks/")),
        ("x-authentik-meta-outpost", "outpost"),
        ("x-authentik-meta-provider", "Provider of app"),
        ("x-authentik-meta-app", "app"),
    ] {
        assert_eq!(page.received(name).as_deref(), Some(value), "{name}");
    }
    let version = page.received("x-authentik-meta-version").unwrap();
    assert!(version.starts_with("goauthentik.io/outpost/"), "{version}");
    let jwt = page.received("x-authentik-jwt").unwrap();
    let claims = jwt.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["preferred_username"], "carol", "the raw access token");
}

#[tokio::test]
async fn attributes_add_and_override_headers_whatever_their_type() {
    let page = seen_of_carol(json!({"additionalHeaders": {
        "X-Text": "text", "X-Number": 7, "X-Float": 1.5, "X-Flag": true, "X-List": ["a", 2, "b"],
        "X-Nothing": null, "X-Object": {"a": 1}, "X-Umlaut": "Zoë",
        "X-authentik-email": "other@example.com", "x-authentik-groups": "only this",
    }}))
    .await;
    for (name, value) in [
        ("x-text", Some("text")),
        ("x-number", Some("7")),
        ("x-float", Some("1.5")),
        ("x-flag", Some("true")),
        ("x-list", Some("a|2|b")),
        ("x-nothing", None),
        ("x-object", Some("")),
        ("x-umlaut", Some("Zoë")),
        ("x-authentik-email", Some("other@example.com")),
        ("x-authentik-groups", Some("only this")),
        ("x-authentik-username", Some("carol")),
    ] {
        assert_eq!(page.received(name).as_deref(), value, "{name}");
    }
}

/// A value that would forge headers is sent empty; names that frame the message, or
/// tell where it came from, are not the user's to set.
#[tokio::test]
async fn attributes_can_neither_forge_headers_nor_take_over_the_connection() {
    let page = seen_of_carol(json!({"additionalHeaders": {
        "X-Break": "a\r\nX-Evil: 1", "X-Nul": "a\u{0}b", "X-Line": "a\nb", "X-Bell": "\u{7}",
        "X-Fine": "fine", "Bad Name": "x", "X-Colon: y\r\nX-Evil": "x", "": "x",
        "Host": "evil.test", "Content-Length": "5", "Transfer-Encoding": "chunked",
        "Connection": "x-authentik-username", "Cookie": "a=b", "X-Forwarded-For": "203.0.113.9",
        "x_forwarded_host": "evil.test", "Upgrade": "h2c",
    }}))
    .await;
    for name in ["x-break", "x-nul", "x-line", "x-bell"] {
        assert_eq!(page.received(name).as_deref(), Some(""), "{name}");
    }
    for name in ["x-evil", "bad name", "transfer-encoding", "cookie", "x_forwarded_host", "upgrade"]
    {
        assert_eq!(page.received(name), None, "{name}");
    }
    assert_eq!(page.received("x-fine").as_deref(), Some("fine"));
    assert_eq!(page.received("x-forwarded-for").as_deref(), Some("127.0.0.1"));
    assert_eq!(page.received("x-authentik-username").as_deref(), Some("carol"));
    assert!(page.received("host").unwrap().starts_with("app.test:"));
    assert!(!page.body.contains("evil.test"), "{}", page.body);
}

/// A name beyond ASCII never costs the request, in either form.
#[tokio::test]
async fn names_beyond_ascii_arrive_raw_or_percent_encoded() {
    for (encoding, expected) in [("raw", "Alice Änderson"), ("percent", "Alice %C3%84nderson")] {
        let variables = [("OUTPOST__IDENTITY__ENCODING", encoding)];
        let world = World::with(CoreOptions::default(), &variables).await;
        world.serve([world.proxy()]).await;
        let page = browser_of(&world, "alice").await.get(&world.url("app.test", "/json")).await;
        assert_eq!(page.received("x-authentik-name").as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn the_application_gets_the_basic_authentication_of_the_attributes() {
    let world = World::start().await;
    world.core.put_user(carol(json!({"app_user": "inner-carol", "app_pass": "s3cr:et"})));
    world.core.put_user(
        UserSpec::new("dave", "dave-password").attributes(json!({"app_pass": "dave-secret"})),
    );
    world.serve([world.proxy().basic_auth("app_user", "app_pass")]).await;
    let basic = |text: &str| Some(format!("Basic {}", STANDARD.encode(text)));
    let url = world.url("app.test", "/json");
    let own = [("authorization", "Basic bWluZTptaW5l")];

    let carol = browser_of(&world, "carol").await;
    let seen = carol.get(&url).await.received("authorization");
    assert_eq!(seen, basic("inner-carol:s3cr:et"));
    let seen = carol.send(Method::GET, &url, &own, None).await.received("authorization");
    assert_eq!(seen, basic("inner-carol:s3cr:et"), "ours replaces the client's");
    let dave = browser_of(&world, "dave").await;
    let seen = dave.get(&url).await.received("authorization");
    assert_eq!(seen, basic("dave@example.com:dave-secret"), "the e-mail stands in");
    let bob = browser_of(&world, "bob").await;
    assert_eq!(bob.get(&url).await.received("authorization"), None, "no password, no header");
}

#[tokio::test]
async fn the_applications_cookies_reach_it_and_ours_do_not() {
    let (world, browser) = signed_in("alice").await;
    browser.set_cookie("app.test", "theme", "dark");
    browser.set_cookie("app.test", "authentik_proxy_deadbeef", "of another outpost");
    browser.set_cookie("app.test", "lang", "\"de; en\"");
    let seen = browser.get(&world.url("app.test", "/json")).await.received("cookie").unwrap();
    assert!(seen.contains("theme=dark") && seen.contains("lang="), "{seen}");
    assert!(!seen.contains("authentik_proxy"), "{seen}");
    let nobody = Browser::new();
    nobody.set_cookie("app.test", "theme", "dark");
    let json = [("accept", "application/json")];
    let url = world.url("app.test", "/public/x");
    let page = nobody.send(Method::GET, &url, &json, None).await;
    assert_eq!(page.received("cookie").as_deref(), Some("theme=dark"));
}

/// With a session by cookie, `Authorization` is between the client and the application.
#[tokio::test]
async fn an_authorization_header_beside_my_session_is_the_applications() {
    let (world, browser) = signed_in("alice").await;
    let own = [("authorization", "Bearer of-the-application")];
    let page = browser.send(Method::GET, &world.url("app.test", "/json"), &own, None).await;
    assert_eq!(page.received("authorization").as_deref(), Some("Bearer of-the-application"));
    assert_eq!(page.received("x-authentik-username").as_deref(), Some("alice"));
}
