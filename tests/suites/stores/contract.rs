//! The contract of session stores, against each kind of server.

use outpost::session::contract;
use outpost::session::redis::{RedisOptions, RedisTopology};
use outpost_tests::redis::{Options, RedisCluster, RedisServer, Sentinels};

use crate::stores::support::{address, behind, options, patient, store};

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

#[actix_rt::test]
async fn a_master_behind_sentinels_keeps_the_contract() {
    let servers = Sentinels::start();
    holds(behind(&servers)).await;
}

#[actix_rt::test]
async fn a_cluster_keeps_the_contract() {
    let cluster = RedisCluster::start();
    let seeds = cluster.servers().iter().map(|server| address(server.address())).collect();
    holds(patient(RedisTopology::Cluster(seeds))).await;
}

/// Also what the documentation says of the rights that a user needs.
#[actix_rt::test]
async fn the_contract_holds_with_tls_a_user_of_few_rights_and_a_database_of_its_own() {
    let rights = "~suite-* +@read +@write +@scripting +@connection +time -@dangerous";
    let server = RedisServer::with(Options::new().user("outpost", "secret", rights).tls());
    for n in 0..100 {
        assert_eq!(server.cli(&["-n", "3", "set", &format!("other-{n}"), "1"]), "OK");
    }
    holds(RedisOptions { database: 3, ..options(&server) }).await;
    assert_eq!(server.keys_count(), 0, "nothing in the default database");
    assert_eq!(server.cli(&["-n", "3", "get", "other-99"]), "1");
}
