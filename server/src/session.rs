//! Sessions: who is signed in. The store never holds what a thief could replay as a cookie, and
//! what somebody else writes into it is no session.

pub mod cache;
pub mod contract;
pub mod currency;
pub mod ended;
pub mod file;
pub mod flights;
pub mod follow;
pub mod header_cache;
pub mod id;
pub mod lease;
pub mod live;
mod lookup;
pub mod meant;
pub mod memory;
mod opened;
pub mod record;
pub mod redis;
pub mod seals;
pub mod store;
#[cfg(test)]
mod tests;
mod untold;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use outpost_decision::time::Timestamp;

use self::cache::SessionCache;
use self::currency::Currency;
pub use self::id::{SessionId, SessionKey};
use self::opened::Opened;
pub use self::record::{Origin, Record, RecordError, Session, SessionAbout};
use self::seals::{SealSecret, Seals};
pub use self::store::{
    EndedSession, Inserted, ListedSession, LogEntries, LogPosition, PageCursor, Replaced,
    RevocationLog, Selection, SessionPage, SessionStore, SharedValues, StoreError, providers_of,
};
use self::untold::Untold;
use self::watch::Watch;
pub use self::watch::{Found, StoreWatch};

/// How sessions are kept at hand.
#[derive(Clone, Copy, Debug)]
pub struct SessionOptions {
    /// Sessions cached at most; 0: none.
    pub cache_capacity: usize,
    /// The store is asked again for a cached session after this time.
    pub cache_ttl: Duration,
    /// How long cached sessions go on while the store is away.
    pub grace: Duration,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            cache_capacity: 100_000,
            cache_ttl: Duration::from_secs(30),
            grace: Duration::from_secs(60),
        }
    }
}

/// The sessions of this replica: the store, what is cached of it, and what hangs open on its
/// sessions. The one way by which sessions begin and end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn SessionStore>,
    options: SessionOptions,
    cache: SessionCache,
    opened: Opened,
    currency: Currency,
    live: Arc<live::LiveConnections>,
    watch: Watch,
    untold: Untold,
    /// Whether it was told that there are sessions that cannot be read.
    unreadable_told: AtomicBool,
    /// What sessions of each provider are sealed with.
    seals: Seals,
}

impl Sessions {
    /// Sessions kept in `store`, nobody being told of its answers, of the providers of tests.
    #[cfg(test)]
    #[must_use]
    pub fn new(store: Arc<dyn SessionStore>) -> Self {
        Self::with(store, SessionOptions::default(), None).of_tests()
    }

    /// Knows the providers that tests make up sessions of.
    #[cfg(test)]
    #[must_use]
    pub fn of_tests(self) -> Self {
        self.take_seals((0..100).map(|pk| (pk, contract::secret())).collect());
        self
    }

    /// Sessions kept in `store`, with somebody told of every answer of it.
    #[must_use]
    pub fn with(
        store: Arc<dyn SessionStore>,
        options: SessionOptions,
        watch: Option<Arc<dyn StoreWatch>>,
    ) -> Self {
        let shared = store.shared().is_some();
        let inner = Inner {
            cache: SessionCache::new(options.cache_capacity),
            opened: Opened::beside(options.cache_capacity),
            currency: Currency::new(shared, options.grace, Instant::now()),
            live: Arc::default(),
            untold: Untold::default(),
            unreadable_told: AtomicBool::new(false),
            seals: Seals::default(),
            store,
            options,
            watch: Watch::new(watch),
        };
        Self { inner: Arc::new(inner) }
    }

