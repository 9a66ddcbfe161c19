//! Sign-ins that cannot be finished as they are: they start over by themselves a bounded number
//! of times, then a page explains. Never a bare error, never a loop.

use outpost_decision::login::{self, NewFlow};
use outpost_tests::{Answer, Browser, World};

use crate::sign_in::{begin, come_back, is_session_cookie, session_cookie, whoami, with_app};

/// Whether an answer is a page that says what happened and offers to go on.
fn assert_explains(page: &Answer, what: &str) {
    assert!(page.status.is_client_error(), "{}: {}", page.status, page.body);
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    for text in [what, "Sign-in failed", "Try again", "/outpost.goauthentik.io/start?rd="] {
        assert!(page.body.contains(text), "{text:?} is not in {}", page.body);
    }
}

/// Follows redirects, signs in wherever core asks, and drops the cookies that `blocked` names
/// after each step. The last answer and the number of steps.
async fn wander(browser: &Browser, url: &str, blocked: impl Fn(&str) -> bool) -> (Answer, usize) {
    let mut next = url.to_owned();
    for steps in 1..20 {
        let mut answer = browser.get(&next).await;
        if answer.status == 200 && next.contains("/application/o/authorize/") {
            let alice = [("username", "alice"), ("password", "alice-password")];
            answer = browser.post_form(&next, &alice).await;
        }
        browser.forget(&blocked);
        match answer.redirect() {
            Some(location) => next = location,
            None => return (answer, steps),
        }
    }
    panic!("a loop, last at {next}");
}

/// The callback of a sign-in that ran out a second ago and was begun anew `tries` times before.
fn expired_callback(world: &World, browser: &Browser, return_to: &str, tries: u8) -> String {
    let snapshot = world.outpost.published.snapshot.load();
    let provider = &snapshot.ruleset.providers()[0];
    let now = outpost::clock::now();
    let flow = NewFlow { return_to, tries, now: now.plus(-61), lifetime: 60 };
    let begun = login::begin(provider, &flow, &[7; 32]).unwrap();
    let cookie = begun.flow_cookie.to_string();
    let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
    browser.set_cookie("app.test", name, value);
    world.core.sign_in(&begun.location, "alice").unwrap()
}

#[tokio::test]
async fn a_sign_in_that_took_too_long_starts_over_and_still_lands() {
    let world = with_app().await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json?kept=1&too=%2F");
    let callback = expired_callback(&world, &browser, &url, 0);
    let (page, steps) = wander(&browser, &callback, |_| false).await;
    assert_eq!(page.json()["target"], "/json?kept=1&too=%2F");
    assert_eq!(steps, 4, "the callback, core, the callback, the page");
}

#[tokio::test]
async fn a_sign_in_that_takes_too_long_every_time_ends_with_a_page() {
    let world = with_app().await;
    let browser = Browser::new();
    let callback = expired_callback(&world, &browser, &world.url("app.test", "/json"), 3);
    let page = browser.get(&callback).await;
    assert_explains(&page, "The sign-in took too long.");
    assert!(session_cookie(&browser).is_none());
    let link = page.body.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(browser.sign_in(link, "alice").await.json()["user"], "alice", "the link works");
}

/// ak#19605, o2p#3258: a browser that keeps none of our cookies cannot be signed in; it must
/// neither loop nor see a bare 400.
#[tokio::test]
async fn a_browser_that_blocks_cookies_gets_a_page_that_says_so_after_few_hops() {
    let world = with_app().await;
    let browser = Browser::new();
    let ours = |name: &str| name.starts_with("authentik_proxy_");
    let (page, steps) = wander(&browser, &world.url("app.test", "/json"), ours).await;
    assert_explains(&page, "did not bring back the cookie");
    assert!(page.body.contains("Allow cookies"), "{}", page.body);
    assert!(steps <= 12, "{steps} hops");
    assert_eq!(world.sessions().await, 0);
}

/// A browser that takes the cookies of sign-ins but never the session's is asked again each time
/// it wants a page, but no hop leads back by itself more than once.
#[tokio::test]
async fn a_browser_that_drops_session_cookies_is_not_sent_around_without_end_by_callbacks() {
    let world = with_app().await;
    let browser = Browser::new();
    let answer = come_back(&world, &browser, &world.url("app.test", "/json"), "alice").await;
    browser.forget(is_session_cookie);
    let callback = answer.url.to_string();
    let (page, steps) = wander(&browser, &callback, |_| false).await;
    assert_eq!(page.status, 200, "it begins anew and lands");
    assert!(steps <= 5, "{steps} hops");
}

