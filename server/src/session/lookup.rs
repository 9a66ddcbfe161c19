//! Finding the session of a cookie: in the cache, while that is current; else in the store; and for
//! a while in the cache again, where the store is away.

use std::sync::Arc;
use std::time::Instant;

use outpost_decision::time::Timestamp;

use super::cache::Cached;
use super::store::StoreError;
use super::watch::Found;
use super::{Record, Session, SessionId, SessionKey, Sessions};

impl Sessions {
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
        // What asks the store is kept apart: most requests need no room for it.
        let cached = self.inner.cache.get(&key).filter(|cached| cached.lasts(now));
        let Some(cached) = cached else {
            self.inner.watch.looked(Found::Asked);
            return Box::pin(self.fetch(id, key, now)).await;
        };
        if self.inner.currency.is_current(at) {
            // Once in a while the store is asked, by one request while the others go on: whether
            // the session stands, and to note that it is used.
            let due = cached.is_due(at, self.inner.options.cache_ttl);
            let claim = if due { self.inner.cache.claim(&key) } else { None };
            let Some(_claim) = claim else {
                self.inner.watch.looked(Found::Cached);
                return Ok(Some(cached.session));
            };
            return Box::pin(self.confirm(id, key, cached, now)).await;
        }
        let asked = Box::pin(self.fetch(id, key, now)).await;
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
        let record = self.inner.watch.told("get", asked, self.inner.store.get(&key, now).await)?;
        let opened = record
            .filter(|record| !self.inner.untold.means(record))
            .and_then(|record| Some((self.open(&key, &record, id)?, record.seen)));
        let Some((session, seen)) = opened else {
            self.inner.cache.forget(&key);
            self.inner.opened.forget(&key);
            return Ok(None);
        };
        let usable = self.inner.cache.enter(key, &session, seen, asked, ticket);
        Ok(usable.then_some(session))
    }

    /// The session that a record holds for this cookie, whose key is `key`; `None` where it is none.
    fn open(&self, key: &SessionKey, record: &Record, id: &SessionId) -> Option<Arc<Session>> {
        // Without a secret: another outpost's, or of a provider that is gone.
        let secret = self.inner.seals.get(record.about.provider)?;
        if let Some(session) = self.inner.opened.find(key, record, &secret) {
            return Some(session);
        }
        let opened = record.open(id, &secret).inspect_err(|error| {
            // Nobody who knows the provider's secret of now sealed it for this cookie: signing in
            // anew mends it.
            // After a change of the secret that is every session of before, at each request.
            tracing::debug!(%error, "a record of the session store is no session");
        });
        let session = Arc::new(opened.ok()?);
        self.inner.opened.keep(key, record, &secret, &session);
        Some(session)
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
        let standing =
            self.inner.watch.told("touch", asked, self.inner.store.touch(&key, now).await);
        match standing {
            Ok(Some(generation)) if generation == cached.session.generation => {
                self.inner.cache.confirm(&key, generation, now, asked);
                self.inner.watch.looked(Found::Asked);
                Ok((!self.inner.cache.ended().contains(&key)).then_some(cached.session))
            }
            Ok(_) => {
                self.inner.watch.looked(Found::Asked);
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
            self.inner.watch.looked(Found::Asked);
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
            self.inner.watch.looked(Found::Degraded);
            return Ok(Some(cached.session));
        }
        asked
    }
}
