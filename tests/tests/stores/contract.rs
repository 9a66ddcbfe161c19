//! The contract of session stores, against each kind of server.

use outpost::session::contract;
use outpost::session::redis::RedisOptions;
use outpost_tests::redis::RedisServer;

use crate::support::{options, store};

/// Runs the suite; each of its stores has a prefix of its own among the others' keys.
async fn holds(options: RedisOptions) {
    let number = std::cell::Cell::new(0);
    contract::check(|| {
        number.set(number.get() + 1);
        let prefix = format!("suite-{}:", number.get());
        let store = store(RedisOptions { prefix, ..options.clone() });
        async move { store }
    })
    .await;
}

#[actix_rt::test]
async fn redis_keeps_the_contract() {
    let server = RedisServer::start();
    holds(options(&server)).await;
}

#[actix_rt::test]
async fn valkey_keeps_the_contract() {
    let server = RedisServer::valkey();
    holds(options(&server)).await;
}
