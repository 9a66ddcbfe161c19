//! The main road, once in each mode.

use outpost_tests::{Browser, World};

#[tokio::test]
async fn alice_signs_in_sees_her_headers_and_signs_out() {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single(), world.forward_domain()]).await;
    let browser = Browser::new();

    let page = browser.sign_in(&world.url("app.test", "/json?a=1&b=%2F"), "alice").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.json()["target"], "/json?a=1&b=%2F", "the address is kept byte for byte");
    assert_eq!(page.received("x-authentik-username").as_deref(), Some("alice"));
    assert_eq!(page.received("x-authentik-groups").as_deref(), Some("admins|staff"));
    assert_eq!(page.received("cookie"), None, "our cookies are ours");

    let out = browser.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
    assert_eq!(out.status, 302);
    assert!(out.header("location").contains("/end-session/?id_token_hint="));
    assert_eq!(browser.get(&world.url("app.test", "/json")).await.status, 302, "signed out");
    assert_eq!(world.sessions().await, 0);
}
