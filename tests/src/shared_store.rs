//! A session store that several outposts of one test share, as they share Redis.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use outpost::session::memory::MemoryStore;
use outpost::session::{
    EndedSession, Inserted, LogEntries, LogPosition, PageCursor, Record, Replaced, RevocationLog,
    Selection, SessionKey, SessionPage, SessionStore, SharedValues, StoreError,
};
use outpost_decision::time::Timestamp;
use tokio::sync::watch;

/// A store in memory with a revocation log, so that outposts know that they are not alone.
#[derive(Debug)]
pub struct SharedStore {
    store: MemoryStore,
    log: Mutex<Vec<EndedSession>>,
    length: watch::Sender<usize>,
}

impl Default for SharedStore {
    fn default() -> Self {
        Self {
            store: MemoryStore::new(100_000),
            log: Mutex::default(),
            length: watch::Sender::default(),
        }
    }
}

impl SharedStore {
    fn log(&self) -> MutexGuard<'_, Vec<EndedSession>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, ended: &[EndedSession]) {
        let mut log = self.log();
        log.extend_from_slice(ended);
        self.length.send_replace(log.len());
    }
}

#[async_trait]
impl SessionStore for SharedStore {
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
        let ended = self.store.end(selection).await?;
        self.tell(&ended);
        Ok(ended)
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        let ended = self.store.sweep(now).await?;
        self.tell(&ended);
        Ok(ended)
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
        Some(self)
    }

    fn values(&self) -> &dyn SharedValues {
        self.store.values()
    }
}

#[async_trait]
impl RevocationLog for SharedStore {
    async fn end_of_log(&self) -> Result<LogPosition, StoreError> {
        Ok(LogPosition(self.log().len().to_string()))
    }

    async fn read_log(
        &self,
        position: &LogPosition,
        wait: Duration,
    ) -> Result<LogEntries, StoreError> {
        let from: usize = position
            .0
            .parse()
            .map_err(|_| StoreError::Unavailable("no position of this log".into()))?;
        let mut length = self.length.subscribe();
        let news = length.wait_for(|length| *length > from);
        // Nothing came: that is an answer, too.
        let _ = tokio::time::timeout(wait, news).await;
        let log = self.log();
        let ended = log.get(from..).unwrap_or_default().to_vec();
        let next = LogPosition(log.len().to_string());
        Ok(LogEntries { ended, continuous: true, next })
    }
}
