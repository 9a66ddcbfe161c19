//! Addresses, hosts and paths.

use outpost_demo::core::ProviderSpec;
use outpost_tests::Browser;
use outpost_tests::proxies::Kind;

use crate::proxies::front::Front;

/// What a deep link holds arrives at the application byte for byte, over a sign-in as well.
pub(crate) async fn every_byte_of_an_address_arrives(kind: Kind) {
    let front = Front::of(kind).await;
    for target in [
        "/json?a=1&b=x%26y&c=%2F%3F%23&d=&d&=&&",
        "/json?n=%C3%A4%20%E6%97%A5&p=a+b",
        "/json?u=https://example.com/?x=1&y=%252F",
        "/echo/%C3%A4/a.b~c-d_e/!$'()*,=:@?q=%7Bx%7D|",
    ] {
        let page = front.url("single.test", target);
        let landed = Browser::new().sign_in(&page, "alice").await;
        assert_eq!(landed.status, 200, "{kind:?} {target}: {}", landed.body);
        assert_eq!(landed.json()["target"], target, "{kind:?}");
    }
    // Raw bytes, as browsers do not send them: refused, or asked to sign in, and never let through.
    for target in ["/json?n=\u{e4}".as_bytes(), b"/json?n=\xe4", "/json/\u{e4}".as_bytes()] {
        let answer = front.raw("single.test", target, b"").await;
        assert_ne!(answer.status, 200, "{kind:?}: {answer:?}");
        assert!(answer.status != 502, "{kind:?}: {answer:?}");
    }
    // A page that was asked for so is found again, in the escapes that it stands for.
    let begun = front.raw("single.test", "/json?n=\u{e4}&m=1".as_bytes(), b"").await;
    if begun.status == 302 {
        let browser = Browser::new();
        for cookie in begun.all("set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            browser.set_cookie("single.test", name, value);
        }
        let landed = browser.sign_in(begun.header("location").unwrap(), "alice").await;
        assert_eq!(landed.json()["target"], "/json?n=%C3%A4&m=1", "{kind:?}");
    } else {
        assert!(matches!(begun.status, 400 | 500), "{kind:?}: {begun:?}");
    }
}

/// Each application below its path has sessions of its own; what is nobody's is not served.
pub(crate) async fn applications_below_paths_of_one_host_are_apart(kind: Kind) {
    let front = Front::serving(kind, "host.test", |at| {
        vec![
            ProviderSpec::forward_single("a", &format!("{}/a/", at("host.test"))),
            ProviderSpec::forward_single("deep", &format!("{}/a/deep/", at("host.test")))
                .skip("^/a/deep/public/"),
            ProviderSpec::forward_single("b", &format!("{}/b/", at("host.test"))),
        ]
    })
    .await;
    let browser = Browser::new();
    for (path, application) in [("/a/x?q=1&r=2", "a"), ("/a/deep/y", "deep"), ("/b/", "b")] {
        let page = front.url("host.test", path);
        assert_eq!(browser.get(&page).await.status, 302, "{kind:?} {path}: not signed in yet");
        let landed = browser.sign_in(&page, "alice").await;
        assert_eq!(landed.url.as_str(), page, "{kind:?}: {}", landed.body);
        let json = [("accept", "application/json")];
        let seen = browser.send(reqwest::Method::GET, &page, &json, None).await;
        assert_eq!(seen.received("X-authentik-meta-app").as_deref(), Some(application), "{kind:?}");
        assert_eq!(seen.json()["target"], path, "{kind:?}");
    }
    for path in ["/", "/json", "/apple", "/b2/x", "/x/a/"] {
        let answer = browser.get(&front.url("host.test", path)).await;
        assert_eq!(answer.status, 404, "{kind:?} {path}: {}", answer.body);
    }
    let public = Browser::new().get(&front.url("host.test", "/a/deep/public/x")).await;
    assert_eq!(public.status, 200, "{kind:?}: {}", public.body);
    // What is public in one application is not in the other, however the path is written.
    for target in [
        "/a/deep/public/../../x",
        "/a/deep/public/%2e%2e/%2e%2e/x",
        "/a/deep/public/..%2f..%2fx",
        "/b/..%2fa/deep/public/x",
        "/b/../a/deep/public/x",
    ] {
        let answer = front.raw("host.test", target.as_bytes(), b"").await;
        let reached_public = answer.status == 200 && answer.body.contains("/a/deep/public/x");
        assert!(answer.status != 200 || reached_public, "{kind:?} {target}: {answer:?}");
    }
}

