//! Renewals that fail: no session ends by that, and none comes back to life.

use outpost::clock;
use outpost::session::{Replaced, Selection};
use outpost_demo::core::{Endpoint, Fault};

use crate::renewal::world::{World, eventually};

#[tokio::test]
async fn what_core_refuses_for_good_is_tried_once_and_the_session_goes_on_to_its_end() {
    let world = World::pair().await;
    let alice = world.sign_in("alice").await;
    let first = world.session(&alice.id).await.unwrap();
    world.core.revoke_refresh_tokens("alice");
    assert_eq!(alice.browser.get(&world.page(0)).await.status, 200);
    world.renewal_is_over(&alice.id).await;
    let standing = world.session(&alice.id).await.unwrap();
    assert!(standing.refresh_token.is_none());
    assert_eq!(standing.about.expires, first.about.expires);
    for outpost in [0, 1, 0, 1] {
        assert_eq!(alice.browser.get(&world.page(outpost)).await.status, 200);
    }
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn while_core_fails_sessions_go_on_and_core_is_not_asked_for_each_request() {
    for fault in [Fault::Status(502), Fault::starting(), Fault::Lost] {
        let world = World::pair().await;
        let alice = world.sign_in("alice").await;
        world.core.set_fault(Endpoint::Refresh, fault);
        assert_eq!(alice.browser.get(&world.page(0)).await.status, 200);
        world.core.wait_for("a try", |seen| seen.count(Endpoint::Refresh) > 0).await.unwrap();
        for n in 0..40 {
            assert_eq!(alice.browser.get(&world.page(n % 2)).await.status, 200);
        }
        assert_eq!(world.asked(), 1);
        assert!(world.session(&alice.id).await.unwrap().refresh_token.is_some());
    }
}

/// As when the lease was lost: both redeem, one is refused.
#[tokio::test]
async fn a_refused_renewal_leaves_alone_what_another_has_renewed() {
    let world = World::single(&[]).await;
    let alice = world.sign_in("alice").await;
    world.core.set_fault(Endpoint::Refresh, Fault::Hang);
    assert_eq!(alice.browser.get(&world.page(0)).await.status, 200);
    world.core.wait_for("a try", |seen| seen.count(Endpoint::Refresh) > 0).await.unwrap();

    let mut others = world.session(&alice.id).await.unwrap().next_version();
    others.about.expires = others.about.expires.plus(7200);
    others.refresh_token = Some("the other's".into());
    let (about, generation) = (others.about.clone(), others.generation);
    let sessions = &world.outposts[0].published.sessions;
    let replaced = sessions.replace(&alice.id, others, clock::now()).await;
    assert_eq!(replaced, Ok(Replaced::Kept));
    world.core.revoke_refresh_tokens("alice");
    world.core.clear_faults();
    world.renewal_is_over(&alice.id).await;

    let standing = world.session(&alice.id).await.unwrap();
    assert_eq!((&standing.about, standing.generation), (&about, generation));
    assert!(standing.refresh_token.is_some());
}

/// As when a re-check notes at the same time that core has vouched for the session.
#[tokio::test]
async fn another_change_meanwhile_does_not_cost_what_core_gave() {
    let world = World::single(&[]).await;
    let alice = world.sign_in("alice").await;
    world.core.set_fault(Endpoint::Refresh, Fault::Hang);
    assert_eq!(alice.browser.get(&world.page(0)).await.status, 200);
    world.core.wait_for("a try", |seen| seen.count(Endpoint::Refresh) > 0).await.unwrap();
    let mut changed = world.session(&alice.id).await.unwrap().next_version();
    changed.about.verified = changed.about.verified.plus(1000);
    let (verified, expires) = (changed.about.verified, changed.about.expires);
    let sessions = &world.outposts[0].published.sessions;
    let replaced = sessions.replace(&alice.id, changed, clock::now()).await;
    assert_eq!(replaced, Ok(Replaced::Kept));
    world.core.clear_faults();
    world.renewal_is_over(&alice.id).await;
    let standing = world.session(&alice.id).await.unwrap();
    assert!(standing.generation >= 2);
    assert_eq!(standing.about.verified, verified);
    assert!(standing.about.expires > expires);
}

#[tokio::test]
async fn a_session_revoked_during_its_renewal_stays_revoked() {
    let world = World::single(&[]).await;
    let alice = world.sign_in("alice").await;
    let subject = world.session(&alice.id).await.unwrap().about.sub.clone();
    world.core.set_fault(Endpoint::Refresh, Fault::Hang);
    assert_eq!(alice.browser.get(&world.page(0)).await.status, 200);
    world.core.wait_for("a try", |seen| seen.count(Endpoint::Refresh) > 0).await.unwrap();
    let sessions = &world.outposts[0].published.sessions;
    assert_eq!(sessions.end(&Selection::Subject(subject)).await.unwrap().len(), 1);
    world.core.clear_faults();
    world.renewal_is_over(&alice.id).await;
    assert_eq!(world.core.observe(|seen| seen.redeems_of("alice")), 1, "core gave new tokens");
    assert!(world.session(&alice.id).await.is_none());
    assert_ne!(alice.browser.get(&world.page(0)).await.status, 200);
    assert_eq!(sessions.count(None, clock::now()).await, Ok(0));
}

/// The real core keeps refresh tokens when the session ends in which they were given.
#[tokio::test]
async fn a_session_of_core_that_ended_unheard_is_not_stretched_but_ended() {
    let world = World::single(&[]).await;
    world.core.set_refresh_outlives_sessions(true);
    let alice = world.sign_in("alice").await;
    let sid = world.session(&alice.id).await.unwrap().about.sid.clone().unwrap();
    assert!(world.core.end_session_untold(&sid));
    eventually("the session ends", async || alice.browser.get(&world.page(0)).await.status != 200)
        .await;
    assert!(world.session(&alice.id).await.is_none());
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn tokens_that_are_not_the_sessions_own_do_not_renew_it() {
    let wrong = [
        ("sub", "somebody else".into()),
        ("sid", "another session".into()),
        ("aud", "another client".into()),
        ("sid", serde_json::Value::Null),
    ];
    for (claim, value) in wrong {
        let world = World::single(&[]).await;
        let alice = world.sign_in("alice").await;
        let first = world.session(&alice.id).await.unwrap();
        let wrong = value.clone();
        world.core.tamper_tokens(move |draft| {
            draft.claims.insert(claim.into(), wrong.clone());
        });
        assert_eq!(alice.browser.get(&world.page(0)).await.status, 200);
        world.renewal_is_over(&alice.id).await;
        let standing = world.session(&alice.id).await.expect("the session goes on");
        assert_eq!(standing.about, first.about, "{claim}: {value}");
        assert!(standing.refresh_token.is_none(), "{claim}: {value}");
        let page = alice.browser.get(&world.page(0)).await;
        assert_eq!(page.received("x-authentik-username").as_deref(), Some("alice"));
    }
}
