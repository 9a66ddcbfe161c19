//! Sessions: who is signed in. The store never holds what a thief could replay as a cookie.

#[cfg(test)]
pub mod contract;
pub mod header_cache;
pub mod live;
pub mod memory;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use outpost_decision::claims::Claims;
use outpost_decision::time::Timestamp;
use secrecy::SecretString;
use thiserror::Error;

/// The secret that a session cookie holds: 256 random bits. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId([u8; 32]);

impl SessionId {
    /// A new random id.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| StoreError::Unavailable("no randomness".into()))?;
        Ok(Self(bytes))
    }

    /// An id from bytes derived elsewhere (header authentication).
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a cookie's value; anything but 43 base64url characters is `None`.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        if value.len() != 43 {
            return None;
        }
        URL_SAFE_NO_PAD.decode(value).ok()?.try_into().ok().map(Self)
    }

    /// The cookie's value.
    #[must_use]
    pub fn cookie_value(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The key under which the store keeps the session: a hash, so that a look into the store
    /// signs nobody in.
    #[must_use]
    pub fn key(&self) -> SessionKey {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"outpost session key v1\0");
        context.update(&self.0);
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        SessionKey(key)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// Key of a session in the store. Not a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub [u8; 32]);

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({})", hex::encode(&self.0[..4]))
    }
}

/// How a session came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody signed in with a browser.
    SignIn,
    /// An `Authorization` header was accepted; it must not reach the application.
    Header,
}

/// A session: an identity at one provider, until its token ends.
#[derive(Debug)]
pub struct Session {
    /// What operators see and revocation needs. Holds no token.
    pub about: SessionAbout,
    /// Who it is.
    pub claims: Claims,
    /// The raw access token.
    pub token: SecretString,
}

/// The part of a session that may be shown to operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAbout {
    /// Key of the provider in core.
    pub provider: i64,
    /// Subject.
    pub sub: String,
    /// User name.
    pub user: String,
    /// Core's session, absent for client credentials.
    pub sid: Option<String>,
    /// How it came to be.
    pub origin: Origin,
    /// When it came to be.
    pub created: Timestamp,
    /// When it ends, whatever the cookie says: the token's `exp`.
    pub expires: Timestamp,
    /// Address it was begun from.
    pub client_address: Option<IpAddr>,
    /// User agent it was begun with, cut to 200 bytes.
    pub user_agent: String,
}

/// A session that has been ended: enough to close what hangs on it and to tell its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSession {
    /// Its key.
    pub key: SessionKey,
    /// Key of the provider in core.
    pub provider: i64,
}

/// Which sessions to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// One.
    Key(SessionKey),
    /// All of a subject, in every provider of this outpost.
    Subject(String),
    /// All that hang on a session of core, in every provider.
    CoreSession(String),
    /// All of a provider.
    Provider(i64),
}

/// Why a store could not do what was asked. Always *unavailable*, never *no such session*.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// The store cannot be reached or does not make sense.
    #[error("the session store is unavailable: {0}")]
    Unavailable(String),
    /// The store has no room for another session.
    #[error("the session store is full: {0}")]
    Full(String),
}

/// Where sessions are kept. Every implementation passes `session::contract`.
#[async_trait]
pub trait SessionStore: Send + Sync + fmt::Debug {
    /// The session under `key`, unless it has ended by `now`.
    async fn get(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError>;

    /// Keeps a session, replacing what stood under the key.
    async fn put(&self, key: SessionKey, session: Arc<Session>) -> Result<(), StoreError>;

    /// Ends the sessions selected; returns those that were there. Cost grows with their number,
    /// never with the store.
    async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError>;

    /// Drops what has ended by `now`; returns what was dropped.
    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError>;

    /// Number of sessions kept, per provider or in all.
    async fn count(&self, provider: Option<i64>) -> Result<usize, StoreError>;
}

/// Somebody who wants to know whether the store answers.
pub trait StoreWatch: Send + Sync + fmt::Debug {
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

    /// The session under `key`, unless it has ended by `now`.
    ///
    /// # Errors
    /// When the store cannot tell. The caller must answer *unavailable*.
    pub async fn get(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        self.told("get", self.store.get(key, now).await)
    }

    /// Begins a session.
    ///
    /// # Errors
    /// When the store did not take it: nobody is signed in then.
    pub async fn begin(&self, key: SessionKey, session: Arc<Session>) -> Result<(), StoreError> {
        self.told("put", self.store.put(key, session).await)
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
    pub async fn count(&self, provider: Option<i64>) -> Result<usize, StoreError> {
        self.told("count", self.store.count(provider).await)
    }

    /// Registers a connection that must close when the session ends; `None` when it has ended.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn hold_open(
        &self,
        key: SessionKey,
        now: Timestamp,
    ) -> Result<Option<live::LiveConnection>, StoreError> {
        let connection = self.live.register(key);
        Ok(self.get(&key, now).await?.map(|_| connection))
    }

    fn close(&self, ended: &[EndedSession]) {
        for session in ended {
            self.live.close(&session.key);
        }
    }
}
