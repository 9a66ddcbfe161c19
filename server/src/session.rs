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
pub mod meant;
pub mod memory;
pub mod record;
pub mod redis;
pub mod seals;
pub mod store;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use outpost_decision::time::Timestamp;

use self::cache::{Cached, SessionCache};
use self::currency::Currency;
pub use self::id::{SessionId, SessionKey};
pub use self::record::{Origin, Record, RecordError, Session, SessionAbout};
use self::seals::{SealSecret, Seals};
pub use self::store::{
    EndedSession, Inserted, ListedSession, LogEntries, LogPosition, PageCursor, Replaced,
    RevocationLog, Selection, SessionPage, SessionStore, SharedValues, StoreError, providers_of,
};

/// Somebody who wants to know whether the store answers, and how often it need not be asked.
pub trait StoreWatch: Send + Sync + std::fmt::Debug {
    /// The store was asked for `operation` and did it, or failed.
    fn answered(&self, operation: &'static str, took: Duration, failure: Option<&StoreError>);

    /// A session was looked for.
    fn looked(&self, found: Found);
}

/// Where a session was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// In this replica's cache, which is current.
    Cached,
    /// In the store, or nowhere.
    Asked,
    /// In the cache, while the store is away.
    Degraded,
}

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
    currency: Currency,
    live: Arc<live::LiveConnections>,
    watch: Option<Arc<dyn StoreWatch>>,
    /// Sessions of core that have ended while the store could not be told. Whoever told us tells
    /// again until the store knows; until then they are over in this replica.
    untold: Mutex<HashSet<String>>,
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
            currency: Currency::new(shared, options.grace, Instant::now()),
            live: Arc::default(),
            untold: Mutex::default(),
            unreadable_told: AtomicBool::new(false),
            seals: Seals::default(),
            store,
            options,
            watch,
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
        self.inner.live.close_of(&changed);
    }

    /// The session of a cookie, unless it has ended by `now`.
    ///
    /// # Errors
    /// When nobody can tell. The caller must answer *unavailable*.
    pub async fn get(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let (key, at) = (id.key(), Instant::now());
        let cached = self.inner.cache.get(&key).filter(|cached| cached.lasts(now));
        let Some(cached) = cached else {
            self.looked(Found::Asked);
            return self.fetch(id, key, now).await;
        };
        if self.inner.currency.is_current(at) {
            // Once in a while the store is asked, by one request while the others go on: whether
            // the session stands, and to note that it is used.
            let claim =
                if cached.is_due(at, self.inner.options.cache_ttl) { cached.claim() } else { None };
            let Some(_claim) = claim else {
                self.looked(Found::Cached);
                return Ok(Some(cached.session));
            };
            return self.confirm(id, key, cached, now).await;
        }
        let asked = self.fetch(id, key, now).await;
        self.in_grace(asked, &key, cached, at)
    }

    /// The same, as the store has it now, whatever is cached.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn reread(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        self.fetch(id, id.key(), now).await
    }

    /// Reads a session from the store and caches it.
    async fn fetch(
        &self,
        id: &SessionId,
        key: SessionKey,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let (ticket, asked) = (self.inner.cache.ticket(), Instant::now());
        let record = self.told("get", asked, self.inner.store.get(&key, now).await)?;
        let Some(record) = record.filter(|record| !self.is_untold(record)) else {
            self.inner.cache.forget(&key);
            return Ok(None);
        };
        let Some(secret) = self.inner.seals.get(record.about.provider) else {
            // Another outpost's, or of a provider that is gone.
            self.inner.cache.forget(&key);
            return Ok(None);
        };
        match record.open(id, &secret) {
            Ok(session) => {
                let session = Arc::new(session);
                let usable = self.inner.cache.enter(key, &session, record.seen, asked, ticket);
                Ok(usable.then_some(session))
            }
            Err(error) => {
                // Nobody who knows the provider's secret of now sealed it for this cookie: signing
                // in anew mends it.
                // After a change of the secret that is every session of before, at each request.
                tracing::debug!(%error, "a record of the session store is no session");
                self.inner.cache.forget(&key);
                Ok(None)
            }
        }
    }

    /// Asks the store whether a cached session stands.
    async fn confirm(
        &self,
        id: &SessionId,
        key: SessionKey,
        cached: Cached,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let asked = Instant::now();
        let standing = self.told("touch", asked, self.inner.store.touch(&key, now).await);
        match standing {
            Ok(Some(generation)) if generation == cached.session.generation => {
                self.inner.cache.confirm(&key, generation, now, asked);
                self.looked(Found::Asked);
                Ok((!self.inner.cache.ended().contains(&key)).then_some(cached.session))
            }
            Ok(_) => {
                self.looked(Found::Asked);
                self.fetch(id, key, now).await
            }
            Err(error) => self.in_grace(Err(error), &key, cached, asked),
        }
    }

    /// What is cached stands in for a store that is away, for as long as the settings say.
    fn in_grace(
        &self,
        asked: Result<Option<Arc<Session>>, StoreError>,
        key: &SessionKey,
        cached: Cached,
        at: Instant,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let Err(StoreError::Unavailable(_)) = &asked else {
            self.looked(Found::Asked);
            return asked;
        };
        let inner = &self.inner;
        let proven = if inner.store.shared().is_some() {
            inner.currency.is_current(at) || inner.currency.is_in_grace(at)
        } else {
            // Nobody else could have ended it; but not for ever without the store's word.
            at.saturating_duration_since(cached.confirmed) < inner.options.grace
        };
        // Looked up once more: it may have ended while the store was waited for.
        if proven && !inner.cache.ended().contains(key) && inner.cache.get(key).is_some() {
            self.looked(Found::Degraded);
            return Ok(Some(cached.session));
        }
        asked
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
        let (key, record) = (id.key(), self.seal(&session, id, now)?);
        let (ticket, asked) = (self.inner.cache.ticket(), Instant::now());
        let inserted = self.told("insert", asked, self.inner.store.insert(key, &record).await)?;
        let session = Arc::new(session);
        let begun =
            inserted == Inserted::Kept && self.inner.cache.enter(key, &session, now, asked, ticket);
        Ok(begun.then_some(session))
    }

    /// Seals a session for the store.
    fn seal(
        &self,
        session: &Session,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Record, StoreError> {
        let provider = session.about.provider;
        let unavailable = |why: &dyn Display| StoreError::Unavailable(why.to_string());
        let secret = self.inner.seals.get(provider);
        let secret = secret.ok_or_else(|| unavailable(&format_args!("no provider {provider}")))?;
        session.seal(id, &secret, now).map_err(|error| unavailable(&error))
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
        let (key, record) = (id.key(), self.seal(&session, id, now)?);
        let (ticket, asked) = (self.inner.cache.ticket(), Instant::now());
        let replaced = self.told("replace", asked, self.inner.store.replace(key, &record).await)?;
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
        match self.told("end", asked, self.inner.store.end(selection).await) {
            Ok(ended) => {
                self.took_end_of(selection);
                self.ended(&ended);
                Ok(ended)
            }
            Err(error) => {
                if let Selection::CoreSession(sid) = selection {
                    self.untold().insert(sid.clone());
                }
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
            self.inner.live.close(&session.key);
        }
    }

    /// Drops what has ended by `now` and closes what hangs on it.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        let asked = Instant::now();
        let ended = self.told("sweep", asked, self.inner.store.sweep(now).await)?;
        self.ended(&ended);
        Ok(ended)
    }

    /// Number of sessions, per provider or in all.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError> {
        let asked = Instant::now();
        self.told("count", asked, self.inner.store.count(provider, now).await)
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
        let page = self.told("list", asked, page)?;
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

    fn told<T>(
        &self,
        operation: &'static str,
        asked: Instant,
        result: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(watch) = &self.inner.watch {
            watch.answered(operation, asked.elapsed(), result.as_ref().err());
        }
        result
    }

    fn looked(&self, found: Found) {
        if let Some(watch) = &self.inner.watch {
            watch.looked(found);
        }
    }

    fn untold(&self) -> MutexGuard<'_, HashSet<String>> {
        self.inner.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn took_end_of(&self, selection: &Selection) {
        if let Selection::CoreSession(sid) = selection {
            self.untold().remove(sid);
        }
    }

    fn is_untold(&self, record: &Record) -> bool {
        record.about.sid.as_ref().is_some_and(|sid| self.untold().contains(sid))
    }
}
