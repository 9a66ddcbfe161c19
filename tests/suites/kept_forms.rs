//! A form that somebody sends after their session has ended is not lost (`sign_in.keep_post_bytes`).

use outpost_demo::core::{CoreOptions, ProviderSpec};
use outpost_tests::webdriver::Chromium;
use outpost_tests::world::outpost;
use outpost_tests::{Answer, Browser, World};
use reqwest::Method;

const KEEP: (&str, &str) = ("OUTPOST__SIGN_IN__KEEP_POST_BYTES", "1000");

/// Bytes that no other program would write the same way.
const BODY: &str = "b=%7e+%7E&a=&&=x&%zz=1;2&text=one%0atwo";

async fn world(variables: &[(&str, &str)]) -> World {
    let world = World::with(CoreOptions::default(), variables).await;
    world.serve([world.proxy()]).await;
    world
}

/// Sends a form as a page of the application does.
async fn send(world: &World, browser: &Browser, body: &str) -> Answer {
    send_with(world, browser, body, &[]).await
}

/// The same with headers in place of the browser's own; an empty value leaves one out.
async fn send_with(
    world: &World,
    browser: &Browser,
    body: &str,
    instead: &[(&str, &str)],
) -> Answer {
    let url = world.url("app.test", "/echo/edit?id=1&x=%2F");
    navigate(world, browser, &url, body, instead).await
}

async fn navigate(
    world: &World,
    browser: &Browser,
    url: &str,
    body: &str,
    instead: &[(&str, &str)],
) -> Answer {
    let origin = world.url("app.test", "");
    let referer = world.url("app.test", "/form");
    let own = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", origin.as_str()),
        ("referer", referer.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("x-own", "mine"),
    ];
    let changed = |name: &str| instead.iter().any(|(key, _)| *key == name);
    let headers: Vec<_> = own
        .into_iter()
        .filter(|(name, _)| !changed(name))
        .chain(instead.iter().copied().filter(|(_, value)| !value.is_empty()))
        .collect();
    browser.send(Method::POST, url, &headers, Some(body.to_owned())).await
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let from = text.find(begin).unwrap_or_else(|| panic!("no {begin} in {text}")) + begin.len();
    let to = text[from..].find(end).unwrap() + from;
    &text[from..to]
}

/// What the page offers: where to sign in, where to send, what to send.
struct Kept {
    sign_in: String,
    action: String,
    sealed: String,
}

fn kept(page: &Answer) -> Kept {
    assert_eq!(page.status, 401, "{}", page.body);
    assert!(page.body.contains("Your form is kept"), "{}", page.body);
    assert_eq!(page.header("cache-control"), "no-store");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.body.contains("<script"));
    let unescaped = |text: &str| text.replace("&amp;", "&");
    Kept {
        sign_in: unescaped(between(&page.body, "rel=\"noopener\" href=\"", "\"")),
        action: unescaped(between(&page.body, "action=\"", "\"")),
        sealed: between(&page.body, "name=\"kept\" value=\"", "\"").to_owned(),
    }
}

async fn resend(world: &World, browser: &Browser, kept: &Kept) -> Answer {
    navigate(world, browser, &kept.action, &format!("kept={}", kept.sealed), &[]).await
}

async fn signed_in(world: &World, user: &str) -> Browser {
    let browser = Browser::new();
    let page = browser.sign_in(&world.url("app.test", "/json"), user).await;
    assert_eq!(page.status, 200, "{}", page.body);
    browser
}

/// Ends the session behind the browser's back, as time would.
async fn session_ends(world: &World) {
    use outpost::session::Selection;
    let provider = world.outpost.published.snapshot.load().ruleset.providers()[0].pk;
    world.outpost.published.sessions.end(&Selection::Provider(provider)).await.unwrap();
}

/// Everything of the form arrives as it was sent, once, and nothing of our page's.
#[tokio::test]
async fn a_form_sent_after_the_session_ended_arrives_after_signing_in_again() {
    let world = world(&[KEEP]).await;
    for kind in ["application/x-www-form-urlencoded", "text/plain;charset=utf-8"] {
        let alice = signed_in(&world, "alice").await;
        session_ends(&world).await;
        let page = send_with(&world, &alice, BODY, &[("content-type", kind)]).await;
        assert!(!page.body.contains(BODY), "sealed: {}", page.body);
        let form = kept(&page);
        let there = alice.sign_in(&form.sign_in, "alice").await;
        assert_eq!(there.status, 200);
        assert!(there.body.contains("You are signed in"), "{}", there.body);

        let arrived = resend(&world, &alice, &form).await;
        assert_eq!(arrived.status, 200, "{}", arrived.body);
        let seen = arrived.json();
        assert_eq!(seen["body"], BODY, "{seen}");
        assert_eq!(seen["method"], "POST");
        assert_eq!(seen["target"], "/echo/edit?id=1&x=%2F", "{seen}");
        assert_eq!(arrived.received("content-type").as_deref(), Some(kind));
        assert_eq!(arrived.received("content-length"), Some(BODY.len().to_string()));
        assert_eq!(arrived.received("x-authentik-username").as_deref(), Some("alice"));
        let referer = world.url("app.test", "/form");
        assert_eq!(arrived.received("referer"), Some(referer));
        assert_eq!(arrived.received("origin"), Some(world.url("app.test", "")));

        let again = resend(&world, &alice, &form).await;
        assert_eq!(again.status, 409, "{}", again.body);
        assert!(again.body.contains("form_sent_before"), "{}", again.body);
    }
}

