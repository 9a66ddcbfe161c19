//! Settings of sessions: where they are kept, how long, and how they are watched over.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::StoreUrl;

/// Sessions.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// The store.
    pub store: StoreUrl,
    /// How many at most, in the memory and the file store.
    pub capacity: usize,
    /// What every key in Redis begins with: 1 to 64 printable ASCII characters, no braces.
    pub prefix: String,
    /// TLS towards Redis.
    pub tls: StoreTls,
    /// How Sentinels know us, which is not how their master does.
    pub sentinel: StoreLogin,
    /// Limit of connecting to the store.
    pub connect_timeout: Duration,
    /// Longest wait for an answer of the store.
    pub timeout: Duration,
    /// How long cached sessions go on while the store is away; zero: not at all.
    pub grace: Duration,
    /// How many sessions a replica caches; zero: none.
    pub cache_capacity: usize,
    /// Longest time before a cached session is asked for in the store again.
    pub cache_ttl: Duration,
    /// How long sessions last at most, whatever their tokens say.
    pub lifetimes: Lifetimes,
    /// After a gap of the link to core: the time within which every session used is checked with
    /// core; zero: before its next use.
    pub recheck_within: Duration,
    /// Checks a second that this replica asks core for at most; never zero.
    pub recheck_rate: usize,
    /// Renew a session when its token ends within this time; `None`: never.
    pub renew_before: Option<Duration>,
}

/// TLS towards Redis, beyond the fact of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreTls {
    /// PEM bundle of the certificates believed; `None`: the machine's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, for servers that ask for one.
    pub client: Option<ClientCertificate>,
}

/// A certificate of ours and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate and its chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// A user and a password, each perhaps not needed.
#[derive(Clone, Debug, Default)]
pub struct StoreLogin {
    /// The user; `None`: the default one.
    pub username: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
}

/// Limits of sessions, for every application and for some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifetimes {
    /// Applications without limits of their own.
    pub default: LifetimeLimits,
    /// By an application's slug; complete, with what the entry left out taken from the default.
    pub applications: BTreeMap<String, LifetimeLimits>,
}

/// How long a session lasts at most, on top of its token's own end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LifetimeLimits {
    /// Without a request; `None`: no such limit.
    pub idle: Option<Duration>,
    /// Since the sign-in; `None`: no such limit.
    pub max: Option<Duration>,
}

impl Lifetimes {
    /// The limits of the application with this slug.
    #[must_use]
    pub fn of(&self, slug: &str) -> LifetimeLimits {
        self.applications.get(slug).copied().unwrap_or(self.default)
    }
}
