//! A server that answers, but not what it should.

use outpost_tests::Relay;
use outpost_tests::redis::RedisServer;

use crate::crowd::{BOUND, Front};

/// Nothing is served but what the store says.
const UNCACHED: (&str, &str) = ("OUTPOST__SESSIONS__CACHE_CAPACITY", "0");

/// Sets something aside and puts something of another type in its place, at once.
const REPLACED: &str = "redis.call('rename', KEYS[1], KEYS[2]) \
                        return redis.call('set', KEYS[1], 'strange')";

#[tokio::test]
async fn a_redis_that_takes_no_writes_serves_who_is_in_and_lets_nobody_in() {
    let redis = RedisServer::start();
    let front = Front::of(1, &redis.url(), &[]).await;
    let alice = front.member("alice").await;
    let crowd = front.crowd(0, &alice, BOUND);
    let faults: [(&[&str], &[&str], u16); 2] = [
        // READONLY: it follows a server that is not there.
        (&["replicaof", "127.0.0.1", "1"], &["replicaof", "no", "one"], 503),
        // OOM, in which sign-outs, which need less than they free, are done all the same.
        (&["config", "set", "maxmemory", "1"], &["config", "set", "maxmemory", "0"], 302),
    ];
    for (fault, cure, expected) in faults {
        let bob = front.member("bob").await;
        assert_eq!(front.get(0, &bob).await.status, 200);
        assert!(redis.cli(fault).starts_with("OK"));
        let page = front.sign_in("carol").await;
        assert_eq!(page.status, 503, "{}", page.body);
        let out = front.sign_out(0, &bob).await;
        assert_eq!(out.status, expected, "{fault:?}: {}", out.body);
        if expected == 302 {
            assert_eq!(front.get(0, &bob).await.status, 302, "it has happened");
        }
        crowd.answers(10).await;
        front.no_loop(&alice).await;
        assert!(redis.cli(cure).starts_with("OK"));
        crowd.garbage_gets(401).await;
        assert_eq!(front.sign_in("carol").await.status, 200);
        assert_eq!(front.sign_out(0, &bob).await.status, 302);
        assert_eq!(front.get(0, &bob).await.status, 302);
    }
    let served = crowd.stop();
    assert!(served.member_got().contains(&200), "{served:#?}");
}

#[tokio::test]
async fn a_session_that_is_something_else_in_redis_is_unavailable_until_it_is_mended() {
    let redis = RedisServer::start();
    let front = Front::of(1, &redis.url(), &[UNCACHED]).await;
    let alice = front.member("alice").await;
    let session = redis.cli(&["keys", "outpost:s:*"]);
    let crowd = front.crowd(0, &alice, BOUND);
    crowd.answers(5).await;
    // In one go: at no time is there no session.
    assert_eq!(redis.cli(&["eval", REPLACED, "2", &session, "aside"]), "OK");
    crowd.member_gets(503).await;
    front.no_loop(&alice).await;
    assert_eq!(redis.cli(&["rename", "aside", &session]), "OK");
    crowd.member_gets(200).await;
    assert_eq!(crowd.stop().member_got(), [200, 503]);
}

#[tokio::test]
async fn a_sign_out_that_the_others_could_not_be_told_of_reaches_them_once_they_can() {
    let redis = RedisServer::start();
    let front = Front::of(2, &redis.url(), &[]).await;
    let alice = front.member("alice").await;
    let bob = front.member("bob").await;
    let crowd = front.crowd(1, &alice, BOUND);
    let leaving = front.crowd(1, &bob, BOUND);
    crowd.answers(5).await;
    assert_eq!(redis.cli(&["eval", REPLACED, "2", "outpost:log", "aside"]), "OK");
    let out = front.sign_out(0, &bob).await;
    assert_eq!(out.status, 503, "the others cannot be told: {}", out.body);
    assert_eq!(redis.cli(&["rename", "aside", "outpost:log"]), "OK");
    assert_eq!(front.sign_out(0, &bob).await.status, 302);
    front.becomes(1, &bob, 302).await;
    crowd.member_gets(200).await;
    leaving.answers(10).await;
    leaving.stop();
    assert_eq!(crowd.stop().member_got(), [200]);
}

#[tokio::test]
async fn answers_of_redis_that_break_off_are_no_answers() {
    let redis = RedisServer::start();
    let relay = Relay::start(redis.address());
    let front = Front::of(1, &redis.url_at(relay.address()), &[UNCACHED]).await;
    let alice = front.member("alice").await;
    let crowd = front.crowd(0, &alice, BOUND);
    crowd.answers(5).await;
    for bytes in [1, 6, 30, 300] {
        relay.truncate(bytes);
        crowd.member_gets(503).await;
        crowd.answers(5).await;
        front.no_loop(&alice).await;
        relay.heal();
        crowd.member_gets(200).await;
        crowd.garbage_gets(401).await;
    }
    assert_eq!(crowd.stop().member_got(), [200, 503]);
}