/// Nobody is signed in yet when it comes back: it is kept as it is, and still sent once.
#[tokio::test]
async fn a_form_that_comes_back_too_early_stays_kept() {
    let world = world(&[KEEP]).await;
    let alice = signed_in(&world, "alice").await;
    session_ends(&world).await;
    let form = kept(&send(&world, &alice, BODY).await);
    let again = kept(&resend(&world, &alice, &form).await);
    assert_eq!((&again.sealed, &again.action), (&form.sealed, &form.action));
    alice.sign_in(&again.sign_in, "alice").await;
    assert_eq!(resend(&world, &alice, &again).await.json()["body"], BODY);
    assert_eq!(resend(&world, &alice, &form).await.status, 409);
}

/// Another replica, or the same after a restart, sends what this one has sealed.
#[tokio::test]
async fn a_form_outlives_the_outpost_that_sealed_it() {
    let mut world = world(&[KEEP]).await;
    let alice = signed_in(&world, "alice").await;
    session_ends(&world).await;
    let form = kept(&send(&world, &alice, BODY).await);
    let old = world.url("app.test", "");
    world.outpost = outpost(&world.core, &[KEEP]);
    let external = world.url("app.test", "");
    assert!(world.core.edit_provider("app", |provider| provider.external_host = external));
    world.refreshed().await;
    alice.sign_in(&world.url("app.test", "/json"), "alice").await;
    let action = form.action.replace(&old, &world.url("app.test", ""));
    let moved = Kept { action, ..form };
    assert_eq!(resend(&world, &alice, &moved).await.json()["body"], BODY);
}

#[tokio::test]
async fn only_the_same_user_in_the_same_browser_sends_it() {
    let world = world(&[KEEP]).await;
    let alice = signed_in(&world, "alice").await;
    session_ends(&world).await;
    let form = kept(&send(&world, &alice, BODY).await);
    // Bob takes her chair.
    alice.forget(|name| !name.starts_with("authentik_proxy"));
    alice.sign_in(&form.sign_in, "bob").await;
    let refused = resend(&world, &alice, &form).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(refused.body.contains("form_of_other_user"), "{}", refused.body);
    // Mallory has copied the page.
    let mallory = signed_in(&world, "bob").await;
    let refused = resend(&world, &mallory, &form).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("form_unreadable"), "{}", refused.body);
    // Neither has used it up.
    session_ends(&world).await;
    alice.forget(|name| !name.starts_with("authentik_proxy"));
    alice.sign_in(&form.sign_in, "alice").await;
    assert_eq!(resend(&world, &alice, &form).await.json()["body"], BODY);
}

#[tokio::test]
async fn a_form_goes_nowhere_but_where_it_was_sent() {
    let world = world(&[KEEP]).await;
    let alice = signed_in(&world, "alice").await;
    session_ends(&world).await;
    let form = kept(&send(&world, &alice, BODY).await);
    alice.sign_in(&form.sign_in, "alice").await;
    let mut changed = form.sealed.clone().into_bytes();
    changed[60] ^= 1;
    let elsewhere = world.url("app.test", "/echo/delete?id=1&X-authentik-resend=true");
    for (action, sealed, code) in [
        (elsewhere.as_str(), form.sealed.as_str(), "form_of_other_target"),
        (&form.action, std::str::from_utf8(&changed).unwrap(), "form_unreadable"),
        (&form.action, "", "form_unreadable"),
    ] {
        let body = format!("kept={sealed}");
        let refused = navigate(&world, &alice, action, &body, &[]).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains(code), "{code}: {}", refused.body);
    }
    let sealed = format!("kept={}", form.sealed);
    let cross = [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")];
    let refused = navigate(&world, &alice, &form.action, &sealed, &cross).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert_eq!(resend(&world, &alice, &form).await.status, 200);
}

