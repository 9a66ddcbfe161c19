//! Two outposts over one store.

use std::sync::Arc;

use outpost::boot;
use outpost::session::memory::MemoryStore;
use outpost_decision::coverage::CLOCKS_DIFFER;
use outpost_tests::world;
use reqwest::Method;

use super::*;

/// The application through an outpost, whatever its port: as behind a load balancer.
async fn visit_at(world: &World, outpost: &Held, browser: &Browser) -> Answer {
    let url = format!("http://app.test:{}/json", outpost.addresses.http[0].port());
    let host = format!("app.test:{}", world.port());
    browser.send(Method::GET, &url, &[("host", &host)], None).await
}

/// A world whose outpost shares its store with another one.
async fn pair(variables: &[(&str, &str)]) -> (World, Held, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::shared_within_process(100_000));
    let mut all = vec![QUICK];
    all.extend_from_slice(variables);
    let mut world = World::with(CoreOptions::default(), &all).await;
    let settings = || world::settings(&world.core, &all);
    let shared = || Arc::clone(&store) as Arc<dyn outpost::session::SessionStore>;
    let first = boot::hold_with(settings(), shared()).expect("an outpost");
    let second = boot::hold_with(settings(), shared()).expect("an outpost");
    world.outpost = first;
    world.serve([world.proxy()]).await;
    second.refresh();
    let serves = second.published.snapshot.wait_for(|now| !now.ruleset.providers().is_empty());
    tokio::time::timeout(PATIENCE, serves).await.expect("in time").expect("it lives");
    world.core.wait_connected(2).await.expect("both are connected");
    doubts_after(&world.outpost, 0).await;
    doubts_after(&second, 0).await;
    (world, second, store)
}

/// Waits until this outpost has added to what both know, so that what it says is not from before.
async fn covers_until(outpost: &Held, until: i64) {
    let covered = |known: &Option<Coverage>| {
        known.as_ref().is_some_and(|known| known.covered_until.0 >= until)
    };
    let found = outpost.published.coverage.wait_for(covered);
    tokio::time::timeout(PATIENCE, found).await.expect("hellos go on").expect("it lives");
}

#[tokio::test]
async fn both_together_ask_once_about_a_session() {
    let (world, second, _store) = pair(&[AT_ONCE]).await;
    let mut users = Vec::new();
    for _ in 0..10 {
        users.push(signed_in(&world, "alice").await);
    }
    let ended = users[0].1.clone();
    gap(&world.core, &[&world.outpost, &second], std::slice::from_ref(&ended)).await;
    let visits = users.iter().map(async |(browser, sid)| {
        let (here, there) = tokio::join!(
            visit_at(&world, &world.outpost, browser),
            visit_at(&world, &second, browser)
        );
        let expected = if *sid == ended { 302 } else { 200 };
        assert_eq!((here.status.as_u16(), there.status.as_u16()), (expected, expected));
    });
    futures_util::future::join_all(visits).await;
    for (_, sid) in &users {
        assert_eq!(asked(&world.core, sid), 1, "whoever was quicker asked for both");
    }
}

#[tokio::test]
async fn a_restart_while_another_replica_listens_is_no_gap() {
    let (world, second, store) = pair(&[AT_ONCE]).await;
    let (alice, sid) = signed_in(&world, "alice").await;
    let before = doubts_before(&second);
    // By now the other one has proven that it has heard what this one has.
    covers_until(&second, outpost::clock::now().0 + CLOCKS_DIFFER + 1).await;
    let World { outpost, core, app } = world;
    outpost.stop();
    core.end_session("of somebody else");
    let shared = Arc::clone(&store) as Arc<dyn outpost::session::SessionStore>;
    let settings = world::settings(&core, &[QUICK, AT_ONCE]);
    let outpost = boot::hold_with(settings, shared).expect("an outpost");
    let world = World { outpost, core, app };
    world.core.wait_connected(2).await.expect("both are connected");
    // Long enough for patience to end, if it had to be patient.
    covers_until(&world.outpost, outpost::clock::now().0 + 8).await;
    assert_eq!(doubts_before(&world.outpost), before);
    assert_eq!(figure(&second, "outpost_core_gaps_total").await, 0);
    assert_eq!(visit_at(&world, &second, &alice).await.status, 200);
    assert_eq!(asked(&world.core, &sid), 0);
    // And the end of a session reaches both while one of them listens.
    world.core.end_session(&sid);
    let ended = async {
        while visit_at(&world, &second, &alice).await.status != 302 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("it ends");
}
