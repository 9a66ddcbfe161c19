//! A replica that cannot reach the store while the others can.

use std::time::Duration;

use outpost_tests::Relay;
use outpost_tests::redis::RedisServer;

use crate::crowd::{BOUND, Front, Member};

/// Two outposts, the first with the store behind a relay, and somebody whom both know.
struct Split {
    front: Front,
    relay: Relay,
    alice: Member,
    _redis: RedisServer,
}

impl Split {
    async fn with_grace(grace: &str) -> Self {
        let redis = RedisServer::start();
        let relay = Relay::start(redis.address());
        let url = |index| match index {
            0 => redis.url_at(relay.address()),
            _ => redis.url(),
        };
        let front = Front::each(2, url, &[("OUTPOST__SESSIONS__GRACE", grace)]).await;
        let alice = front.member("alice").await;
        for replica in [0, 1] {
            assert_eq!(front.get(replica, &alice).await.status, 200);
        }
        Self { front, relay, alice, _redis: redis }
    }
}

#[tokio::test]
async fn without_grace_a_replica_that_is_cut_off_serves_nobody_beyond_the_bound() {
    for cut in [Relay::stall as fn(&Relay), Relay::refuse] {
        let Split { front, relay, alice, _redis } = Split::with_grace("0s").await;
        let crowd = front.crowd(0, &alice, BOUND);
        crowd.answers(5).await;
        cut(&relay);
        assert_eq!(front.sign_out(1, &alice).await.status, 302);
        crowd.member_gets(503).await;
        crowd.answers(5).await;
        front.no_loop(&alice).await;
        relay.heal();
        front.becomes(0, &alice, 302).await;
        crowd.answers(5).await;
        crowd.stop();
    }
}

#[tokio::test]
async fn with_grace_a_sign_out_elsewhere_holds_when_the_grace_is_over() {
    let Split { front, relay, alice, _redis } = Split::with_grace("3s").await;
    let crowd = front.crowd(0, &alice, Duration::from_secs(3));
    crowd.answers(5).await;
    relay.stall();
    assert_eq!(front.sign_out(1, &alice).await.status, 302);
    crowd.member_gets(503).await;
    crowd.answers(5).await;
    relay.heal();
    front.becomes(0, &alice, 302).await;
    crowd.answers(5).await;
    crowd.stop();
}

#[tokio::test]
async fn a_replica_that_is_back_learns_of_sign_outs_at_once_however_long_the_grace() {
    // Longer than anybody waits here: it is not its end that ends the session.
    let Split { front, relay, alice, _redis } = Split::with_grace("1h").await;
    let crowd = front.crowd(0, &alice, Duration::from_secs(3600));
    crowd.answers(5).await;
    relay.stall();
    crowd.garbage_gets(503).await;
    assert_eq!(front.sign_out(1, &alice).await.status, 302);
    crowd.member_gets(200).await;
    relay.heal();
    println!("refused after {:?}", front.becomes(0, &alice, 302).await);
    let crowd = (crowd.stop(), front.crowd(0, &alice, Duration::ZERO)).1;
    crowd.answers(10).await;
    crowd.stop();
}
