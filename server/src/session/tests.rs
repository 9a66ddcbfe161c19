//! `Sessions` over a store that is shared, away, wrong, or behind.

mod gate;

use std::sync::Arc;

use outpost_decision::time::Timestamp;

use self::gate::Gate;
use super::contract::{id, key, secret, session};
use super::follow::Follower;
use super::memory::MemoryStore;
use super::*;

const FAR: Timestamp = Timestamp(4_000_000_000);
const NOW: Timestamp = Timestamp(10);

fn options(grace_seconds: u64) -> SessionOptions {
    SessionOptions { grace: Duration::from_secs(grace_seconds), ..SessionOptions::default() }
}

/// Two replicas over one store, each through a gate of its own.
fn replicas(grace_seconds: u64) -> [(Sessions, Arc<Gate>); 2] {
    let store = Arc::new(MemoryStore::shared_within_process(1_000));
    [(); 2].map(|()| {
        let gate = Arc::new(Gate::new(Arc::clone(&store)));
        (Sessions::with(Arc::clone(&gate) as _, options(grace_seconds), None).of_tests(), gate)
    })
}

async fn sign_in(sessions: &Sessions, n: u8, sub: &str, sid: &str) {
    let begun = sessions.begin(&id(n), session(7, sub, Some(sid), FAR), NOW).await.unwrap();
    assert!(begun.is_some());
}

async fn is_in(sessions: &Sessions, n: u8) -> bool {
    sessions.get(&id(n), NOW).await.unwrap().is_some()
}

#[actix_rt::test]
async fn a_current_replica_answers_without_the_store() {
    let [(sessions, gate), _] = replicas(60);
    let mut follower = Follower::new(&sessions).unwrap();
    follower.step().await.unwrap();
    sign_in(&sessions, 1, "alice", "sid").await;
    let before = gate.gets();
    for _ in 0..10 {
        assert!(is_in(&sessions, 1).await);
    }
    assert_eq!(gate.gets(), before);
}

#[actix_rt::test]
async fn a_replica_that_does_not_hear_the_others_believes_nothing_it_has_cached() {
    let [(ours, gate), (theirs, _)] = replicas(60);
    sign_in(&ours, 1, "alice", "sid").await;
    assert!(is_in(&ours, 1).await);
    let before = gate.gets();
    assert!(is_in(&ours, 1).await);
    assert_eq!(gate.gets(), before + 1, "the log was never read here");
    theirs.end(&Selection::Subject("alice".into())).await.unwrap();
    assert!(!is_in(&ours, 1).await);
}

#[actix_rt::test]
async fn what_another_replica_ends_is_over_here_and_what_hangs_on_it_closes() {
    let [(ours, gate), (theirs, _)] = replicas(60);
    let mut follower = Follower::new(&ours).unwrap();
    follower.step().await.unwrap();
    sign_in(&ours, 1, "alice", "sid").await;
    let held = ours.hold_open(&id(1), NOW).await.unwrap().unwrap();
    theirs.end(&Selection::CoreSession("sid".into())).await.unwrap();
    let ended = follower.step().await.unwrap();
    assert_eq!(ended, [EndedSession { key: key(1), provider: 7 }]);
    assert!(held.ended().is_cancelled());
    let before = gate.gets();
    assert!(!is_in(&ours, 1).await);
    assert_eq!(gate.gets(), before + 1, "the cache has forgotten it");
}

#[actix_rt::test]
async fn while_the_store_is_away_known_sessions_go_on_for_the_grace_and_no_others() {
    let [(ours, gate), (theirs, _)] = replicas(60);
    let mut follower = Follower::new(&ours).unwrap();
    follower.step().await.unwrap();
    sign_in(&ours, 1, "alice", "sid").await;
    sign_in(&theirs, 2, "bob", "other").await;
    gate.close();
    assert!(follower.step().await.is_err());
    assert!(is_in(&ours, 1).await, "in its cache");
    for unknown in [2, 3] {
        let answer = ours.get(&id(unknown), NOW).await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    }
    // The log was last heard too long ago to be believed: the grace alone is left.
    ours.inner.currency.doubt(Instant::now());
    assert!(ours.get(&id(1), NOW).await.is_err(), "doubt ends the grace as well");
    gate.open();
    follower.step().await.unwrap();
    assert!(is_in(&ours, 1).await && is_in(&ours, 2).await);
}

