//! Sessions in the memory of one process: no set-up, gone with a restart.

mod indexes;
mod log;
mod values;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use outpost_decision::time::Timestamp;

use self::indexes::Indexes;
use self::log::MemoryLog;
use self::values::MemoryValues;
use super::id::SessionKey;
use super::record::Record;
use super::store::{
    EndedSession, Inserted, ListedSession, PageCursor, Replaced, RevocationLog, Selection,
    SessionPage, SessionStore, SharedValues, StoreError,
};

/// The memory store. Reads take one shard's read lock; writes also keep the indexes that make
/// revocation cost only as much as what it ends.
#[derive(Debug)]
pub struct MemoryStore {
    sessions: DashMap<SessionKey, Record>,
    /// Whoever changes which sessions there are holds this lock, so that a session put during a
    /// revocation is either seen by it or comes after it.
    indexes: Mutex<Indexes>,
    values: MemoryValues,
    capacity: usize,
    log: Option<MemoryLog>,
}

impl MemoryStore {
    /// A store for at most `capacity` sessions.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            sessions: DashMap::new(),
            indexes: Mutex::default(),
            values: MemoryValues::default(),
            capacity,
            log: None,
        }
    }

    /// The same, to be shared by several outposts within one process: each hears what the others
    /// end.
    #[must_use]
    pub fn shared_within_process(capacity: usize) -> Self {
        Self { log: Some(MemoryLog::default()), ..Self::new(capacity) }
    }

    /// The indexes; a panic elsewhere leaves them usable, since each change is completed or not
    /// begun between two panicking points.
    fn indexes(&self) -> MutexGuard<'_, Indexes> {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, indexes: &mut Indexes, key: &SessionKey) -> Option<EndedSession> {
        let (_, record) = self.sessions.remove(key)?;
        indexes.forget(*key, &record);
        Some(EndedSession { key: *key, provider: record.about.provider })
    }

    fn remove_all(&self, indexes: &mut Indexes, keys: &[SessionKey]) -> Vec<EndedSession> {
        let ended: Vec<_> = keys.iter().filter_map(|key| self.remove(indexes, key)).collect();
        if let Some(log) = &self.log {
            log.append(&ended);
        }
        ended
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn get(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        Ok(self.sessions.get(key).filter(|record| !record.is_over(now)).map(|found| found.clone()))
    }

    async fn insert(&self, key: SessionKey, record: &Record) -> Result<Inserted, StoreError> {
        let mut indexes = self.indexes();
        if self.log.as_ref().is_some_and(|log| log.has(&key)) {
            return Ok(Inserted::Revoked);
        }
        if self.sessions.len() >= self.capacity {
            return Err(StoreError::Full(format!(
                "{} sessions are kept, the most that sessions.capacity allows",
                self.capacity
            )));
        }
        match self.sessions.entry(key) {
            // Ids are random: whoever comes a second time has lost the first answer.
            Entry::Occupied(_) => {}
            Entry::Vacant(entry) => {
                indexes.remember(key, record);
                entry.insert(record.clone());
            }
        }
        Ok(Inserted::Kept)
    }

    async fn replace(&self, key: SessionKey, record: &Record) -> Result<Replaced, StoreError> {
        let mut indexes = self.indexes();
        let Some(mut standing) = self.sessions.get_mut(&key) else { return Ok(Replaced::Gone) };
        if standing.generation.checked_add(1) != Some(record.generation) {
            return Ok(Replaced::Outdated);
        }
        indexes.forget(key, &standing);
        indexes.remember(key, record);
        *standing = record.clone();
        Ok(Replaced::Kept)
    }

    async fn touch(&self, key: &SessionKey, seen: Timestamp) -> Result<Option<u64>, StoreError> {
        let mut indexes = self.indexes();
        let Some(mut standing) = self.sessions.get_mut(key) else { return Ok(None) };
        if standing.is_over(seen) {
            return Ok(None);
        }
        if standing.seen < seen {
            indexes.forget(*key, &standing);
            standing.seen = seen;
            indexes.remember(*key, &standing);
        }
        Ok(Some(standing.generation))
    }

    async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError> {
        let mut indexes = self.indexes();
        let keys = indexes.select(selection);
        Ok(self.remove_all(&mut indexes, &keys))
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        self.values.sweep(now);
        let mut indexes = self.indexes();
        let keys = indexes.over_by(now);
        Ok(self.remove_all(&mut indexes, &keys))
    }

    async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError> {
        Ok(self.indexes().count(provider, now))
    }

    async fn list(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        let (keys, next) = self.indexes().page(selection, from, limit)?;
        let listed = |key: SessionKey| {
            let record = self.sessions.get(&key).filter(|record| !record.is_over(now))?;
            Some(ListedSession { key, about: record.about.clone(), seen: record.seen })
        };
        let sessions = keys.into_iter().filter_map(listed).collect();
        Ok(SessionPage { sessions, next, ..SessionPage::default() })
    }

    fn shared(&self) -> Option<&dyn RevocationLog> {
        self.log.as_ref().map(|log| log as &dyn RevocationLog)
    }

    fn durable(&self) -> bool {
        false
    }

    fn values(&self) -> &dyn SharedValues {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::contract::{self, key, record};

    #[actix_rt::test]
    async fn keeps_the_contract() {
        contract::check(|| async { MemoryStore::new(100_000) }).await;
    }

    #[actix_rt::test]
    async fn keeps_the_contract_of_shared_stores() {
        contract::check(|| async { MemoryStore::shared_within_process(100_000) }).await;
    }

    #[actix_rt::test]
    async fn a_full_store_says_so_and_still_takes_the_next_version_of_a_session() {
        let store = MemoryStore::new(1);
        let first = record(1, 1, "alice", Some("sid"), 100);
        store.insert(key(1), &first).await.unwrap();
        let refused = store.insert(key(2), &record(2, 1, "alice", None, 100)).await;
        assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
        let next = Record { generation: 1, ..first };
        assert_eq!(store.replace(key(1), &next).await, Ok(Replaced::Kept));
        assert_eq!(store.count(None, Timestamp(0)).await, Ok(1));
    }

    #[actix_rt::test]
    async fn nothing_is_left_behind_by_sessions_that_ended() {
        let store = MemoryStore::new(1000);
        for n in 0..100u8 {
            let record = record(n, i64::from(n % 3), &format!("u{n}"), Some("sid"), 100);
            store.insert(key(n), &record).await.unwrap();
            store.touch(&key(n), Timestamp(50)).await.unwrap();
        }
        store.end(&Selection::CoreSession("sid".into())).await.unwrap();
        assert!(store.sessions.is_empty());
        assert!(store.indexes().is_empty());
    }
}
