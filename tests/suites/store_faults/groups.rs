//! Sentinels that make another server master, and a cluster that moves slots.

use std::time::{Duration, Instant};

use outpost_tests::redis::{RedisCluster, Sentinels};
use outpost_tests::wait;

use crate::crowd::{BOUND, Front};

#[tokio::test]
async fn a_fail_over_that_loses_a_sign_out_brings_nobody_back() {
    let mut sentinels = Sentinels::start();
    let front = Front::of(2, &sentinels.url(), &[]).await;
    let (alice, carol) = (front.member("alice").await, front.member("carol").await);
    for replica in [0, 1] {
        assert_eq!(front.get(replica, &alice).await.status, 200);
        assert_eq!(front.get(replica, &carol).await.status, 200);
    }
    let master = sentinels.master().address();
    assert_eq!(sentinels.master().cli(&["wait", "1", "10000"]), "1", "both sessions are there");

    // The server that is to take over is not told.
    let next = sentinels.servers().iter().find(|server| server.address() != master);
    let next = next.expect("a replica").address();
    let server = |sentinels: &Sentinels, address| {
        sentinels.servers().iter().position(|server| server.address() == address)
    };
    let next = server(&sentinels, next).expect("a replica");
    sentinels.servers()[next].pause();
    assert_eq!(sentinels.master().cli(&["client", "kill", "type", "replica"]), "1");
    assert_eq!(front.sign_out(0, &carol).await.status, 302);
    front.becomes(1, &carol, 302).await;
    let crowds = [
        front.crowd(0, &alice, BOUND),
        front.crowd(1, &alice, BOUND),
        front.crowd(0, &carol, Duration::ZERO),
        front.crowd(1, &carol, Duration::ZERO),
    ];
    crowds[0].answers(5).await;
    sentinels.kill_master();
    let killed = Instant::now();
    sentinels.servers()[next].resume();
    crowds[0].garbage_gets(503).await;
    front.no_loop(&alice).await;
    let master = tokio::task::spawn_blocking(move || {
        sentinels.another_master(master);
        sentinels
    });
    let _sentinels = master.await.expect("another master");
    println!("another master after {:?}", killed.elapsed());
    crowds[0].garbage_gets(401).await;
    crowds[1].garbage_gets(401).await;
    println!("all served again after {:?}", killed.elapsed());
    wait::until_async("a sign-out that is carried out once more", async || {
        let told = |replica| front.replicas.program(replica).count("has lost revocations");
        if told(0) + told(1) > 0 { Ok(()) } else { Err("nobody told".to_owned()) }
    })
    .await;
    let [first, second, third, fourth] = crowds;
    for crowd in [third, fourth] {
        crowd.answers(10).await;
        let served = crowd.stop();
        assert!(!served.member_got().contains(&200), "{served:#?}");
    }
    for crowd in [first, second] {
        assert_eq!(crowd.stop().member_got(), [200], "she notices nothing");
    }
}

#[tokio::test]
async fn nobody_notices_that_slots_of_a_cluster_move() {
    let cluster = RedisCluster::start();
    // Nothing is served but what the cluster says.
    let variables = [
        ("OUTPOST__SESSIONS__CACHE_CAPACITY", "0"),
        // However busy this machine is.
        ("OUTPOST__SESSIONS__TIMEOUT", "10s"),
    ];
    let front = Front::of(2, &cluster.url(), &variables).await;
    let alice = front.member("alice").await;
    let crowds = [front.crowd(0, &alice, BOUND), front.crowd(1, &alice, BOUND)];
    crowds[0].answers(5).await;
    let session = cluster.servers().iter().find_map(|server| {
        let keys = server.cli(&["keys", "outpost:s:*"]);
        keys.lines().next().filter(|key| !key.is_empty()).map(str::to_owned)
    });
    let session = session.expect("a session");
    for key in [session.as_str(), "outpost:log", session.as_str()] {
        let begun = cluster.begin_move(key);
        crowds[0].answers(5).await;
        cluster.finish_move(begun);
        crowds[1].answers(5).await;
    }
    assert_eq!(front.sign_in("bob").await.status, 200);
    assert_eq!(front.sign_out(0, &alice).await.status, 302);
    front.becomes(1, &alice, 302).await;
    for crowd in crowds {
        crowd.answers(10).await;
        let served = crowd.stop();
        let got = served.member_got();
        assert!(got.contains(&200) && !got.contains(&503), "{served:#?}");
    }
}