#[actix_rt::test]
async fn without_grace_a_store_that_is_away_is_unavailable_at_once() {
    let [(ours, gate), _] = replicas(0);
    sign_in(&ours, 1, "alice", "sid").await;
    assert!(is_in(&ours, 1).await);
    gate.close();
    assert!(ours.get(&id(1), NOW).await.is_err());
}

/// A database file on a disk that fails.
#[actix_rt::test]
async fn a_store_of_ones_own_that_fails_has_its_grace_too() {
    for (grace, goes_on) in [(60, true), (0, false)] {
        let gate = Arc::new(Gate::of_one_process());
        let options = SessionOptions { cache_ttl: Duration::ZERO, ..options(grace) };
        let sessions = Sessions::with(Arc::clone(&gate) as _, options, None).of_tests();
        sign_in(&sessions, 1, "alice", "sid").await;
        gate.close();
        assert_eq!(sessions.get(&id(1), NOW).await.is_ok(), goes_on, "{grace}");
        assert!(sessions.get(&id(2), NOW).await.is_err());
        gate.open();
        assert!(is_in(&sessions, 1).await);
    }
}

#[actix_rt::test]
async fn a_session_that_core_ended_is_over_here_even_while_the_store_cannot_be_told() {
    let [(ours, gate), _] = replicas(60);
    let mut follower = Follower::new(&ours).unwrap();
    follower.step().await.unwrap();
    sign_in(&ours, 1, "alice", "sid").await;
    sign_in(&ours, 2, "bob", "other").await;
    let held = ours.hold_open(&id(1), NOW).await.unwrap().unwrap();
    gate.close();
    let selection = Selection::CoreSession("sid".into());
    assert!(ours.end(&selection).await.is_err());
    assert!(held.ended().is_cancelled());
    assert!(ours.get(&id(1), NOW).await.is_err(), "not served, and not known to be over either");
    assert!(is_in(&ours, 2).await, "others go on");
    gate.open();
    assert!(!is_in(&ours, 1).await, "the store still has it, and it is over all the same");
    assert_eq!(ours.end(&selection).await.unwrap().len(), 1);
    assert!(!is_in(&ours, 1).await);
}

#[actix_rt::test]
async fn a_store_that_loses_a_revocation_is_told_again_by_whoever_knows() {
    let [(ours, gate), (theirs, _)] = replicas(60);
    let mut follower = Follower::new(&ours).unwrap();
    follower.step().await.unwrap();
    sign_in(&theirs, 1, "alice", "sid").await;
    sign_in(&theirs, 2, "bob", "other").await;
    let lost = gate.record(&key(1)).await;
    theirs.end(&Selection::Subject("alice".into())).await.unwrap();
    follower.step().await.unwrap();
    gate.close();
    assert!(follower.step().await.is_err());
    // The fail-over: another server has what this one had a moment ago.
    gate.fail_over(vec![lost, gate.record(&key(2)).await]).await;
    gate.open();
    assert!(!is_in(&ours, 1).await, "whoever heard of it refuses it at once");
    follower.step().await.unwrap();
    assert!(gate.get(&key(1), NOW).await.unwrap().is_none(), "and the store is told");
    assert!(is_in(&ours, 2).await);
}

#[actix_rt::test]
async fn a_gap_in_the_log_makes_a_replica_ask_for_everything_anew() {
    let [(ours, gate), (theirs, _)] = replicas(60);
    let mut follower = Follower::new(&ours).unwrap();
    follower.step().await.unwrap();
    sign_in(&ours, 1, "alice", "sid").await;
    let held = ours.hold_open(&id(1), NOW).await.unwrap().unwrap();
    let other = ours.hold_open(&id(1), NOW).await.unwrap().unwrap();
    gate.lose_log();
    theirs.end(&Selection::Key(key(1))).await.unwrap();
    follower.step().await.unwrap();
    assert!(!ours.inner.currency.is_current(Instant::now()));
    assert!(!is_in(&ours, 1).await);
    follower.step().await.unwrap();
    assert!(held.ended().is_cancelled() && other.ended().is_cancelled());
    assert!(ours.inner.currency.is_current(Instant::now()));
}

