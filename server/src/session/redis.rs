//! Sessions in Redis or Valkey (6.2 or later), shared by all replicas.
//!
//! | key | what |
//! | --- | --- |
//! | `s:<key>` | a session: a hash that runs out by itself |
//! | the same | a tombstone, for a while: the session was ended; an insertion that comes late is refused |
//! | `u:<hash>`, `c:<hash>`, `p:<pk>` | the sessions of a subject, a session of core, a provider |
//! | `n:<hash>`, `a:<hash>` | the sessions of a user name, of an address |
//! | `providers` | the providers that have sessions |
//! | `log` | the revocation log, a stream |
//! | `v:<name>` | small shared values |
//!
//! All begin with the prefix of the settings. Indexes are written before sessions and cleaned
//! after them, so that every session is found by whoever ends it; what a replica that died left
//! in an index without its session runs out. Nothing ever looks through all keys.
//!
//! A tombstone stands in its session's place, so that every step is about one key: a cluster that
//! is just moving a slot turns away what names two.
//!
//! Redis answers before its replicas have what was written. A fail-over may therefore lose the
//! last writes: the log then says that it is not continuous, and whoever reads it must end again
//! what it knows to have ended.

mod cluster;
mod dial;
mod ending;
mod failure;
mod hello;
mod lane;
mod lanes;
mod link;
mod listing;
mod log;
mod names;
mod options;
mod reindexing;
mod reply;
mod scripts;
mod sentinel;
mod servers;
mod slots;
mod thread;
mod tls;
mod values;
mod wire;
mod writing;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use outpost_decision::time::Timestamp;
use thiserror::Error;

use self::cluster::Cluster;
use self::dial::Dialer;
use self::link::{Link, LinkParts, Target};
use self::log::LogReader;
use self::names::Names;
use self::scripts::Scripts;
use self::sentinel::Sentinels;
use self::servers::Servers;
use self::thread::RuntimeThread;
use super::id::SessionKey;
use super::record::Record;
use super::store::{
    EndedSession, Inserted, PageCursor, Replaced, RevocationLog, Selection, SessionPage,
    SessionStore, SharedValues, StoreError,
};
use crate::randomness;

pub use self::link::Reach;
pub use self::options::{
    RedisAddress, RedisClientCertificate, RedisLogin, RedisOptions, RedisTls, RedisTopology,
};
pub use self::tls::RedisTlsError;

/// Why there is no Redis store. That no server answers is none of the reasons.
#[derive(Debug, Error)]
pub enum RedisSetupError {
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] RedisTlsError),
    /// There is no thread to be had.
    #[error("a thread for Redis cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// The Redis store. It connects by itself, and again whenever it must; its connections close and
/// its thread ends when it is dropped. Its methods must be called on a tokio runtime with time.
pub struct RedisStore {
    servers: Servers,
    names: Names,
    scripts: Scripts,
    timeout: Duration,
    begun: Instant,
    log_reader: Mutex<Option<LogReader>>,
    /// Sessions that were ended while the log could not be written.
    owed: Mutex<Vec<EndedSession>>,
    /// Held by whoever looks for sessions of an older outpost before ending some.
    indexing: tokio::sync::Mutex<()>,
    // Last: what the others drop runs there.
    _thread: RuntimeThread,
}

impl RedisStore {
    /// A store that begins to connect.
    ///
    /// # Errors
    /// See [`RedisSetupError`].
    pub fn new(options: RedisOptions) -> Result<Self, RedisSetupError> {
        let tls = options.tls.as_ref().map(tls::client_config).transpose()?;
        let thread = RuntimeThread::start()?;
        let parts = LinkParts {
            runtime: thread.handle(),
            dialer: Dialer::new(tls, options.connect_timeout),
            login: options.login,
            database: options.database,
            timeout: options.timeout,
        };
        let one = |target| Servers::One(Arc::new(Link::new(parts.clone(), target)));
        let servers = match options.topology {
            RedisTopology::Single(server) => one(Target::Server(server)),
            RedisTopology::Sentinel { sentinels, master } => {
                one(Target::Master(Arc::new(Sentinels {
                    addresses: sentinels,
                    master,
                    login: options.sentinel_login,
                    timeout: options.timeout,
                })))
            }
            RedisTopology::Cluster(seeds) => Servers::Cluster(Cluster::new(parts, seeds)),
        };
        Ok(Self {
            servers,
            names: Names::new(options.prefix),
            scripts: Scripts::new(),
            timeout: options.timeout,
            begun: Instant::now(),
            log_reader: Mutex::new(None),
            owed: Mutex::default(),
            indexing: tokio::sync::Mutex::default(),
            _thread: thread,
        })
    }

    /// Whether the servers can be reached; of a cluster's, the worst that is in use.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.servers.reach()
    }

    /// The connection for reading the log while nobody reads.
    fn resting_reader(&self) -> MutexGuard<'_, Option<LogReader>> {
        self.log_reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("servers", &self.servers)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// What tells an entry of the log from any other that might get its id.
fn nonce() -> Result<String, StoreError> {
    Ok(hex::encode(randomness::bytes::<8>()?))
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn get(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.read_record(key, now).await
    }

    async fn insert(&self, key: SessionKey, record: &Record) -> Result<Inserted, StoreError> {
        self.begin(&key, record).await
    }

    async fn replace(&self, key: SessionKey, record: &Record) -> Result<Replaced, StoreError> {
        self.change(&key, record).await
    }

    async fn touch(&self, key: &SessionKey, seen: Timestamp) -> Result<Option<u64>, StoreError> {
        self.note_use(key, seen).await
    }

    async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError> {
        self.end_selected(selection).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        self.trim_indexes().await?;
        self.index_older(now).await?;
        Ok(Vec::new())
    }

    async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError> {
        self.count_sessions(provider, now).await
    }

    async fn list(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        self.page(selection, from, limit, now).await
    }

    async fn complete(&self, selection: &Selection) -> Result<(), StoreError> {
        self.complete_indexes(selection).await
    }

    fn shared(&self) -> Option<&dyn RevocationLog> {
        Some(self)
    }

    fn values(&self) -> &dyn SharedValues {
        self
    }

    fn trouble(&self) -> Option<(Timestamp, String)> {
        match self.reach() {
            Reach::Connecting | Reach::Up { .. } => None,
            Reach::Down { since, reason } => Some((since, reason)),
        }
    }
}
