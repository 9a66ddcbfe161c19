//! Every page, checked by axe: on a phone and on a desk, light and dark.

use outpost_tests::parts;
use outpost_tests::webdriver::Chromium;
use serde_json::json;

use crate::dashboard_browser::site::{Site, TOKEN, assert_quiet, chromium};

/// Sizes of windows.
const WIDTHS: [u32; 3] = [390, 1440, 2560];

/// What axe finds in the page shown that is serious or critical, with where.
async fn findings(browser: &Chromium) -> Vec<String> {
    let script = "const done = arguments[0];
        axe.run(document, { resultTypes: ['violations'], preload: false }).then(
            ({ violations }) => done(violations
                .filter(({ impact }) => impact === 'serious' || impact === 'critical')
                .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) =>
                    `${id}: ${html.slice(0, 200)}: ${failureSummary}`))),
            (error) => done([String(error)]));";
    let found = browser.run_until_done(script, json!([])).await;
    found.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

/// Opens pages and checks each at all sizes and in both schemes; nothing may be in the console.
async fn check(site: &Site, browser: &Chromium, axe: &str, paths: &[&str]) {
    for path in paths {
        browser.open(&site.page(path)).await;
        browser.sees("document.querySelector('h1')").await;
        assert_quiet(browser).await;
        browser.run(axe, json!([])).await;
        // What is folded is looked at as well.
        let unfold = "for (const part of document.querySelectorAll('details')) part.open = true";
        browser.run(unfold, json!([])).await;
        for width in WIDTHS {
            browser.resize(width, 1000).await;
            let wide = "return document.documentElement.scrollWidth - innerWidth";
            let wide = browser.run(wide, json!([])).await;
            assert_eq!(wide, json!(0), "{path} fits into {width} px");
            for scheme in ["light", "dark"] {
                browser.prefer(scheme).await;
                let found = findings(browser).await;
                assert!(found.is_empty(), "{path}, {scheme}, {width} px: {found:#?}");
            }
        }
    }
}

fn axe() -> String {
    std::fs::read_to_string(parts::find("axe.min.js")).unwrap()
}

#[tokio::test]
async fn pages_of_sessions_and_decisions_are_accessible() {
    let site = Site::start().await;
    site.visitor("alice").await;
    let refused = site.stranger().await;
    let browser = chromium(1440).await;
    let axe = axe();
    check(&site, &browser, &axe, &["/sessions"]).await;
    let session = "return document.querySelector('#sessions-found tbody a').getAttribute('href')";
    browser.open(&site.page("/sessions")).await;
    let session = browser.run(session, json!([])).await;
    let paths = [
        session.as_str().unwrap(),
        "/sessions?by=user&value=nobody",
        "/sessions/revoke?by=user&value=alice",
        "/decisions",
        "/decisions?user=nobody",
        &format!("/decisions/{refused}"),
    ];
    check(&site, &browser, &axe, &paths).await;
    browser.quit().await;
}

#[tokio::test]
async fn pages_of_the_outpost_and_its_providers_are_accessible() {
    let site = Site::start().await;
    site.visitor("alice").await;
    let browser = chromium(1440).await;
    let axe = axe();
    check(&site, &browser, &axe, &["/", "/providers"]).await;
    let provider = "return document.querySelector('main tbody a').getAttribute('href')";
    let provider = browser.run(provider, json!([])).await;
    let provider = provider.as_str().unwrap();
    check(&site, &browser, &axe, &[provider, &format!("{provider}?try=/public/x")]).await;
    browser.quit().await;
}

#[tokio::test]
async fn the_entrance_and_the_pages_that_give_answers_are_accessible() {
    let site = Site::locked().await;
    let browser = chromium(1440).await;
    let axe = axe();
    check(&site, &browser, &axe, &["/sign-in"]).await;
    browser.type_into("input[name=token]", TOKEN).await;
    browser.click("form button").await;
    browser.sees("document.querySelector('nav.places')").await;
    let explained = format!("/explain?url={}", site.app("/public/"));
    let paths = ["/explain", &explained, "/explain?url=nonsense", "/doctor"];
    check(&site, &browser, &axe, &paths).await;
    browser.quit().await;
}