#[actix_rt::test]
async fn a_record_that_was_tampered_with_signs_nobody_in() {
    let [(ours, gate), _] = replicas(60);
    sign_in(&ours, 1, "alice", "sid").await;
    let record = gate.record(&key(1)).await;
    let mut about = record.about.clone();
    about.provider = 8;
    let clear = serde_json::json!({ "v": 1 });
    let mut clear = clear.as_object().unwrap().clone();
    clear.extend(serde_json::to_value(&about).unwrap().as_object().unwrap().clone());
    let clear = serde_json::to_vec(&clear).unwrap();
    let forged = Record::read(clear.into(), record.sealed.clone(), 0, record.seen).unwrap();
    assert_eq!(forged.about.provider, 8);
    gate.fail_over(vec![forged]).await;
    assert!(!is_in(&ours, 1).await, "the clear part is sealed against");
    let other = session(7, "mallory", None, FAR).seal(&id(9), &secret(), NOW).unwrap();
    gate.fail_over(vec![Record { clear: record.clear, about: record.about, ..other }]).await;
    assert!(!is_in(&ours, 1).await, "and so is the payload of another session");
}

#[actix_rt::test]
async fn the_store_hears_of_use_once_in_a_while_and_of_an_idle_session_in_time() {
    let store = Arc::new(MemoryStore::new(100));
    let sessions = Sessions::with(
        Arc::clone(&store) as _,
        SessionOptions { cache_ttl: Duration::ZERO, ..options(60) },
        None,
    )
    .of_tests();
    let mut idle = session(7, "alice", None, FAR);
    idle.about.idle_seconds = Some(100);
    sessions.begin(&id(1), idle, NOW).await.unwrap();
    for at in [60, 120, 180] {
        assert!(sessions.get(&id(1), Timestamp(at)).await.unwrap().is_some(), "{at}");
    }
    assert!(sessions.get(&id(1), Timestamp(279)).await.unwrap().is_some());
    assert!(sessions.get(&id(1), Timestamp(379)).await.unwrap().is_none(), "not used for 100 s");
}

/// Whoever can write to the store can make up a cookie and a record, but not the provider's secret.
#[actix_rt::test]
async fn nobody_makes_up_a_session_who_knows_the_store_alone() {
    let store = Arc::new(MemoryStore::new(100));
    let sessions = Sessions::new(Arc::clone(&store) as _);
    let admin = session(7, "admin", None, FAR);
    for (n, secret, is_session) in [(1, SealSecret::of(""), false), (2, secret(), true)] {
        let record = admin.seal(&id(n), &secret, NOW).unwrap();
        store.insert(key(n), &record).await.unwrap();
        assert_eq!(is_in(&sessions, n).await, is_session, "{n}");
    }
}

#[actix_rt::test]
async fn a_provider_whose_secret_is_new_begins_without_sessions_and_others_keep_theirs() {
    let sessions = Sessions::new(Arc::new(MemoryStore::new(100)));
    sign_in(&sessions, 1, "alice", "sid").await;
    let other = session(8, "bob", None, FAR);
    sessions.begin(&id(2), other, NOW).await.unwrap().unwrap();
    let secrets = |of_7: &str| HashMap::from([(7, SealSecret::of(of_7)), (8, secret())]);
    let hers = sessions.hold_open(&id(1), NOW).await.unwrap().unwrap();
    let his = sessions.hold_open(&id(2), NOW).await.unwrap().unwrap();
    sessions.take_seals(secrets("new"));
    assert!(hers.ended().is_cancelled() && !his.ended().is_cancelled(), "what hangs open ends");
    assert!(!is_in(&sessions, 1).await, "what was cached does not go on");
    assert!(is_in(&sessions, 2).await);
    sign_in(&sessions, 3, "alice", "sid").await;
    assert!(is_in(&sessions, 3).await);
    // Back again, as by a replica that had heard of it too early.
    sessions.take_seals(secrets("cookie"));
    assert!(is_in(&sessions, 1).await, "nothing was lost");
}

#[actix_rt::test]
async fn no_session_begins_at_a_provider_that_is_not_served() {
    let sessions = Sessions::new(Arc::new(MemoryStore::new(100)));
    sessions.take_seals(HashMap::from([(8, secret())]));
    let begun = sessions.begin(&id(1), session(7, "alice", None, FAR), NOW).await;
    assert!(matches!(begun, Err(StoreError::Unavailable(_))));
}
