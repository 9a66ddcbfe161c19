//! Another server takes over.

use outpost::session::contract::{self, key};
use outpost::session::redis::{RedisStore, RedisTopology};
use outpost::session::{Inserted, Selection, SessionStore};
use outpost_tests::redis::{RedisCluster, Sentinels};
use outpost_tests::wait;

use crate::stores::support::{address, behind, has, patient, store};

async fn signed_in(store: &RedisStore, n: u8) {
    let record = contract::record(n, 7, "alice", Some("sid"), contract::present().0 + 1000);
    let inserted = wait::until_async("a sign-in", async || {
        store.insert(key(n), &record).await.map_err(|error| error.to_string())
    })
    .await;
    assert_eq!(inserted, Inserted::Kept);
}

#[actix_rt::test]
async fn the_sentinels_new_master_is_found() {
    let mut servers = Sentinels::start();
    let store = store(behind(&servers));
    signed_in(&store, 1).await;
    let replicated = || {
        let keys = servers.servers().iter().map(|server| server.keys_count());
        let keys: Vec<_> = keys.collect();
        if keys.iter().all(|count| *count == keys[0]) { Ok(()) } else { Err(format!("{keys:?}")) }
    };
    wait::until("a replica that has all", replicated);
    let killed = servers.kill_master();
    let _ = servers.another_master(killed);
    wait::until_async("the new master's answer", async || {
        let answer = store.get(&key(1), contract::present()).await;
        answer.map(|found| assert!(found.is_some())).map_err(|error| error.to_string())
    })
    .await;
    signed_in(&store, 2).await;
    assert_eq!(store.end(&Selection::Subject("alice".to_owned())).await.unwrap().len(), 2);
}

/// Through both halves of a move: keys that have gone over already (`ASK`), and a slot that is
/// somebody else's (`MOVED`).
#[actix_rt::test]
async fn sessions_are_found_while_their_slots_move() {
    let cluster = RedisCluster::start();
    // One is enough to find the others.
    let seeds = vec![address(cluster.servers()[0].address())];
    let store = store(patient(RedisTopology::Cluster(seeds)));
    for n in 1..=4 {
        signed_in(&store, n).await;
        let name = format!("outpost:s:{}", key(n));
        let begun = cluster.begin_move(&name);
        assert!(has(&store, &key(n)).await, "while it moves");
        assert_eq!(store.touch(&key(n), contract::present()).await, Ok(Some(0)));
        if n % 2 == 0 {
            assert_eq!(store.end(&Selection::Key(key(n))).await.unwrap().len(), 1);
        }
        cluster.finish_move(begun);
        assert_eq!(has(&store, &key(n)).await, n % 2 == 1, "when it has moved");
    }
    let begun = cluster.begin_move("outpost:log");
    assert_eq!(store.end(&Selection::Subject("alice".to_owned())).await.unwrap().len(), 2);
    cluster.finish_move(begun);
    signed_in(&store, 9).await;
    assert_eq!(store.end(&Selection::Provider(7)).await.unwrap().len(), 1);
}
