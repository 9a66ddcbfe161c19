//! Core away, slow, and back.

use outpost_demo::core::{Endpoint, Fault};
use outpost_tests::{Answer, Browser};

use crate::sign_in::{begin, session_cookie, whoami, with_app};

/// A page that says to try again, with a link that does.
fn assert_unavailable(page: &Answer, what: &str) {
    assert_eq!(page.status, 503, "{what}: {}", page.body);
    assert!(page.header("retry-after").parse::<u32>().is_ok(), "{what}: {:?}", page.headers);
    for text in ["Cannot sign in now", "Try again", "start?rd="] {
        assert!(page.body.contains(text), "{what}: {}", page.body);
    }
    assert_eq!(page.redirect(), None);
}

#[tokio::test]
async fn while_core_is_away_a_callback_says_so_and_the_link_works_once_core_is_back() {
    let world = with_app().await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json?where=I&was=going");
    let authorize = begin(&browser, &url).await;
    let callback = world.core.sign_in(&authorize, "alice").unwrap();
    world.core.stop();
    let page = browser.get(&callback).await;
    assert_unavailable(&page, "nobody listens");
    assert!(session_cookie(&browser).is_none());
    // Again and again: the same page, no loop.
    assert_unavailable(&browser.get(&callback).await, "a reload");

    world.core.resume().unwrap();
    let page = browser.get(&callback).await;
    assert_eq!(page.header("location"), url, "a reload finishes the sign-in: {}", page.body);
    assert_eq!(whoami(&world, &browser).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn whatever_a_failing_core_answers_a_callback_is_a_page_with_a_way_on() {
    let world = with_app().await;
    let faults = [
        Fault::Status(500),
        Fault::Status(502),
        Fault::Status(503),
        Fault::Status(429),
        Fault::starting(),
        Fault::Reply {
            status: 200,
            content_type: "text/html".into(),
            body: "<h1>Starting</h1>".into(),
        },
        Fault::Reply { status: 200, content_type: "application/json".into(), body: "[]".into() },
    ];
    for fault in faults {
        let browser = Browser::new();
        let authorize = begin(&browser, &world.url("app.test", "/json")).await;
        let callback = world.core.sign_in(&authorize, "alice").unwrap();
        world.core.set_fault(Endpoint::Token, fault.clone());
        let page = browser.get(&callback).await;
        assert!(page.status.is_server_error(), "{fault:?}: {}: {}", page.status, page.body);
        assert!(page.body.contains("Try again"), "{fault:?}: {}", page.body);
        assert!(session_cookie(&browser).is_none(), "{fault:?}");
        world.core.clear_faults();
    }
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn a_slow_core_delays_a_sign_in_and_nobody_else() {
    let world = with_app().await;
    let signed_in = Browser::new();
    signed_in.sign_in(&world.url("app.test", "/json"), "bob").await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json?patient=1");
    let authorize = begin(&browser, &url).await;
    let callback = world.core.sign_in(&authorize, "alice").unwrap();
    world.core.set_fault(Endpoint::Token, Fault::Hang);
    let waiting = tokio::spawn({
        let browser = browser.clone();
        async move { browser.get(&callback).await }
    });
    world.core.wait_for("the exchange", |seen| seen.count(Endpoint::Token) == 2).await.unwrap();
    for _ in 0..20 {
        assert_eq!(whoami(&world, &signed_in).await.as_deref(), Some("bob"));
    }
    world.core.clear_fault(Endpoint::Token);
    assert_eq!(waiting.await.unwrap().header("location"), url);
    assert_eq!(whoami(&world, &browser).await.as_deref(), Some("alice"));
}

/// People who are signed in do not notice that core is away.
#[tokio::test]
async fn who_is_signed_in_stays_so_while_core_is_away() {
    let world = with_app().await;
    let browser = Browser::new();
    browser.sign_in(&world.url("app.test", "/json"), "alice").await;
    world.core.stop();
    assert_eq!(whoami(&world, &browser).await.as_deref(), Some("alice"));
    let out = browser.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
    assert_eq!(out.status, 302);
    assert_eq!(world.sessions().await, 0, "and can sign out of the application");
}
