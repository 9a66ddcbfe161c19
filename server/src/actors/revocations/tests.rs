use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use outpost_decision::time::Timestamp;
use tokio::sync::watch;

use super::*;
use crate::actors::supervisor::{ControlPlane, RebuildPolicy, Supervisor};
use crate::session::memory::MemoryStore;
use crate::session::{
    EndedSession, Inserted, PageCursor, Record, Replaced, RevocationLog, SessionKey, SessionPage,
    SessionStore, SharedValues, StoreError, contract,
};

/// A store that fails or panics some times before it works.
#[derive(Debug)]
struct Moody {
    store: MemoryStore,
    failures: AtomicU32,
    panics: AtomicU32,
    ended: watch::Sender<Vec<String>>,
}

impl Moody {
    fn new(failures: u32, panics: u32) -> Arc<Self> {
        Arc::new(Self {
            store: MemoryStore::new(100),
            failures: failures.into(),
            panics: panics.into(),
            ended: watch::Sender::default(),
        })
    }
}

fn one_less(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl SessionStore for Moody {
    async fn get(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.store.get(key, now).await
    }

    async fn insert(&self, key: SessionKey, record: &Record) -> Result<Inserted, StoreError> {
        self.store.insert(key, record).await
    }

    async fn replace(&self, key: SessionKey, record: &Record) -> Result<Replaced, StoreError> {
        self.store.replace(key, record).await
    }

    async fn touch(&self, key: &SessionKey, seen: Timestamp) -> Result<Option<u64>, StoreError> {
        self.store.touch(key, seen).await
    }

    async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError> {
        assert!(!one_less(&self.panics), "a panic in the store");
        if one_less(&self.failures) {
            return Err(StoreError::Unavailable("away".to_owned()));
        }
        let ended = self.store.end(selection).await?;
        if let Selection::CoreSession(sid) = selection {
            self.ended.send_modify(|all| all.push(sid.clone()));
        }
        Ok(ended)
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        self.store.sweep(now).await
    }

    async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError> {
        self.store.count(provider, now).await
    }

    async fn list(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        self.store.list(selection, from, limit, now).await
    }

    fn shared(&self) -> Option<&dyn RevocationLog> {
        None
    }

    fn values(&self) -> &dyn SharedValues {
        self.store.values()
    }
}

fn ended(sid: &str) -> CoreSessionEnded {
    CoreSessionEnded { sid: sid.to_owned() }
}

const AT_ONCE: Backoff = Backoff { shortest: Duration::ZERO, longest: Duration::ZERO };

/// Runs the actor over the store until it has ended `count` core sessions; says which.
async fn run(store: &Arc<Moody>, inbox: &RevocationInbox, count: usize) -> Vec<String> {
    let plane = ControlPlane::start().unwrap();
    let policy = RebuildPolicy { backoff: AT_ONCE, healthy_after: Duration::ZERO };
    let supervisor = Supervisor::new(policy);
    let (parts, sessions) = (inbox.clone(), Sessions::new(Arc::clone(store) as _));
    supervisor.supervise("revocations", &plane.handle(), move || {
        Revocations::new(parts.clone(), sessions.clone(), AT_ONCE)
    });
    let mut seen = store.ended.subscribe();
    let all = seen.wait_for(|all| all.len() >= count).await.unwrap().clone();
    assert!(supervisor.shutdown(Duration::from_secs(60)).await.is_empty());
    all
}

#[actix::test]
async fn sessions_of_every_provider_end() {
    let store = Moody::new(0, 0);
    for (n, provider, sid) in [(1, 7, "a"), (2, 8, "a"), (3, 7, "b")] {
        let record = contract::record(n, provider, "alice", Some(sid), i64::MAX);
        store.insert(contract::key(n), &record).await.unwrap();
    }
    let inbox = RevocationInbox::new(10);
    inbox.put(ended("a")).unwrap();
    assert_eq!(run(&store, &inbox, 1).await, ["a"]);
    assert_eq!(store.count(None, Timestamp(0)).await.unwrap(), 1);
    assert!(store.get(&contract::key(3), Timestamp(0)).await.unwrap().is_some());
}

#[actix::test]
async fn a_store_that_is_away_loses_nothing() {
    let store = Moody::new(5, 0);
    let inbox = RevocationInbox::new(10);
    for sid in ["a", "b", "c"] {
        inbox.put(ended(sid)).unwrap();
    }
    let mut all = run(&store, &inbox, 3).await;
    all.sort();
    assert_eq!(all, ["a", "b", "c"]);
    assert_eq!(inbox.report().failures, 5);
}

#[actix::test]
async fn a_panic_loses_nothing() {
    let store = Moody::new(0, 2);
    let inbox = RevocationInbox::new(10);
    for sid in ["a", "b"] {
        inbox.put(ended(sid)).unwrap();
    }
    let mut all = run(&store, &inbox, 2).await;
    all.sort();
    assert_eq!(all, ["a", "b"]);
}

#[test]
fn repeats_are_one_and_too_many_are_turned_away() {
    let inbox = RevocationInbox::new(2);
    for sid in ["a", "a", "b", "a", "b"] {
        inbox.put(ended(sid)).unwrap();
    }
    assert_eq!(inbox.report().waiting, 2);
    assert_eq!(inbox.tell(ended("c")), Err(NotDelivered));
    assert_eq!(inbox.put(ended("b")), Ok(()), "one that waits already is not turned away");
    assert_eq!(inbox.report().turned_away, 1);

    // Room again; and what is under way may be told once more.
    assert_eq!(inbox.lock().take().as_deref(), Some("a"));
    inbox.put(ended("a")).unwrap();
    inbox.done(3);
    assert_eq!(inbox.lock().take().as_deref(), Some("b"));
    inbox.put_back();
    let report = inbox.report();
    assert_eq!((report.waiting, report.done, report.sessions_ended), (2, 1, 3));
}
