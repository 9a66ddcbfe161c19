//! The revocation log tells when something may be missing.

use std::time::Duration;

use outpost::session::contract::key;
use outpost::session::{LogPosition, RevocationLog, Selection, SessionStore};
use outpost_tests::redis::{Data, Options, RedisServer};
use outpost_tests::wait;

use crate::stores::support::{options, store};

const LOG: &str = "outpost:log";

#[actix_rt::test]
async fn whoever_was_away_reads_on_where_it_was() {
    let server = RedisServer::start();
    let (writer, reader) = (store(options(&server)), store(options(&server)));
    let begin = reader.end_of_log().await.unwrap();
    for n in 0..150 {
        writer.end(&Selection::Key(key(n))).await.unwrap();
    }
    let mut told = Vec::new();
    let mut position = begin;
    while told.len() < 150 {
        let read = reader.read_log(&position, Duration::from_secs(20)).await.unwrap();
        assert!(read.continuous && !read.ended.is_empty());
        told.extend(read.ended.into_iter().map(|ended| ended.key));
        position = read.next;
    }
    assert_eq!(told, (0..150).map(key).collect::<Vec<_>>());
}

#[actix_rt::test]
async fn a_waiting_reader_is_told_at_once() {
    let server = RedisServer::start();
    let (writer, reader) = (store(options(&server)), store(options(&server)));
    let begin = reader.end_of_log().await.unwrap();
    // Far longer than the test may take.
    let read = reader.read_log(&begin, Duration::from_secs(1000));
    let end = async {
        wait::until_async("a blocked client", async || {
            let blocked = server.info("clients", "blocked_clients");
            if blocked == "1" { Ok(()) } else { Err(blocked) }
        })
        .await;
        writer.end(&Selection::Key(key(1))).await.unwrap();
    };
    let (read, ()) = futures_util::future::join(read, end).await;
    assert_eq!(read.unwrap().ended[0].key, key(1));
}

/// An abandoned wait must not hold up, nor confuse, the reads that follow.
#[actix_rt::test]
async fn an_abandoned_wait_does_no_harm() {
    let server = RedisServer::start();
    let store = store(options(&server));
    let mut position = store.end_of_log().await.unwrap();
    for n in 0..5 {
        let abandoned = store.read_log(&position, Duration::from_secs(1000));
        assert!(tokio::time::timeout(Duration::from_millis(20), abandoned).await.is_err());
        store.end(&Selection::Key(key(n))).await.unwrap();
        let read = store.read_log(&position, Duration::from_secs(1000)).await.unwrap();
        assert_eq!(read.ended.len(), 1);
        position = read.next;
    }
}

async fn is_continuous(server: &RedisServer, position: &LogPosition) -> bool {
    // A store of its own, as after a restart; and one that has read before.
    let store = store(options(server));
    store.read_log(position, Duration::from_millis(1)).await.unwrap().continuous
}

#[actix_rt::test]
async fn what_was_trimmed_is_missed_only_by_those_who_had_not_read_it() {
    let server = RedisServer::start();
    let store = store(options(&server));
    let begin = store.end_of_log().await.unwrap();
    for n in 0..10 {
        store.end(&Selection::Key(key(n))).await.unwrap();
    }
    let end = store.end_of_log().await.unwrap();
    let _ = server.cli(&["xtrim", LOG, "maxlen", "1"]);
    assert!(is_continuous(&server, &end).await);
    assert!(!is_continuous(&server, &begin).await);
    store.end(&Selection::Key(key(1))).await.unwrap();
    let _ = server.cli(&["xtrim", LOG, "maxlen", "1"]);
    let read = store.read_log(&end, Duration::ZERO).await.unwrap();
    assert!(read.continuous, "the entry after one that was trimmed tells which one that was");
    assert_eq!(read.ended.len(), 1);
}

#[actix_rt::test]
async fn a_log_that_was_lost_is_not_taken_for_a_quiet_one() {
    let mut server = RedisServer::with(Options::new());
    let store = store(options(&server));
    store.end(&Selection::Key(key(1))).await.unwrap();
    let position = store.end_of_log().await.unwrap();
    assert!(store.read_log(&position, Duration::ZERO).await.unwrap().continuous);
    let _ = server.cli(&["del", LOG]);
    let read = store.read_log(&position, Duration::ZERO).await.unwrap();
    assert!(!read.continuous);
    assert!(store.read_log(&read.next, Duration::ZERO).await.unwrap().continuous);

    let position = store.end_of_log().await.unwrap();
    let _ = server.cli(&["flushall"]);
    store.end(&Selection::Key(key(2))).await.unwrap();
    let read = store.read_log(&position, Duration::ZERO).await.unwrap();
    assert!(!read.continuous, "another log has grown in its place");

    let position = store.end_of_log().await.unwrap();
    server.restart(Data::Lost);
    let read = wait::until_async("the server's return", async || {
        store.read_log(&position, Duration::ZERO).await.map_err(|error| error.to_string())
    })
    .await;
    assert!(!read.continuous);
    assert!(!is_continuous(&server, &LogPosition("forged".to_owned())).await);
}
