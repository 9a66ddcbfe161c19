//! Proxy mode below a path (ak#26270), alone and beside others on the same host.

use outpost_demo::core::ProviderSpec;
use outpost_tests::{Answer, Browser, World};
use reqwest::Method;

/// `/one/` with a final slash, `/two` without, `/one/inner/` within the first.
async fn world() -> World {
    let world = World::start().await;
    let app = world.app.url();
    let at = |path: &str| world.url("host.test", path);
    world
        .serve([
            ProviderSpec::proxy("one", &at("/one/"), &app).skip("^/one/public/"),
            ProviderSpec::proxy("two", &at("/two"), &app),
            ProviderSpec::proxy("inner", &at("/one/inner/"), &app),
        ])
        .await;
    world
}

async fn json(browser: &Browser, url: &str) -> Answer {
    browser.send(Method::GET, url, &[("accept", "application/json")], None).await
}

fn app_of(answer: &Answer) -> Option<String> {
    answer.received("X-authentik-meta-app")
}

/// Core calls back below the path, and everything happens there.
#[tokio::test]
async fn people_sign_in_below_the_path() {
    let world = world().await;
    for (path, app, cookie_path) in [
        ("/one/page?x=1", "one", "Path=/one;"),
        ("/two", "two", "Path=/two;"),
        ("/two/page?x=1", "two", "Path=/two;"),
        ("/one/inner/page", "inner", "Path=/one/inner;"),
    ] {
        let browser = Browser::new();
        let page = world.url("host.test", path);
        let start = browser.get(&page).await;
        let base = path.split(['?']).next().unwrap().trim_end_matches("/page");
        let there = world.url("host.test", &format!("{base}/outpost.goauthentik.io/start?rd="));
        assert!(start.header("location").starts_with(&there), "{path}: {start:?}");

        let authorize = browser.follow(&page).await.url;
        let callback = world.core.sign_in(authorize.as_str(), "alice").unwrap();
        assert!(callback.starts_with(&world.url("host.test", base)), "{path}: {callback}");
        let done = browser.get(&callback).await;
        assert_eq!(done.header("location"), page, "{path}: {}", done.body);
        let cookies: Vec<_> =
            done.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
        assert!(cookies.iter().any(|it| it.contains(cookie_path)), "{path}: {cookies:?}");

        let landed = json(&browser, &page).await;
        assert_eq!(landed.status, 200, "{path}: {}", landed.body);
        assert_eq!(landed.json()["target"], path, "the application sees the whole path");
        assert_eq!(app_of(&landed).as_deref(), Some(app));
    }
}

#[tokio::test]
async fn applications_on_one_host_do_not_disturb_each_other() {
    let world = world().await;
    let (one, two, inner) = (
        world.url("host.test", "/one/json"),
        world.url("host.test", "/two/json"),
        world.url("host.test", "/one/inner/json"),
    );
    let browser = Browser::new();
    browser.sign_in(&one, "alice").await;
    assert_eq!(json(&browser, &one).await.status, 200);
    for other in [&two, &inner] {
        assert_eq!(browser.get(other).await.status, 302, "{other}: signed in at one only");
    }
    browser.sign_in(&two, "alice").await;
    browser.sign_in(&inner, "alice").await;
    for (url, app) in [(&one, "one"), (&two, "two"), (&inner, "inner")] {
        let page = json(&browser, url).await;
        assert_eq!(app_of(&page).as_deref(), Some(app), "{url}: {}", page.body);
        assert_eq!(page.received("cookie"), None, "none of our cookies reaches an application");
    }
    // The browser itself keeps the sessions of other applications from them.
    let sent = browser.cookie_header(&two.parse().unwrap()).unwrap();
    assert_eq!(sent.split("; ").count(), 1, "{sent}");

    let out = browser.get(&world.url("host.test", "/two/outpost.goauthentik.io/sign_out")).await;
    assert!(out.header("location").contains("/two/end-session/"), "{out:?}");
    assert_eq!(world.sessions().await, 0);
}

/// At the root of the host the cookie of an application below a path is not sent.
#[tokio::test]
async fn a_sign_out_at_the_root_goes_where_the_cookie_is() {
    let world = World::start().await;
    let spec = ProviderSpec::proxy("one", &world.url("host.test", "/one/"), &world.app.url());
    world.serve([spec]).await;
    let browser = Browser::new();
    browser.sign_in(&world.url("host.test", "/one/"), "alice").await;
    assert_eq!(world.sessions().await, 1);
    let out = browser.get(&world.url("host.test", "/outpost.goauthentik.io/sign_out")).await;
    let there = world.url("host.test", "/one/outpost.goauthentik.io/sign_out");
    assert_eq!(out.header("location"), there);
    browser.get(&there).await;
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn a_path_ends_at_a_segment_and_reads_in_one_way() {
    let world = world().await;
    let browser = Browser::new();
    browser.sign_in(&world.url("host.test", "/one/"), "alice").await;
    for path in ["/", "/onepage", "/twofold", "/apple", "/One/"] {
        let answer = json(&browser, &world.url("host.test", path)).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert_eq!(answer.json()["error"], "path_unserved", "{path}");
    }
    for path in
        ["/one/..%2ftwo/x", "/one/..;/two/x", "/one;/x", "/one%2finner/x", "/one/%252e%252e/two"]
    {
        let answer = json(&browser, &world.url("host.test", path)).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        assert_eq!(answer.json()["error"], "path_ambiguous", "{path}");
    }
    let public = json(&Browser::new(), &world.url("host.test", "/one/public/x")).await;
    assert_eq!(public.status, 200, "{}", public.body);
}

/// What the outpost answers everybody, below a path as at the root, never is the application's:
/// it would get a stranger's requests.
#[tokio::test]
async fn nothing_below_our_own_prefix_reaches_the_application() {
    let world = world().await;
    let stranger = Browser::new();
    for base in ["", "/one", "/one/inner", "/two"] {
        let at =
            |rest: &str| world.url("host.test", &format!("{base}/outpost.goauthentik.io/{rest}"));
        let ping = stranger.get(&at("ping")).await;
        assert_eq!(ping.status, 204, "{base}: {}", ping.body);
        for method in [Method::GET, Method::POST] {
            let file = stranger.send(method, &at("static/x"), &[], None).await;
            assert_eq!(file.status, 404, "{base}: {}", file.body);
            assert_eq!(file.body, "", "{base}");
        }
    }
}
