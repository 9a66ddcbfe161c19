//! Sessions: who has one, and when it ends.

use futures_util::{StreamExt, stream};
use outpost_tests::{Browser, World};

use crate::sign_in::{come_back, eventually, is_session_cookie, session_cookie, whoami, with_app};

/// ak#12230 #23001: every request of a bot or a health check left a session behind.
#[tokio::test]
async fn ten_thousand_anonymous_requests_write_nothing() {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single(), world.forward_domain()]).await;
    let single = world.url("single.test", "/page");
    let paths = [
        world.url("app.test", "/"),
        world.url("app.test", "/public/file"),
        world.url("app.test", "/outpost.goauthentik.io/start"),
        world.url("app.test", "/outpost.goauthentik.io/callback?code=x&state=y"),
        world.url("app.test", "/outpost.goauthentik.io/sign_out"),
        world.url("app.test", "/outpost.goauthentik.io/ping"),
        world.url("single.test", "/outpost.goauthentik.io/auth/nginx"),
        world.url("auth.domain.test", "/outpost.goauthentik.io/auth/envoy/x"),
        world.url("unknown.test", "/"),
        world.url("app.test", "/outpost.goauthentik.io/nothing"),
    ];
    let client = Browser::new();
    let requests = stream::iter((0..10_000).map(|n| {
        let request =
            client.client().get(&paths[n % paths.len()]).header("x-original-url", &single);
        async move { request.send().await.unwrap() }
    }));
    let mut answers = requests.buffer_unordered(32);
    while let Some(answer) = answers.next().await {
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            assert!(
                !is_session_cookie(name) || rest.starts_with(';'),
                "{}: {cookie}",
                answer.url()
            );
        }
    }
    assert_eq!(world.sessions().await, 0);
}

/// Contract 9: the server ends the session at the token's `exp`, whatever the cookie says.
#[tokio::test]
async fn a_session_ends_with_its_token() {
    let world = with_app().await;
    world.core.set_token_validity("app", 3.0);
    world.refreshed().await;
    let browser = Browser::new();
    let answer = come_back(&world, &browser, &world.url("app.test", "/json"), "alice").await;
    let cookies: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let cookie = cookies.iter().find(|cookie| is_session_cookie(cookie.split('=').next().unwrap()));
    let cookie = cookie.expect("a session cookie");
    let age: i64 =
        cookie.split("Max-Age=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
    assert!((0..=4).contains(&age), "{cookie}");
    for attribute in ["; HttpOnly", "; SameSite=Lax", "; Path=/;"] {
        assert!(format!("{cookie};").contains(attribute), "{attribute}: {cookie}");
    }
    // The harness keeps cookies past their age, as a thief would.
    let ended = async || whoami(&world, &browser).await.is_none();
    eventually("the session ends with its token", ended).await;
    assert!(session_cookie(&browser).is_some(), "the browser still has it");
    let page = browser.sign_in(&world.url("app.test", "/json?again=1"), "alice").await;
    assert_eq!(page.json()["target"], "/json?again=1", "and it can be begun anew");
}

/// A cookie is a reference only: nothing in it tells who somebody is, and it stays small however
/// much core says about them.
#[tokio::test]
async fn the_cookie_is_small_and_says_nothing() {
    let world = World::start().await;
    let many: Vec<String> = (0..2_000).map(|n| format!("group-{n}")).collect();
    let big = serde_json::json!({"lots": many});
    world.serve([world.proxy().scope_mapping("profile", big)]).await;
    let mut values = std::collections::HashSet::new();
    for _ in 0..3 {
        let browser = Browser::new();
        come_back(&world, &browser, &world.url("app.test", "/json"), "alice").await;
        let (name, value) = session_cookie(&browser).expect("signed in");
        assert!(name.len() + value.len() < 128, "{name}={value}");
        assert!(values.insert(value));
    }
}

/// C1: a cookie that was made up or belongs to another application opens nothing.
#[tokio::test]
async fn a_session_of_one_application_is_nothing_at_another() {
    let world = with_app().await;
    let other = outpost_demo::core::ProviderSpec::proxy(
        "other",
        &world.url("other.test", ""),
        &world.app.url(),
    );
    world.serve([other]).await;
    let browser = Browser::new();
    come_back(&world, &browser, &world.url("other.test", "/json"), "alice").await;
    let (others, value) = session_cookie(&browser).expect("signed in");
    let mine = Browser::new();
    come_back(&world, &mine, &world.url("app.test", "/json"), "alice").await;
    let (name, _) = session_cookie(&mine).expect("signed in");
    assert_ne!(name, others);
    let thief = Browser::new();
    thief.set_cookie("app.test", &name, &value);
    assert_eq!(whoami(&world, &thief).await, None);
}
