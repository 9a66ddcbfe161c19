//! Once with a real browser.

use outpost_demo::core::ProviderSpec;
use outpost_tests::proxies::Kind;
use outpost_tests::webdriver::Chromium;

use crate::proxies::front::Front;

/// Browsers find every host below `localhost` on their own machine.
#[tokio::test]
async fn chromium_signs_in_and_out_through_nginx() {
    let front = Front::serving(Kind::Nginx, "app.localhost", |at| {
        vec![ProviderSpec::forward_single("app", &at("app.localhost")).skip("^/public/")]
    })
    .await;
    let browser = Chromium::start(1200, 900).await;
    let page = front.url("app.localhost", "/deep/page?a=1&b=x%26y&n=%C3%A4");
    browser.open(&page).await;
    browser.type_into("input[name=username]", "alice").await;
    browser.type_into("input[name=password]", "alice-password").await;
    browser.click("button").await;
    browser.see_heading("Hello, Alice").await;
    assert_eq!(browser.url().await, page);
    assert_eq!(browser.fetch_status("/json").await, 200);
    browser.open(&front.url("app.localhost", "/outpost.goauthentik.io/sign_out")).await;
    browser.see_heading("logged out of app").await;
    browser.open(&front.url("app.localhost", "/public/hello")).await;
    browser.see_heading("A page for everybody").await;
    assert_eq!(browser.fetch_status("/json").await, 401, "signed out");
    browser.quit().await;
}