/// CVE class "state replay": a callback works once, in the browser that began it.
#[tokio::test]
async fn a_callback_that_is_used_again_signs_nobody_in() {
    let world = with_app().await;
    let browser = Browser::new();
    let authorize = begin(&browser, &world.url("app.test", "/json")).await;
    let flows: Vec<(String, String)> = browser
        .cookie_names()
        .into_iter()
        .map(|name| (name.clone(), browser.cookie(&name).unwrap()))
        .collect();
    let callback = world.core.sign_in(&authorize, "alice").unwrap();
    browser.get(&callback).await;
    assert_eq!(whoami(&world, &browser).await.as_deref(), Some("alice"));

    // Even with the cookie of the flow, as in a copy of the browser's profile: the code is used.
    let copy = Browser::new();
    for (name, value) in flows {
        copy.set_cookie("app.test", &name, &value);
    }
    let answer = copy.get(&callback).await;
    assert!(answer.header("location").contains("/application/o/authorize/"), "{}", answer.body);
    assert!(session_cookie(&copy).is_none());
    assert_eq!(world.sessions().await, 1);
}

/// A code that was used, or stolen, with the state of another sign-in of the same browser.
#[tokio::test]
async fn a_code_that_is_used_again_with_a_fresh_state_signs_nobody_in() {
    let world = with_app().await;
    let (victim, thief) = (Browser::new(), Browser::new());
    let url = world.url("app.test", "/json");
    let theirs = begin(&victim, &url).await;
    let stolen = world.core.sign_in(&theirs, "alice").unwrap();
    let code = stolen.split("code=").nth(1).unwrap().split('&').next().unwrap();

    // PKCE: the code, unused yet, belongs to the verifier of the victim's sign-in.
    let own = begin(&thief, &url).await;
    let own = world.core.sign_in(&own, "bob").unwrap();
    let state = own.split("&state=").nth(1).unwrap();
    let base = own.split("&code=").next().unwrap();
    let answer = thief.get(&format!("{base}&code={code}&state={state}")).await;
    assert!(answer.header("location").contains("/application/o/authorize/"), "{}", answer.body);
    assert!(session_cookie(&thief).is_none());
    assert_eq!(world.sessions().await, 0);
    // Injecting a code of bob's into the victim's sign-in fails the same way.
    let bobs = own.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let answer = victim.get(&stolen.replace(code, bobs)).await;
    assert!(answer.header("location").contains("/application/o/authorize/"), "{}", answer.body);
    assert_eq!(world.sessions().await, 0);
}

/// Core appends an error with a second question mark.
#[tokio::test]
async fn what_core_refuses_is_said_with_its_reason_and_a_link() {
    let world = with_app().await;
    let browser = Browser::new();
    let url = world.url("app.test", "/json?back=here");
    let authorize = begin(&browser, &url).await;
    world
        .core
        .set_authorize_error(Some(("access_denied", "No entry <script>alert(1)</script> today")));
    let back = browser.get(&authorize).await;
    assert_eq!(back.header("location").matches('?').count(), 2, "{}", back.header("location"));
    let page = browser.get(back.header("location")).await;
    assert_explains(&page, "No entry");
    assert!(page.body.contains("access_denied"));
    assert!(!page.body.contains("<script"), "CVE-2024-21637: {}", page.body);
    assert!(page.body.contains("back%3Dhere"), "the link leads to where she was going");
    assert!(crate::sign_in::flow_cookies(&browser).is_empty(), "this sign-in has ended");
}

#[tokio::test]
async fn callbacks_that_say_nothing_of_sense_start_over_once_and_then_explain() {
    let world = with_app().await;
    let callback = "/outpost.goauthentik.io/callback?X-authentik-auth-callback=true";
    for rest in [
        "",
        "&code=x",
        "&code=x&state=y",
        "&code=a&code=b&state=c",
        "&state=%FF",
        "&code=x&state=a.b.c",
    ] {
        let browser = Browser::new();
        let url = world.url("app.test", &format!("{callback}{rest}"));
        let first = browser.get(&url).await;
        assert!(
            first.header("location").contains("/application/o/authorize/"),
            "{rest}: {}",
            first.body
        );
        assert_explains(&browser.get(&url).await, "does not belong to a sign-in");
    }
    assert_eq!(world.core.observe(|seen| seen.tokens_issued), 0);
}