    /// From now on there are sessions of these providers, sealed with these secrets. Sessions of a
    /// provider that is not among them, or whose secret was another, are no sessions.
    pub fn take_seals(&self, secrets: HashMap<i64, SealSecret>) {
        let changed = self.inner.seals.replace(secrets);
        if changed.is_empty() {
            return;
        }
        // What is on its way into the cache was sealed or opened with a secret that counts no more.
        self.inner.cache.ended().begin_epoch();
        let meant = |_: &SessionKey, session: &Session| changed.contains(&session.about.provider);
        self.inner.cache.forget_where(meant);
        self.inner.opened.forget_where(|session| changed.contains(&session.about.provider));
        self.inner.live.close_of(&changed);
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
        let (key, record) = (id.key(), self.inner.seals.seal(&session, id, now)?);
        let (ticket, asked) = (self.inner.cache.ticket(), Instant::now());
        let inserted =
            self.inner.watch.told("insert", asked, self.inner.store.insert(key, &record).await)?;
        let session = Arc::new(session);
        let begun =
            inserted == Inserted::Kept && self.inner.cache.enter(key, &session, now, asked, ticket);
        Ok(begun.then_some(session))
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
        let (key, record) = (id.key(), self.inner.seals.seal(&session, id, now)?);
        let (ticket, asked) = (self.inner.cache.ticket(), Instant::now());
        let replaced = self.inner.watch.told(
            "replace",
            asked,
            self.inner.store.replace(key, &record).await,
        )?;
        if replaced == Replaced::Kept {
            self.inner.cache.enter(key, &Arc::new(session), now, asked, ticket);
        } else {
            self.inner.cache.forget(&key);
        }
        Ok(replaced)
    }

    /// Ends the sessions selected and closes what hangs on them.
    ///
    /// # Errors
    /// When the store cannot; some may have ended. The caller must say so or try again. In this
    /// replica those that it knows are over either way.
    pub async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError> {
        let asked = Instant::now();
        match self.inner.watch.told("end", asked, self.inner.store.end(selection).await) {
            Ok(ended) => {
                self.inner.untold.remove(selection);
                self.ended(&ended);
                Ok(ended)
            }
            Err(error) => {
                self.inner.untold.add(selection);
                let meant = |key: &SessionKey, session: &Session| selection.means(key, session);
                for key in self.inner.cache.forget_where(meant) {
                    self.inner.live.close(&key);
                }
                Err(error)
            }
        }
    }

    /// These sessions have ended, here or at another replica: they are over for good.
    fn ended(&self, ended: &[EndedSession]) {
        self.inner.cache.end(ended.iter().map(|ended| ended.key), Instant::now());
        for session in ended {
            self.inner.opened.forget(&session.key);
            self.inner.live.close(&session.key);
        }
    }

    /// Drops what has ended by `now` and closes what hangs on it.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        let asked = Instant::now();
        self.inner.opened.forget_where(|session| session.about.expires <= now);
        let ended = self.inner.watch.told("sweep", asked, self.inner.store.sweep(now).await)?;
        self.ended(&ended);
        Ok(ended)
    }

    /// Number of sessions, per provider or in all.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError> {
        let asked = Instant::now();
        self.inner.watch.told("count", asked, self.inner.store.count(provider, now).await)
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
        let asked = Instant::now();
        let page = self.inner.store.list(selection, from, limit, now).await;
        let page = self.inner.watch.told("list", asked, page)?;
        if !page.unreadable.is_empty() && !self.inner.unreadable_told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                sessions = page.unreadable.len(),
                "sessions that a newer outpost wrote, or that are damaged, are not listed; they \
                 end with the others"
            );
        }
        Ok(page)
    }

    /// Sees to it that sessions are found by `selection`; see [`SessionStore::complete`].
    async fn complete(&self, selection: &Selection) -> Result<(), StoreError> {
        self.inner.store.complete(selection).await
    }

    /// Whether replicas can share the store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.inner.store.shared().is_some()
    }

    /// Whether what is kept outlives this process.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.inner.store.durable()
    }

    /// Since when the store cannot be reached, and why, as far as it knows without being asked.
    #[must_use]
    pub fn trouble(&self) -> Option<(Timestamp, String)> {
        self.inner.store.trouble()
    }

    /// How many sessions this replica has at hand.
    #[must_use]
    pub fn cached(&self) -> usize {
        self.inner.cache.len()
    }

    /// Small values that all replicas share.
    #[must_use]
    pub fn values(&self) -> &dyn SharedValues {
        self.inner.store.values()
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
        let connection = self.inner.live.register(id.key());
        Ok(self.get(id, now).await?.map(|session| {
            connection.of(session.about.provider);
            connection
        }))
    }
}
