//! An outpost that starts while the store is away.

use outpost_tests::Browser;
use outpost_tests::redis::{Data, Options, RedisServer};

use crate::crowd::{BOUND, Front};

#[tokio::test]
async fn an_outpost_that_starts_without_its_store_says_so_and_serves_once_it_is_there() {
    let mut redis = RedisServer::with(Options::new().append_only());
    let mut front = Front::of(1, &redis.url(), &[]).await;
    let alice = front.member("alice").await;
    redis.kill();
    front.replicas.restart_unready(0);
    let outpost = front.replicas.program(0);
    outpost.line("the session store cannot be reached").await;
    outpost.serves(1).await;
    outpost.line("\"the outpost listens\"").await;
    assert_eq!(front.get(0, &alice).await.status, 503);
    let metrics = front.replicas.addresses(0).metrics;
    let ready = format!("http://{metrics}/outpost.goauthentik.io/ready");
    let answer = Browser::new().get(&ready).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["missing"][0]["what"], "session_store");
    let crowd = front.crowd(0, &alice, BOUND);
    crowd.member_gets(503).await;
    crowd.garbage_gets(503).await;
    front.no_loop(&alice).await;

    redis.restart(Data::Kept);
    println!("served after {:?}", front.becomes(0, &alice, 200).await);
    front.replicas.ready(0).await;
    crowd.member_gets(200).await;
    crowd.garbage_gets(401).await;
    assert_eq!(crowd.stop().member_got(), [200, 503]);
}
