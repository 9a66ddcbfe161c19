//! Everything that can be done can be done with the keyboard alone.

use outpost_tests::webdriver::{Chromium, keys};
use serde_json::json;

use crate::dashboard_browser::site::{Site, assert_quiet, chromium};

/// Presses the tabulator until what has the focus begins so.
async fn tab_to(browser: &Chromium, wanted: &str) {
    let name = "const element = document.activeElement;
        return element.getAttribute('aria-label') || element.textContent.trim() || element.name || element.tagName";
    let mut passed = Vec::new();
    for _ in 0..80 {
        browser.press(keys::TAB).await;
        let at = browser.run(name, json!([])).await.as_str().unwrap().to_owned();
        if at.starts_with(wanted) {
            // What has the focus can be seen, and seen to have it.
            let seen = "const element = document.activeElement;
                const box = element.getBoundingClientRect();
                return box.width > 0 && box.top >= 0 && box.bottom <= innerHeight
                    && getComputedStyle(element).outlineStyle !== 'none'";
            let seen = browser.run(seen, json!([])).await;
            assert_eq!(seen, json!(true), "{wanted} can be seen while it has the focus");
            return;
        }
        passed.push(at);
    }
    panic!("no way to {wanted}: {passed:#?}");
}

#[tokio::test]
async fn a_session_is_found_and_ended_without_a_mouse() {
    let site = Site::start().await;
    let alice = site.visitor("alice").await;
    let browser = chromium(1440).await;
    browser.open(&site.page("/")).await;

    tab_to(&browser, "Skip to the content").await;
    browser.press(keys::ENTER).await;
    browser.sees("document.activeElement === document.querySelector('main')").await;

    browser.open(&site.page("/")).await;
    tab_to(&browser, "Sessions").await;
    browser.press(keys::ENTER).await;
    browser.see_heading("Sessions").await;
    tab_to(&browser, "value").await;
    for sign in ["a", "l", "i", "c", "e"] {
        browser.press(sign).await;
    }
    browser.press(keys::ENTER).await;
    browser.text_with("user alice").await;
    tab_to(&browser, "Sign out everywhere").await;
    browser.press(keys::ENTER).await;
    browser.text_with("Nothing has been ended yet.").await;
    tab_to(&browser, "End 1 session").await;
    browser.press(keys::ENTER).await;
    browser.sees("document.querySelector('.done')").await;
    assert_eq!(alice.get(&site.app("/json")).await.status, 302, "signed out");
    assert_quiet(&browser).await;
    browser.quit().await;
}

#[tokio::test]
async fn a_decision_is_filtered_for_and_explained_without_a_mouse() {
    let site = Site::start().await;
    site.stranger().await;
    let browser = chromium(390).await;
    browser.open(&site.page("/decisions")).await;
    tab_to(&browser, "path").await;
    for sign in ["/", "l", "o", "s", "t"] {
        browser.press(sign).await;
    }
    browser.press(keys::ENTER).await;
    browser.sees("location.search.includes('path=%2Flost')").await;
    tab_to(&browser, "no provider").await;
    browser.press(keys::ENTER).await;
    browser.see_heading("Refused").await;
    tab_to(&browser, "Explain this request again").await;
    browser.press(keys::ENTER).await;
    browser.see_heading("Explain").await;
    browser.text_with("no_provider").await;
    assert_quiet(&browser).await;
    browser.quit().await;
}
