//! The session store that the settings name.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use super::BootError;
use crate::ops::views::StorePlace;
use crate::session::SessionStore;
use crate::session::file::{FileStore, FileStoreLimits};
use crate::session::memory::MemoryStore;
use crate::session::redis::{
    RedisAddress, RedisClientCertificate, RedisLogin, RedisOptions, RedisStore, RedisTls,
    RedisTopology,
};
use crate::settings::{self, HostPort, Settings, StoreUrl, Topology};

/// Opens it. A Redis that is away is no reason not to start.
///
/// # Errors
/// [`BootError::SessionFile`] where the file cannot be one, [`BootError::StoreFile`] and
/// [`BootError::Redis`] where certificates cannot be used.
pub(super) fn open(settings: &Settings) -> Result<Arc<dyn SessionStore>, BootError> {
    let sessions = &settings.sessions;
    Ok(match &sessions.store {
        StoreUrl::Memory => Arc::new(MemoryStore::new(sessions.capacity)),
        StoreUrl::File(path) => {
            let limits =
                FileStoreLimits { capacity: sessions.capacity, patience: sessions.timeout };
            Arc::new(FileStore::open(path, limits)?)
        }
        StoreUrl::Redis(redis) => Arc::new(RedisStore::new(options(redis, sessions)?)?),
    })
}

/// Where it is, for operators; without credentials.
pub(super) fn place(url: &StoreUrl) -> StorePlace {
    match url {
        StoreUrl::Memory => StorePlace { kind: "memory", place: String::new() },
        StoreUrl::File(path) => StorePlace { kind: "file", place: path.display().to_string() },
        StoreUrl::Redis(redis) => StorePlace {
            kind: match &redis.topology {
                Topology::Single(_) => "redis",
                Topology::Sentinel { .. } => "redis+sentinel",
                Topology::Cluster(_) => "redis+cluster",
            },
            place: redis.to_string(),
        },
    }
}

fn options(
    redis: &settings::RedisStore,
    sessions: &settings::Sessions,
) -> Result<RedisOptions, BootError> {
    let topology = match &redis.topology {
        Topology::Single(server) => RedisTopology::Single(address(server)),
        Topology::Sentinel { hosts, master } => RedisTopology::Sentinel {
            sentinels: hosts.iter().map(address).collect(),
            master: master.clone(),
        },
        Topology::Cluster(seeds) => RedisTopology::Cluster(seeds.iter().map(address).collect()),
    };
    Ok(RedisOptions {
        topology,
        tls: redis.tls.then(|| tls(&sessions.tls)).transpose()?,
        login: RedisLogin { username: redis.username.clone(), password: redis.password.clone() },
        sentinel_login: RedisLogin {
            username: sessions.sentinel.username.clone(),
            password: sessions.sentinel.password.clone(),
        },
        database: redis.database,
        prefix: sessions.prefix.clone(),
        connect_timeout: sessions.connect_timeout,
        timeout: sessions.timeout,
    })
}

fn address(server: &HostPort) -> RedisAddress {
    RedisAddress { host: server.host.clone(), port: server.port }
}

fn tls(tls: &settings::StoreTls) -> Result<RedisTls, BootError> {
    let authorities = tls.ca_file.as_deref().map(read).transpose()?.map(String::into_bytes);
    let client = tls.client.as_ref().map(|client| {
        Ok::<_, BootError>(RedisClientCertificate {
            certificate: read(&client.certificate)?.into_bytes(),
            key: SecretString::from(read(&client.key)?),
        })
    });
    Ok(RedisTls { authorities, client: client.transpose()? })
}

fn read(path: &Path) -> Result<String, BootError> {
    std::fs::read_to_string(path)
        .map_err(|error| BootError::StoreFile { path: path.to_owned(), error })
}
