//! What every session store must do, as a suite that each runs against the real thing.

#![cfg_attr(
    not(test),
    expect(clippy::expect_used, reason = "a failed step of the suite must stop it")
)]

use std::future::Future;
use std::sync::Arc;

use outpost_decision::claims::Claims;
use outpost_decision::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{Origin, Selection, Session, SessionAbout, SessionId, SessionKey, SessionStore};

/// Runs the whole suite; `fresh` gives an empty store each time.
///
/// # Panics
/// When the store breaks the contract.
pub async fn check<S, F, Fut>(fresh: F)
where
    S: SessionStore + 'static,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    keeps_what_was_put(&fresh().await).await;
    ends_at_the_expiry(&fresh().await).await;
    ends_by_each_selection(&fresh().await).await;
    replaces_under_the_same_key(&fresh().await).await;
    an_absent_core_session_never_matches(&fresh().await).await;
    ending_is_final_under_concurrency(Arc::new(fresh().await)).await;
    counts(&fresh().await).await;
}

/// A session for tests.
#[must_use]
pub fn session(provider: i64, sub: &str, sid: Option<&str>, expires: i64) -> Arc<Session> {
    Arc::new(Session {
        about: SessionAbout {
            provider,
            sub: sub.into(),
            user: format!("{sub}-name"),
            sid: sid.map(Into::into),
            origin: Origin::SignIn,
            created: Timestamp(0),
            expires: Timestamp(expires),
            client_address: Some([192, 0, 2, 7].into()),
            user_agent: "contract/1.0".into(),
        },
        claims: Claims {
            sub: sub.into(),
            exp: expires,
            name: "Ällice".into(),
            groups: vec!["a".into(), "b|c".into()],
            ..Claims::default()
        },
        token: SecretString::from("header.payload.signature".to_owned()),
    })
}

fn key(n: u8) -> SessionKey {
    SessionId::from_bytes([n; 32]).key()
}

async fn put(store: &impl SessionStore, n: u8, session: Arc<Session>) {
    store.put(key(n), session).await.expect("put");
}

async fn has(store: &impl SessionStore, n: u8, now: i64) -> bool {
    store.get(&key(n), Timestamp(now)).await.expect("get").is_some()
}

async fn keeps_what_was_put(store: &impl SessionStore) {
    assert!(!has(store, 1, 0).await, "an empty store knows nobody");
    let put_in = session(7, "alice", Some("sid-1"), 100);
    put(store, 1, Arc::clone(&put_in)).await;
    let got = store.get(&key(1), Timestamp(99)).await.expect("get").expect("is there");
    assert_eq!(got.about, put_in.about);
    assert_eq!(got.claims, put_in.claims);
    assert_eq!(got.token.expose_secret(), put_in.token.expose_secret());
    assert!(!has(store, 2, 0).await, "another key is another session");
}

async fn ends_at_the_expiry(store: &impl SessionStore) {
    put(store, 1, session(7, "alice", None, 100)).await;
    put(store, 2, session(7, "alice", None, 200)).await;
    assert!(has(store, 1, 99).await);
    assert!(!has(store, 1, 100).await, "ended at the very second of its expiry, unswept");
    store.sweep(Timestamp(100)).await.expect("sweep");
    assert_eq!(store.count(None).await, Ok(1));
    assert!(has(store, 2, 199).await, "others live on");
}

async fn ends_by_each_selection(store: &impl SessionStore) {
    let cases = [
        (Selection::Key(key(1)), vec![1]),
        (Selection::Subject("alice".into()), vec![1, 2]),
        (Selection::CoreSession("sid-1".into()), vec![1, 3]),
        (Selection::Provider(7), vec![1, 2]),
        (Selection::Subject("nobody".into()), vec![]),
        (Selection::CoreSession(String::new()), vec![]),
        (Selection::Key(key(9)), vec![]),
    ];
    for (selection, expected) in cases {
        put(store, 1, session(7, "alice", Some("sid-1"), 100)).await;
        put(store, 2, session(7, "alice", Some("sid-2"), 100)).await;
        put(store, 3, session(8, "bob", Some("sid-1"), 100)).await;
        let mut ended: Vec<_> =
            store.end(&selection).await.expect("end").iter().map(|ended| ended.key).collect();
        ended.sort();
        let mut wanted: Vec<_> = expected.iter().map(|n| key(*n)).collect();
        wanted.sort();
        assert_eq!(ended, wanted, "{selection:?}");
        for n in 1..=3 {
            assert_eq!(has(store, n, 0).await, !expected.contains(&n), "{selection:?}: {n}");
        }
        assert_eq!(store.end(&selection).await, Ok(vec![]), "{selection:?} a second time");
    }
}

async fn replaces_under_the_same_key(store: &impl SessionStore) {
    put(store, 1, session(7, "alice", Some("old"), 100)).await;
    put(store, 1, session(8, "bob", Some("new"), 100)).await;
    assert_eq!(store.end(&Selection::Subject("alice".into())).await, Ok(vec![]));
    assert_eq!(store.end(&Selection::CoreSession("old".into())).await, Ok(vec![]));
    assert!(has(store, 1, 0).await, "the index of what was replaced is gone");
    assert_eq!(store.count(Some(7)).await, Ok(0));
    assert_eq!(store.count(Some(8)).await, Ok(1));
}

async fn an_absent_core_session_never_matches(store: &impl SessionStore) {
    put(store, 1, session(7, "service", None, 100)).await;
    assert_eq!(store.end(&Selection::CoreSession(String::new())).await, Ok(vec![]));
    assert!(has(store, 1, 0).await);
}

/// While sessions of one subject come and go, a revocation after the last put leaves none.
async fn ending_is_final_under_concurrency<S: SessionStore + 'static>(store: Arc<S>) {
    let writers: Vec<_> = (0..4u8)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::task::spawn_local(async move {
                for n in 0..50u8 {
                    put(&*store, writer * 50 + n, session(7, "alice", Some("sid"), 100)).await;
                    store.end(&Selection::Subject("alice".into())).await.expect("end");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("writer");
    }
    assert_eq!(store.count(None).await, Ok(0));
    for n in 0..200 {
        assert!(!has(&*store, n, 0).await, "{n} lives on");
    }
}

async fn counts(store: &impl SessionStore) {
    for n in 0..10 {
        put(store, n, session(i64::from(n % 2), "alice", None, 100)).await;
    }
    assert_eq!(store.count(None).await, Ok(10));
    assert_eq!(store.count(Some(0)).await, Ok(5));
    assert_eq!(store.count(Some(5)).await, Ok(0));
}
