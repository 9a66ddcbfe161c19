//! A session store that fails while a test tells it to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use outpost::session::memory::MemoryStore;
use outpost::session::{
    EndedSession, Inserted, PageCursor, Record, Replaced, RevocationLog, Selection, SessionKey,
    SessionPage, SessionStore, SharedValues, StoreError,
};
use outpost_decision::time::Timestamp;

/// A store in memory that can be away.
#[derive(Debug)]
pub struct FaultyStore {
    store: MemoryStore,
    down: AtomicBool,
}

impl Default for FaultyStore {
    fn default() -> Self {
        Self { store: MemoryStore::new(100_000), down: AtomicBool::new(false) }
    }
}

impl FaultyStore {
    /// From now on it fails, or works.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn up(&self) -> Result<&MemoryStore, StoreError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the test says so".into()));
        }
        Ok(&self.store)
    }
}

#[async_trait]
impl SessionStore for FaultyStore {
    async fn get(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.up()?.get(key, now).await
    }

    async fn insert(&self, key: SessionKey, record: &Record) -> Result<Inserted, StoreError> {
        self.up()?.insert(key, record).await
    }

    async fn replace(&self, key: SessionKey, record: &Record) -> Result<Replaced, StoreError> {
        self.up()?.replace(key, record).await
    }

    async fn touch(&self, key: &SessionKey, seen: Timestamp) -> Result<Option<u64>, StoreError> {
        self.up()?.touch(key, seen).await
    }

    async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError> {
        self.up()?.end(selection).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        self.up()?.sweep(now).await
    }

    async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError> {
        self.up()?.count(provider, now).await
    }

    async fn list(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        self.up()?.list(selection, from, limit, now).await
    }

    fn shared(&self) -> Option<&dyn RevocationLog> {
        None
    }

    fn values(&self) -> &dyn SharedValues {
        self
    }
}

#[async_trait]
impl SharedValues for FaultyStore {
    async fn read(&self, name: &str, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        self.up()?.values().read(name, now).await
    }

    async fn write(
        &self,
        name: &str,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.up()?.values().write(name, value, lifetime, now).await
    }

    async fn swap(
        &self,
        name: &str,
        expected: Option<&[u8]>,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.up()?.values().swap(name, expected, value, lifetime, now).await
    }
}
