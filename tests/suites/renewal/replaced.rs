//! A browser that signs in once more: what becomes of its session before.

use outpost_tests::Browser;

use crate::renewal::world::{SignedIn, World, eventually};

/// What the application answers to a cookie, as from a request that is under way.
async fn status(world: &World, cookie: &str) -> u16 {
    let headers = [("cookie", cookie)];
    let answer = Browser::new().send(reqwest::Method::GET, &world.page(0), &headers, None).await;
    answer.status.as_u16()
}

fn cookie_of(signed_in: &SignedIn) -> String {
    let name = signed_in.browser.cookie_names().into_iter().find(|name| {
        signed_in.browser.cookie(name).as_deref() == Some(&signed_in.id.cookie_value())
    });
    format!("{}={}", name.expect("its cookie"), signed_in.id.cookie_value())
}

#[tokio::test]
async fn requests_under_way_with_the_session_before_are_served_and_it_ends_soon() {
    let world = World::single(&[]).await;
    let first = world.sign_in("alice").await;
    let old = cookie_of(&first);
    let second = world.sign_in_with(first.browser, "alice").await;
    assert!(second.id != first.id);
    assert_eq!(status(&world, &old).await, 200);
    eventually("the session before ends", async || world.session(&first.id).await.is_none()).await;
    assert_ne!(status(&world, &old).await, 200);
    assert_eq!(second.browser.get(&world.page(0)).await.status, 200);
}

#[tokio::test]
async fn the_session_of_another_user_ends_at_once() {
    let world = World::single(&[]).await;
    let first = world.sign_in("alice").await;
    let old = cookie_of(&first);
    let second = world.sign_in_with(first.browser, "bob").await;
    assert_ne!(status(&world, &old).await, 200);
    assert!(world.session(&first.id).await.is_none());
    assert_eq!(second.browser.get(&world.page(0)).await.status, 200);
}
