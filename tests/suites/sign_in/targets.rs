//! Where a sign-in leads: to the page that was asked for, byte for byte, and never to another site.

use outpost_tests::{Browser, World};
use url::form_urlencoded::byte_serialize;

use crate::sign_in::{begin, come_back, with_app};

/// Where `/start?rd=<rd>` at `host` leads in the end.
async fn destination(world: &World, host: &str, raw_rd: &str) -> String {
    let browser = Browser::new();
    let url = world.url(host, &format!("/outpost.goauthentik.io/start?rd={raw_rd}"));
    let answer = come_back(world, &browser, &url, "alice").await;
    assert_eq!(answer.status, 302, "{raw_rd}: {}", answer.body);
    answer.header("location").to_owned()
}

fn escaped(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// ak#24966, o2p#1570.
#[tokio::test]
async fn query_strings_survive_byte_for_byte() {
    let world = with_app().await;
    for target in [
        "/json?a=1&b=2",
        "/json?redirect=https%3A%2F%2Felsewhere.test%2F%3Fx%3D1%26y%3D2",
        "/json?empty=&flag&plus=a+b&blank=a%20b",
        "/json?twice=1&twice=2&%5B%5D=x",
        "/deep/%2Fslash/%C3%A4?rd=/not/ours&state=theirs&code=theirs",
        "/json?json={%22a%22:[1,2]}|~!*();:@$,'",
        "/?",
    ] {
        let browser = Browser::new();
        let url = world.url("app.test", target);
        let page = come_back(&world, &browser, &url, "alice").await;
        assert_eq!(page.header("location"), reqwest::Url::parse(&url).unwrap().as_str());
        let raw = format!("/outpost.goauthentik.io/start?rd={}", escaped(&url));
        let page = come_back(&world, &Browser::new(), &world.url("app.test", &raw), "alice").await;
        assert_eq!(page.header("location"), url);
    }
}

/// A5: the published nginx snippet sends `rd` as it is.
#[tokio::test]
async fn a_target_that_was_not_escaped_is_recovered() {
    let world = with_app().await;
    for target in ["/json?a=1&b=2&c=3", "/json?next=%2Fx%2Fy&z=1", "/a%2Fb"] {
        let url = world.url("app.test", target);
        assert_eq!(destination(&world, "app.test", &url).await, url);
    }
}

/// CVE-2024-52289, CVE-2026-41569, o2p GHSA-5m6c-jp6f-2vcv, -j7px-6hwj-hpjg, -qqxw-m5fj-f7gv,
/// -4mf2-f3wh-gvf2: open redirects.
#[tokio::test]
async fn no_target_leads_to_another_site() {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_domain()]).await;
    let hostile = |own: &str, domain: &str| {
        [
            "https://evil.test/".to_owned(),
            "//evil.test/".to_owned(),
            "///evil.test".to_owned(),
            "/\\evil.test".to_owned(),
            "\\\\evil.test".to_owned(),
            "/\t/evil.test".to_owned(),
            "/\n/evil.test".to_owned(),
            "/\r\nSet-Cookie: a=b".to_owned(),
            "\u{1}https://evil.test".to_owned(),
            " https://evil.test".to_owned(),
            "https:evil.test".to_owned(),
            "https:/evil.test".to_owned(),
            "https:///evil.test".to_owned(),
            "http:\\\\evil.test".to_owned(),
            "javascript:alert(1)".to_owned(),
            "data:text/html,x".to_owned(),
            "ftp://evil.test/".to_owned(),
            format!("http://{own}@evil.test/"),
            format!("http://user:pass@{own}/"),
            format!("http://evil.test\\@{own}/"),
            format!("http://{own}.evil.test/"),
            format!("http://evil{domain}/"),
            format!("http://{domain}.evil.test/"),
            format!("http://evil.test/http://{own}/"),
            format!("http://evil.test?{own}"),
            format!("http://evil.test#{own}"),
            format!("http://{own}%00.evil.test/"),
            format!("http://{own}%2eevil.test/"),
            format!("http://{own}:80@evil.test/"),
            "http://evil\u{3002}test/".to_owned(),
            "http://[::1]/".to_owned(),
            "/outpost.goauthentik.io/sign_out".to_owned(),
            "/outpost.goauthentik.io/start?rd=/x".to_owned(),
            "/?X-authentik-logout=true".to_owned(),
        ]
    };
    let app = format!("app.test:{}", world.port());
    for rd in hostile(&app, "app.test").into_iter().chain([format!("http://evil{app}/")]) {
        let led = destination(&world, "app.test", &escaped(&rd)).await;
        assert_eq!(led, world.url("app.test", "/"), "{rd:?}");
    }
    let auth = format!("auth.domain.test:{}", world.port());
    for rd in hostile(&auth, "domain.test") {
        let led = destination(&world, "auth.domain.test", &escaped(&rd)).await;
        assert_eq!(led, world.url("auth.domain.test", "/"), "{rd:?}");
    }
    // What is meant does work.
    let wiki = "https://wiki.domain.test/page?a=1&b=2";
    assert_eq!(destination(&world, "auth.domain.test", &escaped(wiki)).await, wiki);
    assert_eq!(
        destination(&world, "app.test", "%2Fpage%3Fa=1").await,
        world.url("app.test", "/page?a=1")
    );
}

/// A target of many kilobytes must not make a request that core or a browser cannot take.
#[tokio::test]
async fn a_target_that_is_too_long_leads_to_the_front_page() {
    let world = with_app().await;
    let browser = Browser::new();
    let url = world.url("app.test", &format!("/json?long={}", "x".repeat(30_000)));
    let authorize = begin(&browser, &url).await;
    assert!(authorize.len() < 16_000, "{}", authorize.len());
    let answer = browser.get(&world.core.sign_in(&authorize, "alice").unwrap()).await;
    assert_eq!(answer.header("location"), world.url("app.test", "/"));
}
