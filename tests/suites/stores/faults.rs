//! Servers that are away, refuse, or talk nonsense: always *unavailable*.

use std::time::Duration;

use outpost::session::contract::{self, key};
use outpost::session::redis::{Reach, RedisOptions, RedisStore, RedisTopology};
use outpost::session::{
    Inserted, RevocationLog, Selection, SessionStore, SharedValues, StoreError,
};
use outpost_tests::redis::{Data, RedisServer};
use outpost_tests::relay::Relay;
use outpost_tests::wait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::stores::support::{address, has, options, patient, store};

/// A session in the store.
async fn signed_in(store: &RedisStore, n: u8) {
    let record = contract::record(n, 7, "alice", Some("sid"), contract::present().0 + 1000);
    assert_eq!(store.insert(key(n), &record).await, Ok(Inserted::Kept));
}

/// Every operation says that the store is unavailable.
async fn is_unavailable(store: &RedisStore, what: &str) {
    let now = contract::present();
    let record = contract::record(200, 7, "bob", None, now.0 + 1000);
    let unavailable = |error: Option<StoreError>| {
        assert!(matches!(error, Some(StoreError::Unavailable(_))), "{what}: {error:?}");
    };
    unavailable(store.get(&key(200), now).await.err());
    unavailable(store.insert(key(200), &record).await.err());
    unavailable(store.replace(key(200), &record).await.err());
    unavailable(store.touch(&key(200), now).await.err());
    unavailable(store.end(&Selection::Key(key(200))).await.err());
    unavailable(store.end(&Selection::Subject("bob".to_owned())).await.err());
    unavailable(store.sweep(now).await.err());
    unavailable(store.count(None, now).await.err());
    unavailable(store.list(None, None, 10, now).await.err());
    unavailable(store.end_of_log().await.err());
    unavailable(store.read("a", now).await.err());
    unavailable(store.write("a", None, None, now).await.err());
    unavailable(store.swap("a", None, None, None, now).await.err());
}

async fn recovers(store: &RedisStore) {
    wait::until_async("an answer again", async || {
        let answer = store.get(&key(1), contract::present()).await;
        answer.map(drop).map_err(|error| error.to_string())
    })
    .await;
    assert!(matches!(store.reach(), Reach::Up { .. }));
}

/// If each of these waited, the test would not end in its time.
#[actix_rt::test]
async fn a_silent_server_makes_one_request_wait_and_not_all() {
    let server = RedisServer::start();
    let relay = Relay::start(server.address());
    let timeout = Duration::from_secs(3);
    let topology = RedisTopology::Single(address(relay.address()));
    let store = store(RedisOptions { timeout, ..patient(topology) });
    signed_in(&store, 1).await;
    relay.stall();
    for _ in 0..20 {
        is_unavailable(&store, "silent").await;
    }
    let Reach::Down { reason, .. } = store.reach() else { panic!("{:?}", store.reach()) };
    assert!(!reason.is_empty());
    relay.heal();
    recovers(&store).await;
    assert!(has(&store, &key(1)).await);
}

#[actix_rt::test]
async fn a_server_that_comes_back_is_used_again() {
    let mut server = RedisServer::start();
    let store = store(options(&server));
    signed_in(&store, 1).await;
    server.kill();
    wait::until_async("the loss", async || {
        let answer = store.get(&key(1), contract::present()).await;
        if answer.is_err() { Ok(()) } else { Err("still there".to_owned()) }
    })
    .await;
    is_unavailable(&store, "killed").await;
    server.restart(Data::Lost);
    recovers(&store).await;
    assert!(!has(&store, &key(1)).await);
    signed_in(&store, 1).await;
}

#[actix_rt::test]
async fn a_store_may_start_before_its_server() {
    let mut server = RedisServer::start();
    server.stop();
    let store = store(options(&server));
    is_unavailable(&store, "not started").await;
    server.restart(Data::Lost);
    recovers(&store).await;
}

