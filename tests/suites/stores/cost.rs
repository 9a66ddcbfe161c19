//! What ending costs.

use outpost::session::contract;
use outpost::session::{Inserted, Selection, SessionId, SessionKey, SessionStore};
use outpost_tests::redis::RedisServer;

use crate::stores::support::{options, store};

fn key(n: u32) -> SessionKey {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    SessionId::from_bytes(bytes).key()
}

/// The names of the commands that ending one user's three sessions takes, those of scripts
/// included.
async fn commands_of_ending(server: &RedisServer, others: u32) -> Vec<String> {
    let store = store(options(server));
    let _ = server.cli(&["flushall"]);
    let expires = contract::present().0 + 1000;
    let insert = async |n: u32, sub: &str| {
        let record = contract::record(1, 7, sub, Some("sid"), expires);
        assert_eq!(store.insert(key(n), &record).await, Ok(Inserted::Kept));
    };
    let numbers: Vec<_> = (3..others + 3).collect();
    for chunk in numbers.chunks(100) {
        futures_util::future::join_all(
            chunk.iter().map(async |n| insert(*n, &format!("user-{n}")).await),
        )
        .await;
    }
    for n in 0..3 {
        insert(n, "alice").await;
    }
    // Scripts are known to the server when the count begins.
    store.end(&Selection::Subject("nobody".to_owned())).await.unwrap();
    store.end(&Selection::Key(key(3))).await.unwrap();
    let monitor = server.monitor();
    let ended = store.end(&Selection::Subject("alice".to_owned())).await.unwrap();
    assert_eq!(ended.len(), 3);
    let lines = monitor.stop();
    let name = |line: &String| {
        let command = line.split('"').nth(1).expect("a command");
        command.to_ascii_uppercase()
    };
    let mut names: Vec<_> = lines.iter().map(name).collect();
    names.sort();
    names
}

#[actix_rt::test]
async fn ending_one_users_sessions_costs_the_same_among_ten_and_among_ten_thousand() {
    let server = RedisServer::start();
    let few = commands_of_ending(&server, 10).await;
    let many = commands_of_ending(&server, 10_000).await;
    assert_eq!(few, many);
    for forbidden in ["SCAN", "KEYS", "SSCAN", "HSCAN", "ZSCAN"] {
        assert!(!many.contains(&forbidden.to_owned()), "{many:?}");
    }
}
