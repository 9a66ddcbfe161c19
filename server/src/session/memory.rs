//! Sessions in the memory of one process: no set-up, gone with a restart.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use dashmap::DashMap;
use outpost_decision::time::Timestamp;

use super::{EndedSession, Selection, Session, SessionAbout, SessionKey, SessionStore, StoreError};

/// The memory store. Reads take one shard's read lock; writes also keep the indexes that make
/// revocation cost only as much as what it ends.
#[derive(Debug)]
pub struct MemoryStore {
    sessions: DashMap<SessionKey, Arc<Session>>,
    indexes: Mutex<Indexes>,
    capacity: usize,
}

/// Which sessions belong to whom. Whoever changes `sessions` holds this lock, so that a session
/// put during a revocation is either seen by it or comes after it.
#[derive(Debug, Default)]
struct Indexes {
    by_subject: HashMap<String, HashSet<SessionKey>>,
    by_core_session: HashMap<String, HashSet<SessionKey>>,
    by_provider: HashMap<i64, HashSet<SessionKey>>,
    by_expiry: BTreeSet<(Timestamp, SessionKey)>,
}

impl MemoryStore {
    /// A store for at most `capacity` sessions.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { sessions: DashMap::new(), indexes: Mutex::default(), capacity }
    }

    /// The indexes; a panic elsewhere leaves them usable, since each change is completed or not
    /// begun between two panicking points.
    fn indexes(&self) -> MutexGuard<'_, Indexes> {
        self.indexes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn remove(&self, indexes: &mut Indexes, key: &SessionKey) -> Option<EndedSession> {
        let (_, session) = self.sessions.remove(key)?;
        indexes.forget(key, &session.about);
        Some(EndedSession { key: *key, provider: session.about.provider })
    }

    fn remove_all(&self, indexes: &mut Indexes, keys: Vec<SessionKey>) -> Vec<EndedSession> {
        keys.iter().filter_map(|key| self.remove(indexes, key)).collect()
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn get(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        Ok(self
            .sessions
            .get(key)
            .filter(|session| session.about.expires > now)
            .map(|session| Arc::clone(&session)))
    }

    async fn put(&self, key: SessionKey, session: Arc<Session>) -> Result<(), StoreError> {
        let mut indexes = self.indexes();
        if self.remove(&mut indexes, &key).is_none() && self.sessions.len() >= self.capacity {
            return Err(StoreError::Full(format!(
                "{} sessions are kept, the most that sessions.capacity allows",
                self.capacity
            )));
        }
        indexes.remember(key, &session.about);
        self.sessions.insert(key, session);
        Ok(())
    }

    async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError> {
        let mut indexes = self.indexes();
        let keys = match selection {
            Selection::Key(key) => vec![*key],
            Selection::Subject(sub) => copied(indexes.by_subject.get(sub)),
            Selection::CoreSession(sid) => copied(indexes.by_core_session.get(sid)),
            Selection::Provider(pk) => copied(indexes.by_provider.get(pk)),
        };
        Ok(self.remove_all(&mut indexes, keys))
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        let mut indexes = self.indexes();
        let keys = indexes
            .by_expiry
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, key)| *key)
            .collect();
        Ok(self.remove_all(&mut indexes, keys))
    }

    async fn count(&self, provider: Option<i64>) -> Result<usize, StoreError> {
        Ok(match provider {
            None => self.sessions.len(),
            Some(pk) => self.indexes().by_provider.get(&pk).map_or(0, HashSet::len),
        })
    }
}

impl Indexes {
    fn remember(&mut self, key: SessionKey, about: &SessionAbout) {
        self.by_subject.entry(about.sub.clone()).or_default().insert(key);
        if let Some(sid) = &about.sid {
            self.by_core_session.entry(sid.clone()).or_default().insert(key);
        }
        self.by_provider.entry(about.provider).or_default().insert(key);
        self.by_expiry.insert((about.expires, key));
    }

    fn forget(&mut self, key: &SessionKey, about: &SessionAbout) {
        drop_from(&mut self.by_subject, &about.sub, key);
        if let Some(sid) = &about.sid {
            drop_from(&mut self.by_core_session, sid, key);
        }
        drop_from(&mut self.by_provider, &about.provider, key);
        self.by_expiry.remove(&(about.expires, *key));
    }
}

fn copied(keys: Option<&HashSet<SessionKey>>) -> Vec<SessionKey> {
    keys.map(|keys| keys.iter().copied().collect()).unwrap_or_default()
}

/// Removes `key` from the set under `owner`, and the set when it is empty: an index must not
/// outgrow the sessions.
fn drop_from<K: std::hash::Hash + Eq>(
    index: &mut HashMap<K, HashSet<SessionKey>>,
    owner: &K,
    key: &SessionKey,
) {
    if let Some(keys) = index.get_mut(owner) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::contract;

    #[actix_rt::test]
    async fn keeps_the_contract() {
        contract::check(|| async { MemoryStore::new(100_000) }).await;
    }

    #[actix_rt::test]
    async fn a_full_store_says_so_and_still_replaces() {
        let store = MemoryStore::new(1);
        let session = contract::session(1, "alice", Some("sid"), 100);
        store.put(SessionKey([1; 32]), Arc::clone(&session)).await.unwrap();
        let refused = store.put(SessionKey([2; 32]), Arc::clone(&session)).await;
        assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
        store.put(SessionKey([1; 32]), session).await.unwrap();
        assert_eq!(store.count(None).await, Ok(1));
    }

    #[actix_rt::test]
    async fn nothing_is_left_behind_by_sessions_that_ended() {
        let store = MemoryStore::new(1000);
        for n in 0..100u8 {
            let session = contract::session(i64::from(n % 3), &format!("u{n}"), Some("sid"), 100);
            store.put(SessionKey([n; 32]), session).await.unwrap();
        }
        store.end(&Selection::CoreSession("sid".into())).await.unwrap();
        let indexes = store.indexes();
        assert!(store.sessions.is_empty());
        assert!(indexes.by_subject.is_empty() && indexes.by_core_session.is_empty());
        assert!(indexes.by_provider.is_empty() && indexes.by_expiry.is_empty());
    }
}
