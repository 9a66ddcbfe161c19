//! The tail of decisions: it moves only while nobody reads it.

use outpost_tests::webdriver::Chromium;
use serde_json::json;

use crate::dashboard_browser::site::{
    Site, assert_quiet, chromium, count_frames, frames_taken, open_live, takes_a_frame_after,
};

async fn rows(browser: &Chromium) -> u64 {
    let count = "return document.querySelectorAll('#decisions-tail tr').length";
    browser.run(count, json!([])).await.as_u64().unwrap()
}

/// Expression: the list holds this decision.
fn shown(id: &str) -> String {
    format!("document.querySelector('#decisions-tail a[href=\"/decisions/{id}\"]')")
}

#[tokio::test]
async fn new_decisions_wait_while_somebody_is_in_the_list_and_come_when_asked_for() {
    let site = Site::start().await;
    let first = site.stranger().await;
    let browser = chromium(1440).await;
    open_live(&browser, &site.page("/decisions")).await;
    browser.sees(&shown(&first)).await;

    // The focus is in the list: nothing moves, and a button says how many wait.
    browser.run("document.querySelector('#decisions-tail a').focus()", json!([])).await;
    let before = rows(&browser).await;
    let second = site.stranger().await;
    let third = site.stranger().await;
    browser.sees("document.querySelector('[data-live-new]').textContent === 'Show 2 new'").await;
    assert_eq!(rows(&browser).await, before);
    assert_eq!(
        browser
            .run("return document.activeElement.closest('#decisions-tail') !== null", json!([]))
            .await,
        json!(true)
    );

    browser.click("[data-live-new]").await;
    browser.sees(&shown(&third)).await;
    assert_eq!(rows(&browser).await, before + 2);
    let order = "return [...document.querySelectorAll('#decisions-tail a')].slice(0, 3).map((a) => a.getAttribute('href'))";
    let expected = [&third, &second, &first].map(|id| format!("/decisions/{id}"));
    assert_eq!(browser.run(order, json!([])).await, json!(expected), "newest first");
    let button = "return document.querySelector('[data-live-new]').hidden";
    assert_eq!(browser.run(button, json!([])).await, json!(true));
    assert_quiet(&browser).await;
    browser.quit().await;
}

#[tokio::test]
async fn a_paused_page_stays_as_it_is_and_catches_up() {
    let site = Site::start().await;
    site.stranger().await;
    let browser = chromium(1440).await;
    open_live(&browser, &site.page("/decisions")).await;
    // The mouse is not in the list.
    browser.point_at(5, 5).await;
    count_frames(&browser).await;
    browser.click(".tail [data-live-pause]").await;
    browser.text_with("Paused").await;
    let labels = "[...document.querySelectorAll('[data-live-pause], #feed button')].map((button) => button.textContent)";
    let asked = browser.run(&format!("return {labels}"), json!([])).await;
    assert_eq!(asked, json!(["Resume", "Resume"]));

    let before = rows(&browser).await;
    let missed = site.stranger().await;
    // A second browser of the same pages shows it, so that the feed has had its chance.
    let other = chromium(390).await;
    open_live(&other, &site.page("/decisions")).await;
    other.sees(&shown(&missed)).await;
    count_frames(&other).await;
    let taken = frames_taken(&other).await;
    site.stranger().await;
    takes_a_frame_after(&other, taken).await;
    other.quit().await;
    assert_eq!(rows(&browser).await, before);

    browser.click("#feed button").await;
    browser.sees("document.querySelector('.feed-state').textContent === 'Live'").await;
    browser.point_at(5, 5).await;
    browser.sees(&shown(&missed)).await;
    assert_quiet(&browser).await;
    browser.quit().await;
}
