//! What real requests tell of the configuration.

use outpost_demo::core::{CoreOptions, ProviderSpec};
use outpost_tests::{Browser, World};
use reqwest::Method;
use serde_json::Value;

use super::support::{finding, finds};

/// Sends a request with these headers to `host`.
async fn send(world: &World, host: &str, headers: &[(&str, &str)]) {
    let browser = Browser::new();
    let page = browser.send(Method::GET, &world.url(host, "/x"), headers, None).await;
    assert_ne!(page.status, 0);
}

fn message(finding: &Value) -> &str {
    finding["message"].as_str().unwrap()
}

#[actix_rt::test]
async fn a_proxy_that_hides_the_scheme_is_found() {
    let world = World::start().await;
    let external = format!("https://app.test:{}", world.port());
    world.serve([ProviderSpec::proxy("app", &external, &world.app.url())]).await;
    send(&world, "app.test", &[]).await;
    let doctor = finds(&world, &["external_scheme_differs"]).await;
    let shown = finding(&doctor, "external_scheme_differs");
    assert!(message(shown).contains(&external), "{shown}");
    send(&world, "app.test", &[("x-forwarded-proto", "https")]).await;
    finds(&world, &[]).await;
}

#[actix_rt::test]
async fn a_proxy_that_hides_the_port_is_found() {
    let world = World::start().await;
    world.serve([ProviderSpec::proxy("app", "http://app.test:8443", &world.app.url())]).await;
    send(&world, "app.test", &[]).await;
    finds(&world, &["external_port_differs"]).await;
    send(&world, "app.test", &[("x-forwarded-host", "app.test:8443")]).await;
    finds(&world, &[]).await;
}

#[actix_rt::test]
async fn a_proxy_that_nobody_trusts_is_found() {
    let trusting = |networks| [("AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS", networks)];
    let headers = [("x-forwarded-proto", "http"), ("x-forwarded-for", "192.0.2.7")];
    let world = World::with(CoreOptions::default(), &trusting("192.0.2.0/24")).await;
    world.serve([world.proxy()]).await;
    send(&world, "app.test", &headers).await;
    let doctor = finds(&world, &["proxy_not_trusted"]).await;
    let shown = finding(&doctor, "proxy_not_trusted");
    assert!(
        message(shown).contains("127.0.0.1 sends X-Forwarded-Proto, X-Forwarded-For"),
        "{shown}"
    );
    let mended = World::with(CoreOptions::default(), &trusting("127.0.0.0/8")).await;
    mended.serve([mended.proxy()]).await;
    send(&mended, "app.test", &headers).await;
    finds(&mended, &[]).await;
}
