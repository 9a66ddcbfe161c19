//! A store that can be closed, and that can lose what it was told.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use outpost_decision::time::Timestamp;

use crate::session::memory::MemoryStore;
use crate::session::*;

#[derive(Debug)]
pub(super) struct Gate {
    store: Mutex<Arc<MemoryStore>>,
    closed: AtomicBool,
    gets: AtomicUsize,
    log_lost: AtomicBool,
    shared: bool,
    /// Values, which no test here loses.
    apart: MemoryStore,
}

impl Gate {
    pub(super) fn new(store: Arc<MemoryStore>) -> Self {
        Self {
            store: Mutex::new(store),
            closed: AtomicBool::new(false),
            gets: AtomicUsize::new(0),
            log_lost: AtomicBool::new(false),
            shared: true,
            apart: MemoryStore::new(1),
        }
    }

    /// A store that this process has for itself.
    pub(super) fn of_one_process() -> Self {
        Self { shared: false, ..Self::new(Arc::new(MemoryStore::new(100))) }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(super) fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
    }

    pub(super) fn gets(&self) -> usize {
        self.gets.load(Ordering::SeqCst)
    }

    /// The next look at the log finds that something is missing.
    pub(super) fn lose_log(&self) {
        self.log_lost.store(true, Ordering::SeqCst);
    }

    pub(super) async fn record(&self, key: &SessionKey) -> Record {
        self.behind().get(key, Timestamp(0)).await.unwrap().unwrap()
    }

    /// From now on there is another store with these sessions, under the keys 1 and 2.
    pub(super) async fn fail_over(&self, records: Vec<Record>) {
        let store = MemoryStore::shared_within_process(1_000);
        for (n, record) in (1..).zip(records) {
            store.insert(super::key(n), &record).await.unwrap();
        }
        *self.store.lock().unwrap() = Arc::new(store);
    }

    fn behind(&self) -> Arc<MemoryStore> {
        Arc::clone(&self.store.lock().unwrap())
    }

    fn passage(&self) -> Result<Arc<MemoryStore>, StoreError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("closed".into()));
        }
        Ok(self.behind())
    }
}

#[async_trait]
impl SessionStore for Gate {
    async fn get(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.passage()?.get(key, now).await
    }

    async fn insert(&self, key: SessionKey, record: &Record) -> Result<Inserted, StoreError> {
        self.passage()?.insert(key, record).await
    }

    async fn replace(&self, key: SessionKey, record: &Record) -> Result<Replaced, StoreError> {
        self.passage()?.replace(key, record).await
    }

    async fn touch(&self, key: &SessionKey, seen: Timestamp) -> Result<Option<u64>, StoreError> {
        self.passage()?.touch(key, seen).await
    }

    async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError> {
        self.passage()?.end(selection).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        self.passage()?.sweep(now).await
    }

    async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError> {
        self.passage()?.count(provider, now).await
    }

    async fn list(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        self.passage()?.list(selection, from, limit, now).await
    }

    fn shared(&self) -> Option<&dyn RevocationLog> {
        self.shared.then_some(self as &dyn RevocationLog)
    }

    fn values(&self) -> &dyn SharedValues {
        self.apart.values()
    }
}

#[async_trait]
impl RevocationLog for Gate {
    async fn end_of_log(&self) -> Result<LogPosition, StoreError> {
        self.passage()?.shared().unwrap().end_of_log().await
    }

    async fn read_log(
        &self,
        position: &LogPosition,
        wait: Duration,
    ) -> Result<LogEntries, StoreError> {
        let behind = self.passage()?;
        let entries = behind.shared().unwrap().read_log(position, wait).await?;
        if self.log_lost.swap(false, Ordering::SeqCst) {
            return Ok(LogEntries { ended: Vec::new(), continuous: false, next: entries.next });
        }
        Ok(entries)
    }
}
