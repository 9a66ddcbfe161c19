//! What a session store must do. Every implementation passes `session::contract`.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use outpost_decision::time::Timestamp;
use thiserror::Error;

use super::id::SessionKey;
use super::record::{Record, Session, SessionAbout};
use crate::randomness::NoRandomness;

/// A session that has been ended: enough to close what hangs on it and to tell its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndedSession {
    /// Its key.
    pub key: SessionKey,
    /// Key of the provider in core.
    pub provider: i64,
}

/// The providers that these sessions belonged to, each once: those who have something to count.
#[must_use]
pub fn providers_of(ended: &[EndedSession]) -> BTreeSet<i64> {
    ended.iter().map(|session| session.provider).collect()
}

/// Which sessions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// One.
    Key(SessionKey),
    /// These.
    Keys(Vec<SessionKey>),
    /// All of a subject, in every provider of this outpost.
    Subject(String),
    /// All that hang on a session of core, in every provider.
    CoreSession(String),
    /// All of a provider.
    Provider(i64),
    /// All of a user name, in every provider: exactly as core told it, in its case. An empty one
    /// is nobody's.
    User(String),
    /// All that were begun from an address, in every provider. An IPv4 address within IPv6
    /// (`::ffff:192.0.2.1`) is the IPv4 address.
    Address(IpAddr),
}

impl Selection {
    /// Whether a session is among those meant.
    #[must_use]
    pub fn means(&self, key: &SessionKey, session: &Session) -> bool {
        self.means_one(key, &session.about)
    }

    /// The same by what is known of the session in the clear.
    #[must_use]
    pub fn means_one(&self, key: &SessionKey, about: &SessionAbout) -> bool {
        match self {
            Self::Key(one) => key == one,
            Self::Keys(these) => these.contains(key),
            Self::Subject(sub) => about.sub == *sub,
            Self::CoreSession(sid) => about.sid.as_ref() == Some(sid),
            Self::Provider(pk) => about.provider == *pk,
            Self::User(user) => !user.is_empty() && about.user == *user,
            Self::Address(address) => about.address() == Some(address.to_canonical()),
        }
    }
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
    /// A page was asked for by a cursor that this store never gave.
    #[error("there is no such page of sessions")]
    NoSuchPage,
}

impl From<NoRandomness> for StoreError {
    fn from(error: NoRandomness) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// What became of a new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is kept.
    Kept,
    /// A revocation that it belongs to ran at the same time: it has not begun.
    Revoked,
}

/// What became of a session's next version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It is kept.
    Kept,
    /// The session has ended meanwhile; nothing was written.
    Gone,
    /// Somebody else has written a version meanwhile; nothing was written.
    Outdated,
}

/// A page of sessions for operators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<ListedSession>,
    /// Those that stand there and cannot be read: a newer outpost wrote them, or they are damaged.
    pub unreadable: Vec<SessionKey>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<PageCursor>,
}

/// A session as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSession {
    /// Its key.
    pub key: SessionKey,
    /// What is in the clear.
    pub about: SessionAbout,
    /// When it was last used, as far as the store has been told.
    pub seen: Timestamp,
}

/// Where a page begins: means something to the store that gave it alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageCursor(pub String);

/// Where sessions are kept.
///
/// A key is never live again once its session has ended: `insert` takes fresh random keys only,
/// and `replace` writes only where the session still stands.
#[async_trait]
pub trait SessionStore: Send + Sync + fmt::Debug {
    /// The session under `key`, unless it is over by `now`.
    async fn get(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Record>, StoreError>;

    /// Keeps a new session. Once this returns [`Inserted::Kept`], every selection that means the
    /// session finds it.
    async fn insert(&self, key: SessionKey, record: &Record) -> Result<Inserted, StoreError>;

    /// Keeps the next version of a session, if the one before it (`record.generation - 1`) still
    /// stands. Provider, subject and core session must be the same as before; user name and
    /// address may have changed.
    async fn replace(&self, key: SessionKey, record: &Record) -> Result<Replaced, StoreError>;

    /// Notes that a session was used at `seen`, which defers its idle limit. Returns the
    /// generation that stands, `None` when the session has ended.
    async fn touch(&self, key: &SessionKey, seen: Timestamp) -> Result<Option<u64>, StoreError>;

    /// Ends the sessions selected; returns those that were there. Cost grows with their number,
    /// never with the store. When it fails, some may have ended; the same call again ends the
    /// rest.
    async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError>;

    /// Drops what is over by `now`; returns what was dropped, where the store can tell.
    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError>;

    /// Number of sessions that are not over by `now`, per provider or in all. A session that is
    /// over by its idle limit may be counted until its token ends.
    async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError>;

    /// A page of at most `limit` sessions of `selection` (`None`: all), in an order of the
    /// store's that new sessions do not disturb. Cost grows with the page, never with the store.
    /// One that cannot be read fails no page.
    async fn list(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError>;

    /// Sees to it that `selection` finds every session that it means, also where an older outpost
    /// wrote some of them and others do not know that yet. `end` does the same by itself.
    ///
    /// # Errors
    /// When it cannot be done now, or not in reasonable time; what was done so far is not lost.
    async fn complete(&self, _selection: &Selection) -> Result<(), StoreError> {
        Ok(())
    }

    /// What replicas that share the store tell each other; `None` when this process has the store
    /// for itself.
    fn shared(&self) -> Option<&dyn RevocationLog>;

    /// Small values beside the sessions.
    fn values(&self) -> &dyn SharedValues;

    /// Whether what is kept outlives this process: whether it is worth keeping there what an
    /// outpost needs when it starts.
    fn durable(&self) -> bool {
        true
    }

    /// Since when the store cannot be reached, and why, as far as it knows without being asked;
    /// `None` also where it does not know. Holds no credentials.
    fn trouble(&self) -> Option<(Timestamp, String)> {
        None
    }
}

/// A place in the revocation log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition(pub String);

/// What stands in the log after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntries {
    /// Sessions ended since, by any replica, this one included.
    pub ended: Vec<EndedSession>,
    /// Whether nothing between the position asked for and the first entry can be missing. When
    /// it is `false` (trimmed, or the store lost data), whoever reads must doubt all it knows.
    pub continuous: bool,
    /// The position after the last entry.
    pub next: LogPosition,
}

/// How every revocation reaches every replica: a durable log, read on from where one was.
#[async_trait]
pub trait RevocationLog: Send + Sync {
    /// The position at the end: what is ended from now on stands after it.
    async fn end_of_log(&self) -> Result<LogPosition, StoreError>;

    /// What stands after `position`; waits at most `wait` for something to come.
    async fn read_log(
        &self,
        position: &LogPosition,
        wait: Duration,
    ) -> Result<LogEntries, StoreError>;
}

/// Small values with a name, shared by all replicas: leases, results of header authentication,
/// the last known good configuration. Values are opaque; secrets are sealed by who writes them.
#[async_trait]
pub trait SharedValues: Send + Sync {
    /// The value under `name`.
    async fn read(&self, name: &str, now: Timestamp) -> Result<Option<Bytes>, StoreError>;

    /// Writes `value` (`None`: removes it) under `name`, to last for `lifetime` (`None`: for
    /// good) from `now`.
    async fn write(
        &self,
        name: &str,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The same, but only if what stands there is `expected` (`None`: nothing). Returns whether
    /// it was written. Atomic.
    async fn swap(
        &self,
        name: &str,
        expected: Option<&[u8]>,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}
