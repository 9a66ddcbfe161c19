//! Renewals that succeed: in time, once, and noticed by nobody.

use futures_util::future::join_all;
use outpost_demo::core::{Endpoint, Fault, UserSpec};
use secrecy::ExposeSecret;

use crate::renewal::world::{World, eventually};

#[tokio::test]
async fn a_session_is_renewed_before_its_end_and_groups_follow() {
    for rotate in [true, false] {
        let world = World::single(&[]).await;
        world.core.set_refresh_rotation(rotate);
        let alice = world.sign_in("alice").await;
        let first = world.session(&alice.id).await.unwrap();
        world.core.put_user(UserSpec::new("alice", "alice-password").groups(&["after"]));
        let page = world.page(0);
        eventually("the groups follow", async || {
            let answer = alice.browser.get(&page).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.received("x-authentik-groups").as_deref() == Some("after")
        })
        .await;
        let renewed = world.session(&alice.id).await.unwrap();
        assert!(renewed.about.expires > first.about.expires.plus(3600), "{:?}", renewed.about);
        assert!(renewed.about.verified >= first.about.verified);
        assert_eq!(renewed.about.sid, first.about.sid);
        assert!(renewed.generation > first.generation && renewed.refresh_token.is_some());
        for _ in 0..20 {
            assert_eq!(alice.browser.get(&page).await.status, 200);
        }
        assert_eq!(world.asked(), 1, "rotation: {rotate}");
    }
}

/// Core does not answer the renewal at all meanwhile: nobody waits for it.
#[tokio::test]
async fn fifty_requests_at_two_outposts_redeem_once_and_do_not_wait_for_core() {
    let world = World::pair().await;
    let alice = world.sign_in("alice").await;
    world.core.set_fault(Endpoint::Refresh, Fault::Hang);
    let pages = [world.page(0), world.page(1)];
    for _ in 0..2 {
        let requests = (0..50).map(|n| alice.browser.get(&pages[n % 2]));
        for answer in join_all(requests).await {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
    world.core.wait_for("a redeem", |seen| seen.count(Endpoint::Refresh) > 0).await.unwrap();
    world.core.clear_faults();
    world.renewal_is_over(&alice.id).await;
    assert!(world.session(&alice.id).await.unwrap().generation > 0);
    for answer in join_all((0..50).map(|n| alice.browser.get(&pages[n % 2]))).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let (redeems, tries) =
        world.core.observe(|seen| (seen.redeems_of("alice"), seen.most_tries_of_a_refresh_token()));
    assert_eq!((redeems, tries, world.asked()), (1, 1, 1));
}

#[tokio::test]
async fn a_renewal_does_not_die_with_the_client_and_is_finished_when_the_outpost_stops() {
    let mut world = World::pair().await;
    let alice = world.sign_in("alice").await;
    let before = world.session(&alice.id).await.unwrap();
    world.core.set_fault(Endpoint::Refresh, Fault::Hang);
    assert_eq!(alice.browser.get(&world.page(1)).await.status, 200);
    world.core.wait_for("a redeem", |seen| seen.count(Endpoint::Refresh) > 0).await.unwrap();
    let second = world.outposts.pop().unwrap();
    let address = second.addresses.http[0];
    let stopping = std::thread::spawn(move || second.stop());
    eventually("the outpost does not listen any more", async || {
        tokio::net::TcpStream::connect(address).await.is_err()
    })
    .await;
    world.core.clear_faults();
    stopping.join().unwrap();
    let renewed = world.session(&alice.id).await.unwrap();
    assert_ne!(
        renewed.token.expose_secret(),
        before.token.expose_secret(),
        "what core gave was kept"
    );
}
