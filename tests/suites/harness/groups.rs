//! Sentinels and clusters.

use outpost_tests::redis::{Options, RedisCluster, Sentinels};
use outpost_tests::wait;

#[test]
fn sentinels_make_a_replica_master_when_the_master_dies() {
    let mut sentinels = Sentinels::start();
    let url = sentinels.url();
    assert!(url.starts_with("redis+sentinel://127.0.0.1:"), "{url}");
    assert!(url.ends_with("/outpost/0"), "{url}");
    assert_eq!(url.matches(',').count(), 2);
    assert_eq!(sentinels.master().cli(&["set", "a", "1"]), "OK");
    assert_eq!(sentinels.master().cli(&["wait", "1", "10000"]), "1", "the replica has it");

    let dead = sentinels.kill_master();
    let master = sentinels.another_master(dead);
    assert_ne!(master.address(), dead);
    assert_eq!(master.cli(&["get", "a"]), "1");
    assert_eq!(master.cli(&["set", "b", "2"]), "OK");

    sentinels.restart(dead);
    let joined = sentinels.servers().iter().find(|server| server.address() == dead).unwrap();
    wait::until("what the new master has", || {
        let value = joined.try_cli(&["get", "b"])?;
        if value == "2" { Ok(()) } else { Err(value) }
    });
    assert_ne!(sentinels.master().address(), dead);
}

#[test]
fn sentinels_speak_tls_and_change_to_one_of_two_replicas() {
    let options = Options::new().user("outpost", "secret", "~* &* +@all").tls();
    let mut sentinels = Sentinels::with(&options, 2);
    assert!(sentinels.url().starts_with("rediss+sentinel://outpost:secret@127.0.0.1:"));
    let dead = sentinels.kill_master();
    let master = sentinels.another_master(dead);
    assert_eq!(master.cli(&["set", "a", "1"]), "OK");
}

#[test]
fn a_frozen_master_is_replaced_and_follows_when_it_is_back() {
    let sentinels = Sentinels::start();
    let frozen = sentinels.pause_master();
    assert_ne!(sentinels.another_master(frozen).address(), frozen);
    let old = sentinels.servers().iter().find(|server| server.address() == frozen).unwrap();
    old.resume();
    wait::until("the old master as a replica", || {
        let role = old.try_cli(&["role"])?;
        if role.starts_with("slave") { Ok(()) } else { Err(role) }
    });
}

#[test]
fn a_cluster_answers_and_sends_on_while_a_slot_moves() {
    let cluster = RedisCluster::start();
    assert!(cluster.url().starts_with("redis+cluster://127.0.0.1:"));
    assert_eq!(cluster.url().matches(',').count(), 2);
    let before = cluster.owner("{a}1");
    let old = &cluster.servers()[before];
    assert_eq!(old.cli(&["set", "{a}1", "one"]), "OK");
    assert_eq!(cluster.keys_count(), 1);

    let begun = cluster.begin_move("{a}1");
    let asked = old.try_cli(&["get", "{a}1"]).unwrap_err();
    assert!(asked.contains("ASK "), "{asked}");
    cluster.finish_move(begun);
    let moved = old.try_cli(&["get", "{a}1"]).unwrap_err();
    assert!(moved.contains("MOVED "), "{moved}");
    let after = cluster.owner("{a}1");
    assert_ne!(after, before);
    assert_eq!(cluster.servers()[after].cli(&["get", "{a}1"]), "one");
}

#[test]
fn a_cluster_speaks_tls_and_moves_slots_with_it() {
    let cluster = RedisCluster::with(&Options::new().password("secret").tls());
    assert!(cluster.url().starts_with("rediss+cluster://:secret@127.0.0.1:"));
    let before = cluster.owner("a");
    assert_eq!(cluster.servers()[before].cli(&["set", "a", "1"]), "OK");
    cluster.move_slot("a");
    assert_eq!(cluster.servers()[cluster.owner("a")].cli(&["get", "a"]), "1");
}
