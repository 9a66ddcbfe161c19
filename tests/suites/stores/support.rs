//! Stores for tests.

use std::net::SocketAddr;
use std::time::Duration;

use outpost::session::redis::{
    RedisAddress, RedisLogin, RedisOptions, RedisStore, RedisTls, RedisTopology,
};
use outpost::session::{SessionKey, SessionStore};
use outpost_tests::redis::{MASTER, RedisServer, Sentinels};
use secrecy::SecretString;
use url::Url;

/// Patience of a store in tests: the machine is busy, and no test here is about it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An address as stores take it.
pub(crate) fn address(address: SocketAddr) -> RedisAddress {
    RedisAddress { host: address.ip().to_string(), port: address.port() }
}

/// Options for this topology, patient.
pub(crate) fn patient(topology: RedisTopology) -> RedisOptions {
    let nowhere = RedisAddress { host: String::new(), port: 0 };
    let single = RedisOptions::single(nowhere);
    RedisOptions { topology, connect_timeout: PATIENCE, timeout: PATIENCE, ..single }
}

/// Options for a server, patient, with the login and the authority that it wants.
pub(crate) fn options(server: &RedisServer) -> RedisOptions {
    let url = Url::parse(&server.url()).expect("a URL");
    let authorities = server.ca_file().map(|file| std::fs::read(file).expect("a file"));
    RedisOptions {
        tls: authorities
            .map(|authorities| RedisTls { authorities: Some(authorities), client: None }),
        login: RedisLogin {
            username: Some(url.username().to_owned()).filter(|name| !name.is_empty()),
            password: url.password().map(|password| SecretString::from(password.to_owned())),
        },
        ..patient(RedisTopology::Single(address(server.address())))
    }
}

/// Options for the master that these Sentinels know.
pub(crate) fn behind(servers: &Sentinels) -> RedisOptions {
    let url = servers.url();
    let hosts = url.split('/').nth(2).expect("hosts");
    let sentinels = hosts.split(',').map(|host| address(host.parse().expect("an address")));
    let sentinels = sentinels.collect();
    patient(RedisTopology::Sentinel { sentinels, master: MASTER.to_owned() })
}

/// A store at a server.
pub(crate) fn store(options: RedisOptions) -> RedisStore {
    RedisStore::new(options).expect("a store")
}

/// Whether somebody is signed in with this key.
pub(crate) async fn has(store: &RedisStore, key: &SessionKey) -> bool {
    store.get(key, outpost::clock::now()).await.expect("an answer").is_some()
}
