//! The main road of an operator: somebody signs in to an application, is seen, and is signed out
//! from another replica.

use outpost_tests::balancer::Balancer;
use outpost_tests::redis::RedisServer;
use outpost_tests::stage::Stage;
use outpost_tests::{Browser, Replicas};
use serde_json::json;

use crate::dashboard_browser::site::{
    Site, TOKEN, VIEW_TOKEN, assert_quiet, chromium, decision_id, open_live,
};

#[tokio::test]
async fn a_session_appears_is_found_is_ended_and_the_browser_is_signed_out_at_every_replica() {
    let stage = Stage::of("app.localhost");
    let redis = RedisServer::start();
    let store = redis.url();
    // Patience with the store: the machine is busy, and no test here is about it.
    let variables = [
        ("OUTPOST__SESSIONS__STORE", store.as_str()),
        ("OUTPOST__SESSIONS__TIMEOUT", "10s"),
        ("OUTPOST__SESSIONS__CONNECT_TIMEOUT", "10s"),
        ("OUTPOST__ADMIN__TOKEN", TOKEN),
    ];
    let replicas = Replicas::start(&stage.core, 2, &variables).await;
    let balancer = Balancer::start(stage.reserved, &replicas.http()).await;
    let pages =
        |index: usize, path: &str| format!("http://{}{path}", replicas.addresses(index).dashboard);

    // The operator signs in to the pages of the second replica, and looks at nobody's sessions.
    let operator = chromium(1440).await;
    operator.open(&pages(1, "/sessions")).await;
    operator.see_heading("Sign in").await;
    operator.type_into("input[name=token]", TOKEN).await;
    operator.click("form button").await;
    operator.see_heading("Sessions").await;
    operator.text_with("Nobody is signed in.").await;
    operator.sees("document.querySelector('.feed-state').textContent === 'Live'").await;
    operator.run("window.not_reloaded = true", json!([])).await;

    // Alice signs in to the application, anywhere.
    let alice = chromium(1200).await;
    let application = balancer.at.url("app.localhost", "/json");
    alice.open(&application).await;
    alice.type_into("input[name=username]", "alice").await;
    alice.type_into("input[name=password]", "alice-password").await;
    alice.click("button").await;
    alice.text_with("x-authentik-username").await;

    // Her session appears by itself.
    operator
        .sees("document.querySelector('#sessions-found tbody a')?.textContent === 'alice'")
        .await;
    assert_eq!(operator.run("return window.not_reloaded", json!([])).await, json!(true));

    // The operator opens it, reads the plan, and ends it.
    operator.click("#sessions-found tbody a").await;
    operator.see_heading("Session of alice").await;
    operator.click("a.button.danger").await;
    operator.text_with("Nothing has been ended yet.").await;
    assert_eq!(alice.fetch_status("/json").await, json!(200), "a plan ends nothing");
    operator.click("button.danger").await;
    operator.see_heading("Sessions").await;
    operator.sees("document.querySelector('.done')?.textContent.includes('1 session')").await;
    operator.text_with("Nobody is signed in.").await;

    // Alice's browser is signed out, whichever replica it asks.
    for index in 0..2 {
        let cookies = alice.cookie_header().await;
        let url = replicas.url(index, "app.localhost", "/json");
        let headers = [("cookie", cookies.as_str()), ("accept", "application/json")];
        let answer = Browser::new().send(reqwest::Method::GET, &url, &headers, None).await;
        assert_eq!(answer.status, 401, "replica {index}: {}", answer.body);
    }
    assert_eq!(alice.fetch_status("/json").await, json!(401), "signed out");
    assert_quiet(&operator).await;
    operator.quit().await;
    alice.quit().await;
}

#[tokio::test]
async fn a_refused_request_is_found_by_the_id_on_its_error_page_and_in_the_tail() {
    let site = Site::start().await;
    let browser = chromium(1440).await;
    browser.open(&site.world.url("nowhere.localhost", "/lost?x=1")).await;
    let id = decision_id(&browser.text_with("no_provider").await);
    // The error page itself is refused by its status: that is in the console.
    browser.console().await;

    browser.open(&site.page(&format!("/decisions/{id}"))).await;
    browser.see_heading("Refused: GET nowhere.localhost").await;
    let text = browser.text_with("What to change:").await;
    assert!(text.contains("no_provider"), "{text}");
    assert!(text.contains(&id), "{text}");

    // The same from the list, which shows it by itself.
    open_live(&browser, &site.page("/decisions?outcome=denied&user=")).await;
    let other = site.stranger().await;
    browser.sees(&format!("document.querySelector('a[href=\"/decisions/{other}\"]')")).await;
    browser.click(&format!("a[href='/decisions/{other}']")).await;
    browser.see_heading("Refused: GET nowhere.localhost").await;
    browser.click("nav[aria-label=Related] a.main").await;
    browser.see_heading("Explain").await;
    let text = browser.text_with("no_provider").await;
    assert!(text.contains("Refused"), "{text}");
    assert_quiet(&browser).await;
    browser.quit().await;
}

#[tokio::test]
async fn who_may_only_look_finds_no_button_and_who_is_signed_out_is_told() {
    let site = Site::locked().await;
    site.visitor("alice").await;
    let browser = chromium(1440).await;
    browser.open(&site.page("/sessions")).await;
    browser.type_into("input[name=token]", "not the token").await;
    browser.click("form button").await;
    browser.sees("document.querySelector('[role=alert]')").await;
    // A refused form has a status that tells so, which is in the console.
    browser.console().await;
    browser.type_into("input[name=token]", VIEW_TOKEN).await;
    browser.click("form button").await;
    browser.see_heading("Sessions").await;
    browser.click("#sessions-found tbody a").await;
    browser.see_heading("Session of alice").await;
    let revoke = "document.querySelectorAll('a[href*=revoke], form[action*=revoke]').length";
    assert_eq!(browser.run(&format!("return {revoke}"), json!([])).await, json!(0));
    assert_quiet(&browser).await;

    // Signing out in another tab ends the feed of this one, which says so.
    browser.sees("document.querySelector('.feed-state').textContent === 'Live'").await;
    let leave = "const done = arguments[0]; const form = document.querySelector('form[action=\"/sign-out\"]');
        fetch('/sign-out', { method: 'POST', body: new URLSearchParams(new FormData(form)) })
            .then((answer) => done(answer.ok), (error) => done(String(error)));";
    assert_eq!(browser.run_until_done(leave, json!([])).await, json!(true));
    browser.sees("document.querySelector('.feed[data-state=closed] a')").await;
    let text = browser.text_with("Signed out: sign in again").await;
    assert!(!text.contains("reconnecting"), "{text}");
    browser.click(".feed-state a").await;
    browser.see_heading("Sign in").await;
    browser.quit().await;
}
