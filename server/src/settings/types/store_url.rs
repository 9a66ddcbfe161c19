//! Where sessions are kept, as one URL says it.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

/// The session store of `sessions.store`. Shown without any credentials.
#[derive(Clone, Debug)]
pub enum StoreUrl {
    /// This process's memory.
    Memory,
    /// A database file of this process.
    File(PathBuf),
    /// Redis or Valkey, shared by all replicas.
    Redis(RedisStore),
}

/// A Redis (or Valkey) to keep sessions in.
#[derive(Clone, Debug)]
pub struct RedisStore {
    /// Which servers, and how they belong together.
    pub topology: Topology,
    /// Whether every connection is TLS, those to Sentinels too.
    pub tls: bool,
    /// User of the data servers; `None`: the default one.
    pub username: Option<String>,
    /// Password of the data servers.
    pub password: Option<SecretString>,
    /// The logical database; always 0 in a cluster.
    pub database: i64,
}

/// How the servers of a Redis belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    Single(HostPort),
    /// Sentinels that know which server is the master.
    Sentinel {
        /// The Sentinels; at least one.
        hosts: Vec<HostPort>,
        /// The name by which they know the master; not empty.
        master: String,
    },
    /// A cluster, and where to begin asking for its nodes; at least one.
    Cluster(Vec<HostPort>),
}

/// A server's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The port; never 0.
    pub port: u16,
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Redis(redis) => redis.fmt(f),
        }
    }
}

impl fmt::Display for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "rediss" } else { "redis" })?;
        match &self.topology {
            Topology::Single(host) => write!(f, "://{host}/{}", self.database),
            Topology::Sentinel { hosts, master } => {
                f.write_str("+sentinel://")?;
                list(f, hosts)?;
                write!(f, "/{master}/{}", self.database)
            }
            Topology::Cluster(hosts) => {
                f.write_str("+cluster://")?;
                list(f, hosts)
            }
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, hosts: &[HostPort]) -> fmt::Result {
    for (index, host) in hosts.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(f, "{comma}{host}")?;
    }
    Ok(())
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
