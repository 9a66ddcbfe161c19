//! A server that crashes, or that stops to answer.

use std::time::Instant;

use outpost_tests::redis::{Data, Options, RedisServer};
use outpost_tests::wait;

use crate::crowd::{BOUND, Front};

/// How sessions fare that a replica knows, while the store is away.
const GRACE: &str = "OUTPOST__SESSIONS__GRACE";

#[tokio::test]
async fn when_redis_crashes_known_sessions_go_on_and_others_wait_until_it_is_back() {
    let mut redis = RedisServer::with(Options::new().append_only());
    let mut front = Front::of(1, &redis.url(), &[]).await;
    let (alice, bob) = (front.member("alice").await, front.member("bob").await);
    // It knows nobody now.
    front.replicas.restart(0).await;
    assert_eq!(front.get(0, &alice).await.status, 200);
    let crowd = front.crowd(0, &alice, BOUND);
    crowd.answers(5).await;

    redis.kill();
    crowd.garbage_gets(503).await;
    assert_eq!(front.get(0, &bob).await.status, 503, "nobody can tell");
    front.no_loop(&alice).await;
    crowd.answers(20).await;
    let page = front.sign_in("carol").await;
    assert_eq!(page.status, 503, "{}", page.body);

    redis.restart(Data::Kept);
    println!("served again after {:?}", front.becomes(0, &bob, 200).await);
    crowd.garbage_gets(401).await;
    crowd.answers(5).await;
    assert_eq!(front.sign_in("carol").await.status, 200);
    let served = crowd.stop();
    assert_eq!(served.member_got(), [200], "she notices nothing: {served:#?}");
}

#[tokio::test]
async fn without_grace_everybody_waits_until_redis_is_back_and_nobody_is_signed_out() {
    let mut redis = RedisServer::with(Options::new().append_only());
    let front = Front::of(1, &redis.url(), &[(GRACE, "0s")]).await;
    let alice = front.member("alice").await;
    let crowd = front.crowd(0, &alice, BOUND);
    crowd.answers(5).await;
    redis.kill();
    crowd.member_gets(503).await;
    front.no_loop(&alice).await;
    redis.restart(Data::Kept);
    println!("served again after {:?}", front.becomes(0, &alice, 200).await);
    crowd.member_gets(200).await;
    assert_eq!(crowd.stop().member_got(), [200, 503]);
}

/// The first replica redeems the code and cannot keep the session; the balancer asks the next one with
/// the same code.
#[tokio::test]
async fn behind_a_balancer_that_tries_another_replica_nobody_is_blamed_for_a_store_that_is_away() {
    let mut redis = RedisServer::with(Options::new().append_only());
    let front = Front::of(3, &redis.url(), &[]).await;
    redis.kill();
    let page = front.sign_in("carol").await;
    assert_eq!(page.status, 503, "{}", page.body);
    assert!(page.header_text("retry-after").is_some());
    redis.restart(Data::Kept);
    wait::until_async("a sign-in", async || {
        let page = front.sign_in("carol").await;
        if page.status == 200 { Ok(()) } else { Err(page.body) }
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_hangs_keeps_nobody_waiting_for_it() {
    let redis = RedisServer::start();
    let front = Front::of(1, &redis.url(), &[(GRACE, "0s")]).await;
    let alice = front.member("alice").await;
    let crowd = front.crowd(0, &alice, BOUND);
    crowd.answers(5).await;
    for _ in 0..2 {
        redis.pause();
        // While it hangs, that is: nobody resumes it before.
        crowd.member_gets(503).await;
        crowd.garbage_gets(503).await;
        front.no_loop(&alice).await;
        redis.resume();
        let resumed = Instant::now();
        crowd.member_gets(200).await;
        crowd.garbage_gets(401).await;
        println!("served again after {:?}", resumed.elapsed());
    }
    assert_eq!(crowd.stop().member_got(), [200, 503]);
}

#[tokio::test]
async fn who_signs_out_before_a_crash_is_out_after_it() {
    let mut redis = RedisServer::with(Options::new().append_only());
    let front = Front::of(2, &redis.url(), &[]).await;
    let alice = front.member("alice").await;
    for replica in [0, 1] {
        assert_eq!(front.get(replica, &alice).await.status, 200);
    }
    let crowds = [front.crowd(0, &alice, BOUND), front.crowd(1, &alice, BOUND)];
    assert_eq!(front.sign_out(0, &alice).await.status, 302);
    redis.kill();
    for crowd in &crowds {
        crowd.garbage_gets(503).await;
    }
    redis.restart(Data::Kept);
    for crowd in crowds {
        crowd.garbage_gets(401).await;
        crowd.answers(10).await;
        crowd.stop();
    }
    for replica in [0, 1] {
        front.becomes(replica, &alice, 302).await;
    }
}
