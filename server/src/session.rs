//! Sessions: who is signed in. The store never holds what a thief could replay as a cookie.

#[cfg(test)]
pub mod contract;
pub mod flights;
pub mod header_cache;
pub mod id;
pub mod lease;
pub mod live;
pub mod memory;
pub mod record;
pub mod store;

use std::sync::Arc;

use outpost_decision::time::Timestamp;

pub use self::id::{SessionId, SessionKey};
pub use self::record::{Origin, Record, RecordError, Session, SessionAbout};
pub use self::store::{
    EndedSession, Inserted, ListedSession, LogEntries, LogPosition, PageCursor, Replaced,
    RevocationLog, Selection, SessionPage, SessionStore, SharedValues, StoreError,
};

/// Somebody who wants to know whether the store answers.
pub trait StoreWatch: Send + Sync + std::fmt::Debug {
    /// The store was asked for `operation` and did it, or failed.
    fn answered(&self, operation: &'static str, failure: Option<&StoreError>);
}

/// The sessions of this replica: the store, and what hangs open on its sessions. The one way by
/// which sessions begin and end.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Arc<dyn SessionStore>,
    live: Arc<live::LiveConnections>,
    watch: Option<Arc<dyn StoreWatch>>,
}

impl Sessions {
    /// Sessions kept in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn SessionStore>) -> Self {
        Self { store, live: Arc::default(), watch: None }
    }

    /// The same with somebody told of every answer of the store.
    #[must_use]
    pub fn watched(store: Arc<dyn SessionStore>, watch: Arc<dyn StoreWatch>) -> Self {
        Self { watch: Some(watch), ..Self::new(store) }
    }

    fn told<T>(
        &self,
        operation: &'static str,
        result: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(watch) = &self.watch {
            watch.answered(operation, result.as_ref().err());
        }
        result
    }

    /// The session of a cookie, unless it has ended by `now`.
    ///
    /// # Errors
    /// When the store cannot tell. The caller must answer *unavailable*.
    pub async fn get(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let Some(record) = self.told("get", self.store.get(&id.key(), now).await)? else {
            return Ok(None);
        };
        match record.open(id) {
            Ok(session) => Ok(Some(Arc::new(session))),
            Err(error) => {
                // Whatever it is, nobody sealed it for this cookie: signing in anew mends it.
                tracing::error!(%error, "a record of the session store is no session");
                Ok(None)
            }
        }
    }

    /// Begins a session. `None`: a revocation that it belongs to ran at the same time, and it
    /// has not begun.
    ///
    /// # Errors
    /// When the store did not take it: nobody is signed in then.
    pub async fn begin(
        &self,
        id: &SessionId,
        session: Session,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let record = seal(&session, id, now)?;
        let inserted = self.told("insert", self.store.insert(id.key(), &record).await)?;
        Ok(match inserted {
            Inserted::Kept => Some(Arc::new(session)),
            Inserted::Revoked => None,
        })
    }

    /// Keeps the next version of a session (its generation counted up by one).
    ///
    /// # Errors
    /// When the store did not take it: the version before it stands.
    pub async fn replace(
        &self,
        id: &SessionId,
        session: Session,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let record = seal(&session, id, now)?;
        self.told("replace", self.store.replace(id.key(), &record).await)
    }

    /// Ends the sessions selected and closes what hangs on them.
    ///
    /// # Errors
    /// When the store cannot; some may have ended. The caller must say so or try again.
    pub async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError> {
        let ended = self.told("end", self.store.end(selection).await)?;
        self.close(&ended);
        Ok(ended)
    }

    /// Drops what has ended by `now` and closes what hangs on it.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        let ended = self.told("sweep", self.store.sweep(now).await)?;
        self.close(&ended);
        Ok(ended)
    }

    /// Number of sessions, per provider or in all.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError> {
        self.told("count", self.store.count(provider, now).await)
    }

    /// A page of sessions for operators; see [`SessionStore::list`].
    ///
    /// # Errors
    /// When the store cannot tell, or the cursor is not one of its own.
    pub async fn list(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        self.told("list", self.store.list(selection, from, limit, now).await)
    }

    /// Small values that all replicas share.
    #[must_use]
    pub fn values(&self) -> &dyn SharedValues {
        self.store.values()
    }

    /// Registers a connection that must close when the session ends; `None` when it has ended.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn hold_open(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<live::LiveConnection>, StoreError> {
        let connection = self.live.register(id.key());
        Ok(self.get(id, now).await?.map(|_| connection))
    }

    fn close(&self, ended: &[EndedSession]) {
        for session in ended {
            self.live.close(&session.key);
        }
    }
}

fn seal(session: &Session, id: &SessionId, now: Timestamp) -> Result<Record, StoreError> {
    session.seal(id, now).map_err(|error| StoreError::Unavailable(error.to_string()))
}
