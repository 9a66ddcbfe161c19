//! What a Redis store is set up with.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;

/// Settings of a [`RedisStore`](super::RedisStore).
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// Which servers, and how they belong together.
    pub topology: RedisTopology,
    /// TLS for every connection, those to Sentinels too; `None`: none.
    pub tls: Option<RedisTls>,
    /// How the data servers know us.
    pub login: RedisLogin,
    /// How the Sentinels know us.
    pub sentinel_login: RedisLogin,
    /// The logical database; must be 0 in a cluster.
    pub database: i64,
    /// What every key begins with; no braces.
    pub prefix: String,
    /// Limit of connecting: name resolution, TCP, TLS and signing in together.
    pub connect_timeout: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
}

impl RedisOptions {
    /// One server, reached without TLS or password, with the defaults of the settings.
    #[must_use]
    pub fn single(server: RedisAddress) -> Self {
        Self {
            topology: RedisTopology::Single(server),
            tls: None,
            login: RedisLogin::default(),
            sentinel_login: RedisLogin::default(),
            database: 0,
            prefix: "outpost:".to_owned(),
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_millis(500),
        }
    }
}

/// How the servers belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisTopology {
    /// One server.
    Single(RedisAddress),
    /// Sentinels that know which server is the master.
    Sentinel {
        /// The Sentinels.
        sentinels: Vec<RedisAddress>,
        /// The name by which they know the master.
        master: String,
    },
    /// A cluster, and where to begin asking for its nodes.
    Cluster(Vec<RedisAddress>),
}

/// A server's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RedisAddress {
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A user and a password, each perhaps not needed.
#[derive(Clone, Debug, Default)]
pub struct RedisLogin {
    /// The user; `None`: the default one.
    pub username: Option<String>,
    /// The password; `None`: nobody signs in.
    pub password: Option<SecretString>,
}

/// Whom to trust, and what to show.
#[derive(Clone, Debug, Default)]
pub struct RedisTls {
    /// PEM bundle of the authorities believed; `None`: the machine's.
    pub authorities: Option<Vec<u8>>,
    /// Our own certificate.
    pub client: Option<RedisClientCertificate>,
}

/// A certificate of ours.
#[derive(Clone, Debug)]
pub struct RedisClientCertificate {
    /// The certificate and its chain, PEM.
    pub certificate: Vec<u8>,
    /// Its private key, PEM.
    pub key: SecretString,
}