/// Whatever length the answer is cut to.
#[actix_rt::test]
async fn a_truncated_answer_is_none() {
    let server = RedisServer::start();
    signed_in(&store(options(&server)), 1).await;
    for bytes in [1, 5, 20, 100, 300] {
        let relay = Relay::start(server.address());
        let topology = RedisTopology::Single(address(relay.address()));
        let store = store(patient(topology));
        recovers(&store).await;
        relay.truncate(bytes);
        let answer = store.get(&key(1), contract::present()).await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{bytes}: {answer:?}");
        relay.heal();
        recovers(&store).await;
        assert!(has(&store, &key(1)).await);
    }
}

#[actix_rt::test]
async fn a_server_that_became_a_replica_takes_nobody_in() {
    let server = RedisServer::start();
    let store = store(options(&server));
    signed_in(&store, 1).await;
    let _ = server.cli(&["replicaof", "127.0.0.1", "1"]);
    let record = contract::record(2, 7, "bob", None, contract::present().0 + 1000);
    let refused = store.insert(key(2), &record).await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(text)) if text.contains("READONLY")),
        "{refused:?}"
    );
    let ended = store.end(&Selection::Key(key(1))).await;
    assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{ended:?}");
    let _ = server.cli(&["config", "set", "replica-serve-stale-data", "no"]);
    is_unavailable(&store, "its master is down").await;
    let _ = server.cli(&["replicaof", "no", "one"]);
    recovers(&store).await;
}

#[actix_rt::test]
async fn a_full_server_takes_nobody_in_and_lets_everybody_out() {
    let server = RedisServer::start();
    let store = store(options(&server));
    signed_in(&store, 1).await;
    signed_in(&store, 2).await;
    let begin = store.end_of_log().await.unwrap();
    let _ = server.cli(&["config", "set", "maxmemory", "1"]);
    let record = contract::record(3, 7, "bob", None, contract::present().0 + 1000);
    let refused = store.insert(key(3), &record).await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(text)) if text.contains("OOM")),
        "{refused:?}"
    );
    assert!(has(&store, &key(1)).await, "one refusal does not take the link down");
    let ended = store.end(&Selection::Subject("alice".to_owned())).await.unwrap();
    assert_eq!(ended.len(), 2);
    assert!(!has(&store, &key(1)).await);
    assert_eq!(store.read_log(&begin, Duration::ZERO).await.unwrap().ended.len(), 2);
}

#[actix_rt::test]
async fn keys_of_another_type_are_no_answer_and_harm_nobody_else() {
    let server = RedisServer::start();
    let store = store(options(&server));
    signed_in(&store, 1).await;
    let now = contract::present();
    let taken = format!("outpost:s:{}", key(200));
    for key in [taken.as_str(), "outpost:u:x", "outpost:log"] {
        assert_eq!(server.cli(&["set", key, "1"]), "OK");
    }
    let answer = store.get(&key(200), now).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
    assert!(matches!(store.touch(&key(200), now).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.end(&Selection::Key(key(200))).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.end_of_log().await, Err(StoreError::Unavailable(_))));
    assert!(has(&store, &key(1)).await);
    let _ = server.cli(&["hset", "outpost:v:a", "b", "c"]);
    assert!(matches!(store.read("a", now).await, Err(StoreError::Unavailable(_))));
    let _ = server.cli(&["del", &taken]);
    let _ = server.cli(&["hset", &taken, "clear", "{}", "generation", "1"]);
    let answer = store.get(&key(200), now).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "a part of a record: {answer:?}");
}

/// A server that says this to everything.
async fn speaker(answer: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    actix_rt::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            actix_rt::spawn(async move {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

#[actix_rt::test]
async fn whoever_says_something_else_is_not_believed() {
    for answer in [
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-ERR unknown command 'AUTH', with args beginning with: 'secret' \r\n",
        "+PONG\r\n",
        ":1000000\r\n",
        "*1\r\n$-1\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
    ] {
        let server = speaker(answer).await;
        let topology = RedisTopology::Single(address(server));
        let store = store(RedisOptions { timeout: Duration::from_secs(2), ..patient(topology) });
        let got = store.get(&key(1), contract::present()).await;
        let Err(StoreError::Unavailable(text)) = got else { panic!("{answer}: {got:?}") };
        assert!(!text.contains("secret"), "{text}");
    }
}
