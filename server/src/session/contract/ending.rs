//! Ending sessions: exactly those meant, for good, whatever happens at the same time.

use std::sync::Arc;
use std::time::Duration;

use super::{has, key, lasting, present, put};
use crate::session::id::{SessionId, SessionKey};
use crate::session::store::{Inserted, Selection, SessionStore};

/// A selection among the sessions that begin at a number, and which of them it means.
type Case = (fn(u8) -> Selection, &'static [u8]);

pub(super) async fn by_each_selection(store: &impl SessionStore) {
    // Each case has sessions of its own: a key that ended never comes back.
    let cases: [Case; 11] = [
        (|n| Selection::Key(key(n + 1)), &[1]),
        (|n| Selection::Keys(vec![key(n + 1), key(n + 3), key(250)]), &[1, 3]),
        (|n| Selection::Subject(format!("alice-{n}")), &[1, 2]),
        (|n| Selection::CoreSession(format!("sid-{n}")), &[1, 3]),
        (|n| Selection::Provider(i64::from(n) + 1), &[1, 2]),
        (|n| Selection::User(format!("alice-{n}-name")), &[1, 2]),
        (|_| Selection::Address([192, 0, 2, 9].into()), &[]),
        (|_| Selection::User(String::new()), &[]),
        (|_| Selection::Subject("nobody".into()), &[]),
        (|_| Selection::CoreSession(String::new()), &[]),
        (|_| Selection::Key(key(251)), &[]),
    ];
    let now = present();
    for (n, (selection, expected)) in (0..).step_by(10).zip(cases) {
        let selection = selection(n);
        let (alice, sid, pk) = (format!("alice-{n}"), format!("sid-{n}"), i64::from(n) + 1);
        put(store, n + 1, lasting(n + 1, pk, &alice, Some(&sid), 100)).await;
        put(store, n + 2, lasting(n + 2, pk, &alice, Some("other"), 100)).await;
        put(store, n + 3, lasting(n + 3, 1000, "bob", Some(&sid), 100)).await;
        let mut ended: Vec<_> = store.end(&selection).await.expect("end");
        ended.sort_by_key(|ended| ended.key);
        let mut wanted: Vec<_> = expected.iter().map(|at| key(n + at)).collect();
        wanted.sort();
        assert_eq!(ended.iter().map(|ended| ended.key).collect::<Vec<_>>(), wanted);
        for ended in ended {
            let provider = if ended.key == key(n + 3) { 1000 } else { pk };
            assert_eq!(ended.provider, provider, "its provider is told");
        }
        for at in 1..=3 {
            assert_eq!(
                has(store, n + at, now).await,
                !expected.contains(&at),
                "{selection:?}: {at}"
            );
        }
        assert_eq!(store.end(&selection).await, Ok(vec![]), "{selection:?} a second time");
    }
}

pub(super) async fn an_absent_core_session_never_matches(store: &impl SessionStore) {
    put(store, 1, lasting(1, 7, "service", None, 100)).await;
    assert_eq!(store.end(&Selection::CoreSession(String::new())).await, Ok(vec![]));
    assert!(has(store, 1, present()).await);
}

/// More than any store takes in one step.
pub(super) async fn many_at_once(store: &impl SessionStore) {
    let mut record = lasting(1, 7, "alice", Some("sid"), 100);
    for n in 0..1500u32 {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        record.seen = present();
        let inserted = store.insert(SessionId::from_bytes(bytes).key(), &record).await;
        assert_eq!(inserted, Ok(Inserted::Kept));
    }
    put(store, 200, lasting(200, 7, "bob", None, 100)).await;
    let ended = store.end(&Selection::Subject("alice".into())).await.expect("end");
    assert_eq!(ended.len(), 1500);
    assert_eq!(store.count(None, present()).await, Ok(1));
    assert_eq!(store.end(&Selection::Provider(7)).await.expect("end").len(), 1);
}

/// While sessions of one subject come and go, a revocation after the last put leaves none.
pub(super) async fn is_final_under_concurrency<S: SessionStore + 'static>(store: Arc<S>) {
    let writers: Vec<_> = (0..4u8)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::task::spawn_local(async move {
                for n in 0..50u8 {
                    let n = writer * 50 + n;
                    // Kept or revoked by one of the others: never an error, never half.
                    let record = lasting(n, 7, "alice", Some("sid"), 100);
                    store.insert(key(n), &record).await.expect("insert");
                    store.end(&Selection::Subject("alice".into())).await.expect("end");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("writer");
    }
    store.end(&Selection::Subject("alice".into())).await.expect("end");
    assert_eq!(store.count(None, present()).await, Ok(0));
    for n in 0..200 {
        assert!(!has(&*store, n, present()).await, "{n} lives on");
    }
}

pub(super) async fn is_told_to_whoever_shares_the_store(store: &impl SessionStore) {
    let Some(log) = store.shared() else { return };
    let wait = Duration::from_millis(50);
    let start = log.end_of_log().await.expect("the end");
    let quiet = log.read_log(&start, wait).await.expect("nothing comes");
    assert!(quiet.ended.is_empty() && quiet.continuous);
    for n in 1..=3 {
        put(store, n, lasting(n, 7, "alice", None, 100)).await;
    }
    store.end(&Selection::Key(key(1))).await.expect("end");
    store.end(&Selection::Subject("alice".into())).await.expect("end");
    let mut told: Vec<SessionKey> = Vec::new();
    let mut position = start;
    while told.len() < 3 {
        let entries = log.read_log(&position, wait).await.expect("entries");
        assert!(entries.continuous);
        assert_ne!(entries.next, position, "no entry was lost: {told:?}");
        assert!(entries.ended.iter().all(|ended| ended.provider == 7));
        told.extend(entries.ended.iter().map(|ended| ended.key));
        position = entries.next;
    }
    let mut wanted = [key(2), key(3)];
    wanted.sort();
    told[1..].sort();
    assert_eq!((told[0], &told[1..]), (key(1), &wanted[..]));
    let again = log.read_log(&position, wait).await.expect("nothing more");
    assert!(again.ended.is_empty() && again.continuous);
}