/// What a proxy takes for one path and the outpost for two would be asked about for the one and
/// reach the other.
pub(crate) async fn paths_that_differ_by_case_are_two(kind: Kind) {
    let front = Front::serving(kind, "host.test", |at| {
        vec![
            ProviderSpec::forward_single("upper", &format!("{}/A/", at("host.test"))),
            ProviderSpec::forward_single("lower", &format!("{}/a/", at("host.test"))),
        ]
    })
    .await;
    let browser = Browser::new();
    let json = [("accept", "application/json")];
    for (path, application, other) in [("/A/x", "upper", "/a/x"), ("/a/x", "lower", "/A/x")] {
        let page = front.url("host.test", path);
        browser.sign_in(&page, "alice").await;
        let seen = browser.send(reqwest::Method::GET, &page, &json, None).await;
        assert_eq!(seen.received("X-authentik-meta-app").as_deref(), Some(application), "{kind:?}");
        assert_eq!(seen.json()["target"], path, "{kind:?}");
        // A session of the one is none of the other.
        let cookie = browser.cookie_header(&page.parse().unwrap()).unwrap();
        let other = front.url("host.test", other);
        let headers = [json[0], ("cookie", cookie.as_str())];
        let answer = Browser::new().send(reqwest::Method::GET, &other, &headers, None).await;
        assert_eq!(answer.status, 401, "{kind:?} {path}: {}", answer.body);
    }
    for path in ["/A", "/a"] {
        assert_eq!(Browser::new().get(&front.url("host.test", path)).await.status, 302, "{kind:?}");
    }
}

pub(crate) async fn the_outpost_forwards_by_itself_in_proxy_mode(kind: Kind) {
    let world = outpost_tests::World::start().await;
    let reserved = outpost_tests::proxies::Reserved::any();
    let external = format!("http://app.test:{}", reserved.port());
    world.serve([ProviderSpec::proxy("app", &external, &world.app.url()).skip("^/public/")]).await;
    let proxy =
        outpost_tests::proxies::Proxy::render(kind, reserved, "app.test", &[], &world).await;
    let front = Front { kind, proxy, world };

    let page = front.url("app.test", "/json?a=1&b=x%26y");
    let browser = Browser::new();
    let landed = browser.sign_in(&page, "alice").await;
    assert_eq!(landed.url.as_str(), page, "{kind:?}: {}", landed.body);
    assert_eq!(landed.json()["target"], "/json?a=1&b=x%26y", "{kind:?}");
    assert_eq!(landed.header("x-powered-by"), "goauthentik.io", "{kind:?}");
    let spoofed = front.spoofed(&browser, &page).await;
    assert_eq!(spoofed.received("X-authentik-username").as_deref(), Some("alice"), "{kind:?}");
    assert!(!spoofed.body.contains("mallory"), "{kind:?}: {}", spoofed.body);
    let public = front.spoofed(&Browser::new(), &front.url("app.test", "/public/x")).await;
    assert_eq!(public.status, 200, "{kind:?}: {}", public.body);
    assert!(!public.body.contains("mallory"), "{kind:?}: {}", public.body);
    let events = browser.get(&front.url("app.test", "/events?count=2&interval_ms=1")).await;
    assert!(events.body.contains("data: 2"), "{kind:?}: {}", events.body);
    let out = browser.get(&front.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
    assert_eq!(out.status, 302, "{kind:?}: {}", out.body);
    assert_eq!(browser.get(&page).await.status, 302, "{kind:?}: signed out");
}
