//! One server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use outpost_tests::redis::{Data, Options, RedisServer};

#[test]
fn a_server_answers_counts_and_ends_with_its_owner() {
    let redis = RedisServer::start();
    assert_eq!(redis.url(), format!("redis://{}/0", redis.address()));
    assert_eq!(redis.cli(&["set", "a", "1"]), "OK");
    assert_eq!(redis.cli(&["get", "a"]), "1");
    assert_eq!(redis.keys_count(), 1);
    let before = redis.used_memory();
    assert_eq!(redis.cli(&["set", "large", &"x".repeat(100_000)]), "OK");
    assert!(redis.used_memory() > before + 90_000);
    assert!(redis.try_cli(&["incr", "large"]).unwrap_err().contains("not an integer"));
    let address = redis.address();
    drop(redis);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_paused_server_takes_connections_and_answers_when_it_is_resumed() {
    let redis = RedisServer::start();
    redis.pause();
    let mut stream = TcpStream::connect(redis.address()).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut answer = [0; 7];
    assert!(stream.read(&mut answer).is_err(), "frozen");
    redis.resume();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn a_restarted_server_has_its_data_or_has_lost_it_as_the_test_wants() {
    let mut redis = RedisServer::start();
    let address = redis.address();
    assert_eq!(redis.cli(&["set", "a", "1"]), "OK");
    redis.restart(Data::Kept);
    assert_eq!(redis.cli(&["get", "a"]), "1");
    redis.restart(Data::Lost);
    assert_eq!(redis.keys_count(), 0);
    assert_eq!(redis.address(), address);
    redis.kill();
    assert!(TcpStream::connect(address).is_err());
    redis.restart(Data::Kept);
    assert_eq!(redis.keys_count(), 0);
}

#[test]
fn what_an_append_only_server_has_answered_survives_a_crash() {
    let mut redis = RedisServer::with(Options::new().append_only());
    assert_eq!(redis.cli(&["set", "a", "1"]), "OK");
    redis.kill();
    redis.restart(Data::Kept);
    assert_eq!(redis.cli(&["get", "a"]), "1");
}

#[test]
fn a_full_server_refuses_writes() {
    let redis = RedisServer::with(Options::new().max_memory(1));
    let refused = redis.try_cli(&["set", "a", "1"]).unwrap_err();
    assert!(refused.contains("OOM"), "{refused}");
}

#[test]
fn a_monitor_shows_every_command_in_order() {
    let redis = RedisServer::start();
    let monitor = redis.monitor();
    assert_eq!(redis.cli(&["set", "first", "1"]), "OK");
    assert_eq!(redis.cli(&["eval", "return redis.call('get', KEYS[1])", "1", "second"]), "");
    assert_eq!(monitor.commands().len(), 3, "set, eval, and the get of it");
    assert_eq!(redis.cli(&["del", "third"]), "0");
    let commands = monitor.stop();
    for (line, word) in commands.iter().zip(["first", "eval", "lua] \"get\" \"second\"", "third"]) {
        assert!(line.contains(word), "{word}: {commands:#?}");
    }
    assert_eq!(commands.len(), 4, "{commands:#?}");
}

#[test]
fn users_passwords_and_tls_are_in_the_address() {
    let redis = RedisServer::with(Options::new().password("secret"));
    assert_eq!(redis.url(), format!("redis://:secret@{}/0", redis.address()));
    let mut stream = TcpStream::connect(redis.address()).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"-NOAUTH");

    let rights = "~outpost:* &* +@all -@dangerous";
    let redis = RedisServer::with(Options::new().user("outpost", "secret", rights).tls());
    assert_eq!(redis.url(), format!("rediss://outpost:secret@{}/0", redis.address()));
    assert!(redis.ca_file().unwrap().is_file());
    assert_eq!(redis.cli(&["acl", "dryrun", "outpost", "get", "outpost:a"]), "OK");
    assert_ne!(redis.cli(&["acl", "dryrun", "outpost", "get", "other"]), "OK");
}

#[test]
fn valkey_answers() {
    let valkey = RedisServer::valkey();
    assert_eq!(valkey.cli(&["set", "a", "1"]), "OK");
    assert_eq!(valkey.info("server", "server_name"), "valkey");
}
