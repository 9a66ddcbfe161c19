use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use outpost_decision::time::Timestamp;

use super::*;
use crate::session::contract::{id, session};
use crate::session::memory::MemoryStore;
use crate::session::{
    Inserted, PageCursor, Record, Replaced, RevocationLog, SessionKey, SessionPage, SessionStore,
    SharedValues,
};

const FAR: Timestamp = Timestamp(4_000_000_000);
const NOW: Timestamp = Timestamp(10);

/// A store that loses its values, or all.
#[derive(Debug)]
struct Failing {
    store: MemoryStore,
    values_away: AtomicBool,
    sessions_away: AtomicBool,
}

impl Failing {
    fn unless(&self, away: &AtomicBool) -> Result<&MemoryStore, StoreError> {
        match away.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable("away".into())),
            false => Ok(&self.store),
        }
    }

    fn sessions(&self) -> Result<&MemoryStore, StoreError> {
        self.unless(&self.sessions_away)
    }

    fn kept(&self) -> Result<&dyn SharedValues, StoreError> {
        Ok(self.unless(&self.values_away)?.values())
    }
}

#[async_trait]
impl SessionStore for Failing {
    async fn get(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.sessions()?.get(key, now).await
    }

    async fn insert(&self, key: SessionKey, record: &Record) -> Result<Inserted, StoreError> {
        self.sessions()?.insert(key, record).await
    }

    async fn replace(&self, key: SessionKey, record: &Record) -> Result<Replaced, StoreError> {
        self.sessions()?.replace(key, record).await
    }

    async fn touch(&self, key: &SessionKey, seen: Timestamp) -> Result<Option<u64>, StoreError> {
        self.sessions()?.touch(key, seen).await
    }

    async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError> {
        self.sessions()?.end(selection).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        self.sessions()?.sweep(now).await
    }

    async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError> {
        self.sessions()?.count(provider, now).await
    }

    async fn list(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        self.sessions()?.list(selection, from, limit, now).await
    }

    fn shared(&self) -> Option<&dyn RevocationLog> {
        None
    }

    fn values(&self) -> &dyn SharedValues {
        self
    }
}

#[async_trait]
impl SharedValues for Failing {
    async fn read(&self, name: &str, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        self.kept()?.read(name, now).await
    }

    async fn write(
        &self,
        name: &str,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.kept()?.write(name, value, lifetime, now).await
    }

    async fn swap(
        &self,
        name: &str,
        expected: Option<&[u8]>,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.kept()?.swap(name, expected, value, lifetime, now).await
    }
}

#[actix_rt::test]
async fn a_user_is_signed_out_here_also_while_nobody_can_tell_whether_the_token_was_used() {
    for all in [false, true] {
        let store = Arc::new(Failing {
            store: MemoryStore::new(10),
            values_away: AtomicBool::new(true),
            sessions_away: AtomicBool::new(false),
        });
        let sessions = Sessions::new(Arc::clone(&store) as _);
        sessions.begin(&id(1), session(7, "alice", None, FAR), NOW).await.unwrap().unwrap();
        let held = sessions.hold_open(&id(1), NOW).await.unwrap().unwrap();
        store.sessions_away.store(all, Ordering::SeqCst);
        let token = LogoutToken {
            ended: Ended::Subject("alice".into()),
            id: "1".into(),
            forget_after: FAR,
        };
        let minute = Duration::from_secs(60);
        let result = end(&sessions, &token, minute, NOW).await;
        assert!(matches!(result, Err(NotEnded::Store(_))), "{all}: {result:?}");
        assert!(held.ended().is_cancelled(), "{all}");

        // Core comes again, and then the token is used up.
        store.sessions_away.store(false, Ordering::SeqCst);
        store.values_away.store(false, Ordering::SeqCst);
        let ended = end(&sessions, &token, minute, NOW).await.unwrap();
        assert_eq!(ended.len(), usize::from(all));
        let again = end(&sessions, &token, minute, NOW).await;
        assert!(matches!(again, Err(NotEnded::UsedBefore)), "{again:?}");
    }
}