/// What is not surely a form of the application's own page gets what it gets today.
#[tokio::test]
async fn forms_of_other_sites_large_ones_and_scripts_are_not_kept() {
    let world = world(&[KEEP]).await;
    let alice = signed_in(&world, "alice").await;
    session_ends(&world).await;
    let long = "x".repeat(1001);
    for (body, headers) in [
        (BODY, &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")][..]),
        (BODY, &[("origin", "null")]),
        (BODY, &[("sec-fetch-site", ""), ("origin", ""), ("referer", "")]),
        (BODY, &[("sec-fetch-mode", "cors")]),
        (BODY, &[("content-type", "application/json")]),
        (BODY, &[("content-type", "multipart/form-data; boundary=b")]),
        (&long, &[]),
    ] {
        let answer = send_with(&world, &alice, body, headers).await;
        assert_eq!(answer.status, 401, "{headers:?}");
        assert_eq!(answer.json()["error"], "not_signed_in_script", "{headers:?}");
        assert!(!alice.cookie_names().iter().any(|name| name.ends_with("_fb")));
    }
    // At the limit.
    let page = send(&world, &alice, &"x".repeat(1000)).await;
    let form = kept(&page);
    alice.sign_in(&form.sign_in, "alice").await;
    assert_eq!(resend(&world, &alice, &form).await.json()["body"], "x".repeat(1000));
}

/// Whoever signed in next would else send it in their own name.
#[tokio::test]
async fn a_form_of_nobody_known_is_not_kept() {
    let world = world(&[KEEP]).await;
    let nobody = Browser::new();
    let answer = send(&world, &nobody, BODY).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error"], "not_signed_in_script");
    assert_eq!(nobody.cookie_names(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_kept_unless_somebody_wants_it() {
    let world = world(&[]).await;
    let alice = signed_in(&world, "alice").await;
    let names = alice.cookie_names();
    let ours = |name: &String| name.ends_with("_fu") || name.ends_with("_fb");
    assert!(!names.iter().any(ours), "{names:?}");
    session_ends(&world).await;
    let answer = send(&world, &alice, BODY).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error"], "not_signed_in_script");
    // The application may use the word.
    let alice = signed_in(&world, "alice").await;
    let url = world.url("app.test", "/echo?X-authentik-resend=true");
    let passed = navigate(&world, &alice, &url, "own=1", &[]).await;
    assert_eq!(passed.json()["body"], "own=1");
}

/// Anonymous forms write nothing; one that comes back is not sent where nobody could tell that it
/// was.
#[tokio::test]
async fn keeping_needs_no_store_and_sending_needs_it() {
    let (world, store) = World::over_a_faulty_store(&[KEEP]).await;
    world.serve([world.proxy()]).await;
    let alice = signed_in(&world, "alice").await;
    // Only the memory of who she was is left: of a session nobody could tell whether it has ended.
    alice.forget(|name| !name.ends_with("_fu"));
    store.set_down(true);
    let form = kept(&send(&world, &alice, BODY).await);
    store.set_down(false);
    alice.sign_in(&form.sign_in, "alice").await;
    store.set_down(true);
    let refused = resend(&world, &alice, &form).await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(!refused.header("retry-after").is_empty());
    store.set_down(false);
    assert_eq!(resend(&world, &alice, &form).await.json()["body"], BODY);
}

/// Whatever browsers make of referrers, origins and policies: it works in one, without a script of
/// ours.
#[tokio::test]
async fn a_person_with_a_real_browser_signs_in_in_another_tab_and_sends_the_form() {
    let world = World::with(CoreOptions::default(), &[KEEP]).await;
    let app = world.url("app.localhost", "");
    world.serve([ProviderSpec::proxy("app", &app, &world.app.url()).skip("^/public/")]).await;
    let browser = Chromium::start(1200, 900).await;
    browser.open(&format!("{app}/json")).await;
    browser.see_heading("Sign in").await;
    browser.type_into("input[name=username]", "alice").await;
    browser.type_into("input[name=password]", "alice-password").await;
    browser.click("button").await;
    browser.text_with("\"user\":\"alice\"").await;
    session_ends(&world).await;
    browser.open(&format!("{app}/public/form")).await;
    browser.see_heading("A page for everybody").await;
    browser.submit_form("/echo/edit?id=1", &[("text", "grüße & co"), ("more", "")]).await;
    browser.see_heading("Your form is kept").await;

    browser.click("a.button").await;
    browser.go_to_tab(1).await;
    browser.see_heading("You are signed in").await;

    browser.go_to_tab(0).await;
    browser.click("button.button").await;
    let seen = browser.text_with("\"method\"").await;
    for expected in [
        "\"body\":\"text=gr%C3%BC%C3%9Fe+%26+co&more=\"",
        "\"target\":\"/echo/edit?id=1\"",
        "\"user\":\"alice\"",
    ] {
        assert!(seen.contains(expected), "{expected} in {seen}");
    }
    browser.quit().await;
}
