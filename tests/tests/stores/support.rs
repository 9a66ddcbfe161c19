//! Stores for tests.

use std::time::Duration;

use outpost::session::redis::{RedisAddress, RedisOptions, RedisStore};
use outpost_tests::redis::RedisServer;

/// Patience of a store in tests: the machine is busy, and no test here is about it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Options for a server, patient.
pub(crate) fn options(server: &RedisServer) -> RedisOptions {
    let address = server.address();
    let address = RedisAddress { host: address.ip().to_string(), port: address.port() };
    RedisOptions { connect_timeout: PATIENCE, timeout: PATIENCE, ..RedisOptions::single(address) }
}

/// A store at a server.
pub(crate) fn store(options: RedisOptions) -> RedisStore {
    RedisStore::new(options).expect("a store")
}
