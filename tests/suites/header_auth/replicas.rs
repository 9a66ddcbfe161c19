//! Machines whose requests go to whichever replica is free.

use std::sync::Arc;

use outpost::boot::{self, Held};
use outpost::session::memory::MemoryStore;
use outpost_tests::world::settings;
use outpost_tests::{Answer, Browser, World};
use reqwest::Method;

use crate::header_auth::support::{asked, basic, sessions_become, token_of};

/// Two outposts of one core over one store.
async fn replicas(variables: &[(&str, &str)]) -> (World, Held) {
    let mut world = World::start().await;
    let store = Arc::new(MemoryStore::shared_within_process(1_000));
    let another = || {
        let store = Arc::clone(&store) as _;
        boot::hold_with(settings(&world.core, variables), store).expect("an outpost starts")
    };
    let (first, second) = (another(), another());
    world.outpost = first;
    world.serve([world.proxy()]).await;
    second.refresh();
    second.published.snapshot.wait_for(|now| !now.ruleset.providers().is_empty()).await.unwrap();
    (world, second)
}

/// A machine's request to the first and then to the second.
async fn both(world: &World, second: &Held, authorization: &str) -> [Answer; 2] {
    let headers = [("authorization", authorization), ("accept", "application/json")];
    let ask = async |port: u16| {
        let url = format!("http://app.test:{port}/json");
        Browser::new().send(Method::GET, &url, &headers, None).await
    };
    [ask(world.port()).await, ask(second.addresses.http[0].port()).await]
}

#[tokio::test]
async fn what_core_said_to_one_replica_the_others_know() {
    let (world, second) = replicas(&[]).await;
    let token = token_of(&world, "app", "alice").await;
    let before = asked(&world);
    for _ in 0..2 {
        for answer in both(&world, &second, &token).await {
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.received("x-authentik-username").as_deref(), Some("alice"));
        }
        for answer in both(&world, &second, "Bearer garbage").await {
            assert_eq!(answer.status, 401);
        }
        for answer in both(&world, &second, &basic("bob", "bob-app-password")).await {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
    assert_eq!(asked(&world), before + 3, "each header once");
    assert_eq!(world.sessions().await, 2, "one for each machine");
}

#[tokio::test]
async fn however_often_core_is_asked_a_machine_has_one_session() {
    let (world, second) = replicas(&[("OUTPOST__HEADER_AUTH__CACHE_TTL", "0s")]).await;
    let token = token_of(&world, "app", "alice").await;
    let before = asked(&world);
    for _ in 0..3 {
        for answer in both(&world, &second, &token).await {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
    assert_eq!(asked(&world), before + 6);
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn a_header_that_core_refuses_by_now_takes_its_session_along() {
    let (world, second) = replicas(&[("OUTPOST__HEADER_AUTH__CACHE_TTL", "0s")]).await;
    let token = token_of(&world, "app", "alice").await;
    for answer in both(&world, &second, &token).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    world.core.set_inactive_user("alice", true);
    for answer in both(&world, &second, &token).await {
        assert_eq!(answer.status, 401, "{}", answer.body);
    }
    sessions_become(&world, 0).await;
}
