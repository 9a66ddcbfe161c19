//! Replicas that are killed.

use outpost_tests::Browser;

use crate::replicas::fleet::{Fleet, REPLICAS};

#[tokio::test]
async fn a_sign_in_survives_the_death_of_the_replica_that_began_it() {
    let mut fleet = Fleet::start().await;
    let bob = fleet.sign_in("bob").await;
    for victim in 0..REPLICAS {
        // The balancer goes round.
        let (browser, authorize) = loop {
            let browser = Browser::new();
            let (authorize, began) = fleet.begin(&browser).await;
            if began == victim {
                break (browser, authorize);
            }
        };
        fleet.replicas.kill(victim);
        let (alice, ended) = fleet.come_back(&browser, &authorize, "alice").await;
        assert_ne!(ended, victim);
        fleet.replicas.restart(victim).await;
        fleet.is_everywhere(&alice, "alice").await;
        fleet.is_everywhere(&bob, "bob").await;
    }
}

#[tokio::test]
async fn everybody_is_signed_in_still_when_all_replicas_were_killed() {
    let mut fleet = Fleet::start().await;
    let (alice, bob) = (fleet.sign_in("alice").await, fleet.sign_in("bob").await);
    for index in 0..REPLICAS {
        fleet.replicas.kill(index);
    }
    for index in 0..REPLICAS {
        fleet.replicas.restart_unready(index);
    }
    for index in 0..REPLICAS {
        fleet.replicas.ready(index).await;
    }
    fleet.is_everywhere(&alice, "alice").await;
    fleet.is_everywhere(&bob, "bob").await;
}
