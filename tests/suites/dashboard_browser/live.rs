//! Pages that change while one looks, without taking anything away from who reads them.

use outpost_tests::Relay;
use outpost_tests::webdriver::Chromium;
use serde_json::json;

use crate::dashboard_browser::site::{
    Site, assert_quiet, chromium, count_frames, frames_taken, open_live, takes_a_frame_after,
};

/// The text of what has the focus.
async fn focused(browser: &Chromium) -> String {
    let text = browser.run("return document.activeElement.textContent", json!([])).await;
    text.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn focus_selection_and_opened_details_outlive_updates() {
    let site = Site::start().await;
    site.visitor("alice").await;
    let browser = chromium(1440).await;
    open_live(&browser, &site.page("/sessions")).await;
    browser
        .sees("document.querySelector('#sessions-found tbody a')?.textContent === 'alice'")
        .await;

    // A part of the region that the server knows nothing of: text that is selected.
    let prepare = "document.querySelector('#sessions-found tbody a').focus();
        getSelection().selectAllChildren(document.querySelector('#sessions-found tbody td'));";
    browser.run(prepare, json!([])).await;
    assert_eq!(focused(&browser).await, "alice");
    let selected = browser.run("return String(getSelection())", json!([])).await;
    assert_ne!(selected, json!(""));

    site.visitor("bob").await;
    browser.sees("document.querySelectorAll('#sessions-found tbody tr').length === 2").await;
    assert_eq!(focused(&browser).await, "alice", "the focus stays though a row came before it");
    assert_eq!(browser.run("return String(getSelection())", json!([])).await, selected);
    assert_quiet(&browser).await;
    browser.quit().await;
}

#[tokio::test]
async fn a_lost_feed_is_said_and_found_again() {
    let site = Site::start().await;
    let browser = chromium(1440).await;
    let relay = Relay::start(site.world.outpost.addresses.dashboard[0]);
    open_live(&browser, &format!("http://{}/decisions", relay.address())).await;
    relay.refuse();
    browser.text_with("Not live: reconnecting").await;
    let missed = site.stranger().await;
    relay.heal();
    browser.sees("document.querySelector('.feed-state').textContent === 'Live'").await;
    browser.sees(&format!("document.querySelector('a[href=\"/decisions/{missed}\"]')")).await;
    let once = "new Set([...document.querySelectorAll('#decisions-tail tr')].map((row) => row.dataset.key)).size
        === document.querySelectorAll('#decisions-tail tr').length";
    assert_eq!(browser.run(&format!("return {once}"), json!([])).await, json!(true), "each once");
    browser.quit().await;
}

#[tokio::test]
async fn nothing_jumps_while_pages_are_live() {
    let site = Site::start().await;
    let alice = site.visitor("alice").await;
    let id = site.stranger().await;
    let browser = chromium(1440).await;
    for (path, frames) in [
        ("/", 3),
        ("/providers", 0),
        ("/sessions", 1),
        ("/decisions", 3),
        (&format!("/decisions/{id}"), 0),
    ] {
        for width in [1440, 390] {
            browser.resize(width, 900).await;
            browser.open(&site.page(path)).await;
            if frames > 0 {
                browser.sees("document.querySelector('.feed-state').textContent === 'Live'").await;
            }
            count_frames(&browser).await;
            for _ in 0..frames {
                let before = frames_taken(&browser).await;
                alice.get(&site.app("/json")).await;
                site.stranger().await;
                takes_a_frame_after(&browser, before).await;
            }
            let jumps = jumps(&browser).await;
            assert!(jumps.is_empty(), "{path} at {width} px: {jumps:#?}");
        }
    }
    assert_quiet(&browser).await;
    browser.quit().await;
}

/// What has moved by itself since the page was opened: how much of the window, and what. Lines of
/// the tail make room for new ones as long as nobody reads them; less than half a percent is a
/// column that became a letter wider.
async fn jumps(browser: &Chromium) -> Vec<String> {
    let script = "const done = arguments[0];
        const observer = new PerformanceObserver((list) => {
            const inTail = ({ node }) => {
                const element = node instanceof Element ? node : node?.parentElement;
                return !element || element.closest('#decisions-tail');
            };
            const name = ({ node }) => node?.outerHTML?.slice(0, 120) ?? String(node?.nodeValue);
            done(list.getEntries()
                .filter((entry) => !entry.hadRecentInput && !entry.sources.every(inTail))
                .filter((entry) => entry.value > 0.005)
                .map((entry) => `${entry.value}: ${entry.sources.map(name).join(' | ')}`));
        });
        observer.observe({ type: 'layout-shift', buffered: true });
        // Without any entry nothing is observed.
        setTimeout(() => done([]), 200);";
    let found = browser.run_until_done(script, json!([])).await;
    found.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn moments_age_in_the_words_that_the_server_uses() {
    let site = Site::start().await;
    site.visitor("alice").await;
    let browser = chromium(1440).await;
    open_live(&browser, &site.page("/sessions")).await;
    // Paused, only the script changes what is shown.
    browser.click("#feed button").await;
    browser.text_with("Paused").await;
    let ages = |age: &str| {
        format!(
            "const time = document.createElement('time');
             time.dateTime = new Date(Date.now() + ({age}) * 1000).toISOString();
             time.title = 'x UTC'; time.className = 'probe'; document.querySelector('main').append(time);"
        )
    };
    for age in ["-65", "-60 * 60", "3 * 60 * 60 + 9", "-4 * 86400"] {
        browser.run(&ages(age), json!([])).await;
    }
    let texts = browser
        .sees("[...document.querySelectorAll('.probe')].every((time) => time.textContent) && [...document.querySelectorAll('.probe')].map((time) => time.textContent)")
        .await;
    let texts: Vec<&str> =
        texts.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert!(texts[0].ends_with(" s ago"), "{texts:?}");
    assert!(["59 min ago", "60 min ago"].contains(&texts[1]), "{texts:?}");
    assert_eq!(texts[2..], ["in 3 h", "4 days ago"]);
    browser.quit().await;
}
