//! How long sessions last at most.

use outpost::clock;

use crate::renewal::world::{SignedIn, World};

/// `Max-Age` of the session cookie that a sign-in has set.
fn max_age(signed_in: &SignedIn) -> i64 {
    let value = signed_in.id.cookie_value();
    let cookies = signed_in.callback.headers.get_all("set-cookie").iter();
    let cookie =
        cookies.filter_map(|cookie| cookie.to_str().ok()).find(|cookie| cookie.contains(&value));
    let age = cookie.unwrap().split("Max-Age=").nth(1).unwrap();
    age.split(';').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn renewals_stretch_a_session_up_to_its_maximum_and_the_cookie_lives_as_long() {
    let world = World::single(&[("OUTPOST__SESSIONS__MAX_LIFETIME", "1h")]).await;
    let alice = world.sign_in("alice").await;
    assert!((3590..=3600).contains(&max_age(&alice)), "{}", max_age(&alice));
    let first = world.session(&alice.id).await.unwrap();
    let ends_by = first.about.created.plus(3600);
    assert_eq!(first.about.ends_by, Some(ends_by));
    assert!(first.about.expires < ends_by);
    assert_eq!(alice.browser.get(&world.page(0)).await.status, 200);
    world.renewal_is_over(&alice.id).await;
    let renewed = world.session(&alice.id).await.unwrap();
    assert_eq!((renewed.about.expires, renewed.about.ends_by), (ends_by, Some(ends_by)));
    assert!(renewed.claims.exp > ends_by.0, "the token itself lasts longer");
}

#[tokio::test]
async fn an_application_has_limits_of_its_own() {
    let limits = [
        ("OUTPOST__SESSIONS__IDLE_TIMEOUT", "1h"),
        ("OUTPOST__SESSIONS__LIMITS", "app max_lifetime=100s, other idle_timeout=1s"),
    ];
    let world = World::single(&limits).await;
    let alice = world.sign_in("alice").await;
    let about = world.session(&alice.id).await.unwrap().about.clone();
    assert_eq!(about.expires, about.created.plus(100), "earlier than its token");
    assert_eq!(about.idle_seconds, Some(3600));
    assert!(max_age(&alice) <= 100);
    assert_eq!(alice.browser.get(&world.page(0)).await.status, 200);
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_by_its_idle_limit() {
    let world = World::single(&[("OUTPOST__SESSIONS__IDLE_TIMEOUT", "60s")]).await;
    let alice = world.sign_in("alice").await;
    let sessions = &world.outposts[0].published.sessions;
    let after = async |seconds| {
        sessions.reread(&alice.id, clock::now().plus(seconds)).await.unwrap().is_some()
    };
    assert!(after(30).await);
    assert!(!after(61).await);
}

#[tokio::test]
async fn without_renewals_no_refresh_token_is_kept_and_the_cookie_ends_with_the_token() {
    let world = World::single(&[("OUTPOST__SESSIONS__RENEW_BEFORE", "0s")]).await;
    let alice = world.sign_in("alice").await;
    assert!(max_age(&alice) <= 200);
    assert!(world.session(&alice.id).await.unwrap().refresh_token.is_none());
    assert_eq!(alice.browser.get(&world.page(0)).await.status, 200);
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn a_session_that_can_be_renewed_has_a_cookie_that_outlives_its_token() {
    let world = World::single(&[]).await;
    let alice = world.sign_in("alice").await;
    assert_eq!(max_age(&alice), 30 * 24 * 3600);
}
