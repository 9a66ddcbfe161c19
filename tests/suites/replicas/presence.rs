//! What replicas know of each other.

use std::time::Duration;

use outpost::boot::Held;
use outpost_dashboard::model::{Fleet, Replica};
use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_tests::redis::RedisServer;
use outpost_tests::world::outpost;
use outpost_tests::{Browser, Relay, Replicas, wait};

/// Longest that something is awaited: who is killed is missed after half of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An outpost that looks on, of a core with one provider.
struct Onlooker {
    outpost: Held,
    redis: RedisServer,
    core: StandInCore,
}

impl Onlooker {
    /// One that reaches its store as `store` says.
    fn start(store: impl FnOnce(&RedisServer) -> String) -> Self {
        let core = StandInCore::start(CoreOptions::default()).unwrap();
        let app = ProviderSpec::proxy("app", "http://app.test", "http://127.0.0.1:9");
        core.put_provider(app).unwrap();
        let redis = RedisServer::start();
        let outpost = outpost(&core, &[("OUTPOST__SESSIONS__STORE", &store(&redis))]);
        Self { outpost, redis, core }
    }

    /// Other outposts over the same store.
    async fn replicas(&self, count: usize, variables: &[(&str, &str)]) -> Replicas {
        let store = self.redis.url();
        let store = [("OUTPOST__SESSIONS__STORE", store.as_str())];
        Replicas::start(&self.core, count, &[&store, variables].concat()).await
    }

    /// Waits until its fleet is as wanted.
    async fn sees(&self, what: &str, wanted: impl Fn(&Fleet) -> bool) -> Fleet {
        let fleet = &self.outpost.published.fleet;
        match tokio::time::timeout(PATIENCE, fleet.wait_for(wanted)).await {
            Ok(seen) => (*seen.expect("it lives")).clone(),
            Err(_) => panic!("not seen: {what}; but: {:?}", fleet.load_full()),
        }
    }
}

fn others(fleet: &Fleet) -> &[Replica] {
    assert!(fleet.replicas[0].this && fleet.replicas[1..].iter().all(|other| !other.this));
    &fleet.replicas[1..]
}

#[tokio::test]
async fn replicas_see_each_other_and_miss_one_that_is_killed() {
    let onlooker = Onlooker::start(RedisServer::url);
    let mut replicas = onlooker.replicas(2, &[]).await;
    let seen = onlooker
        .sees("two others", |fleet| {
            others(fleet).len() == 2 && others(fleet).iter().all(|it| it.ready && it.core_connected)
        })
        .await;
    assert!(seen.shared && seen.error.is_none());
    let own = &seen.replicas[0];
    assert_eq!(own.version, outpost::VERSION);
    for other in others(&seen) {
        assert_ne!(other.instance, own.instance);
        assert_eq!((&other.version, &other.hostname), (&own.version, &own.hostname));
        assert_eq!(other.configuration, own.configuration, "they serve the same");
        assert!(other.refreshed.is_some() && other.started > 0 && !other.draining);
    }
    assert!(!own.configuration.is_empty());

    replicas.kill(0);
    let left = onlooker.sees("one other", |fleet| others(fleet).len() == 1).await;
    let survivor = &others(&left)[0].instance;
    assert!(others(&seen).iter().any(|other| other.instance == *survivor));
    replicas.restart(0).await;
    let back = onlooker.sees("two others again", |fleet| others(fleet).len() == 2).await;
    assert!(others(&back).iter().any(|other| other.instance == *survivor));
    let new = |other: &&Replica| others(&seen).iter().all(|it| it.instance != other.instance);
    assert_eq!(others(&back).iter().filter(new).count(), 1, "its instance is a new one");
}

#[tokio::test]
async fn a_replica_that_drains_is_seen_to() {
    let onlooker = Onlooker::start(RedisServer::url);
    let replicas = onlooker.replicas(1, &[("OUTPOST__SHUTDOWN__DELAY", "60s")]).await;
    onlooker.sees("the other", |fleet| others(fleet).iter().any(|it| it.ready)).await;
    replicas.program(0).signal("TERM");
    let seen = onlooker.sees("its end", |fleet| others(fleet).iter().any(|it| it.draining)).await;
    assert!(!others(&seen)[0].ready);
}

#[tokio::test]
async fn a_store_that_is_away_is_said_and_the_others_are_seen_again_when_it_is_back() {
    let relay = std::cell::OnceCell::new();
    let onlooker = Onlooker::start(|redis| {
        let relay = relay.get_or_init(|| Relay::start(redis.address()));
        format!("redis://{}", relay.address())
    });
    let _replicas = onlooker.replicas(1, &[]).await;
    onlooker.sees("the other", |fleet| others(fleet).len() == 1).await;
    relay.get().unwrap().refuse();
    let alone = onlooker.sees("an error", |fleet| fleet.error.is_some()).await;
    assert!(alone.shared && others(&alone).is_empty(), "{alone:?}");
    relay.get().unwrap().heal();
    onlooker
        .sees("the other again", |fleet| fleet.error.is_none() && others(fleet).len() == 1)
        .await;
}

#[tokio::test]
async fn outposts_of_different_cores_over_one_store_do_not_mix() {
    let onlooker = Onlooker::start(RedisServer::url);
    // Each core has an outpost of its own.
    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let store = onlooker.redis.url();
    let stranger = outpost(&core, &[("OUTPOST__SESSIONS__STORE", &store)]);
    let _replicas = onlooker.replicas(1, &[]).await;
    let seen = onlooker.sees("the other", |fleet| others(fleet).len() == 1).await;
    let strangers = stranger.published.fleet.load_full();
    assert!(strangers.replicas.iter().all(|it| it.this));
    assert_ne!(others(&seen)[0].instance, strangers.replicas[0].instance);
    wait::until("both lists", || {
        let lists = onlooker.redis.cli(&["keys", "*v:fleet/*"]);
        if lists.lines().count() == 2 { Ok(()) } else { Err(lists) }
    });
}

#[tokio::test]
async fn a_decision_of_one_replica_is_found_at_another_and_one_of_nobody_is_not() {
    let onlooker = Onlooker::start(RedisServer::url);
    let replicas = onlooker.replicas(1, &[]).await;
    onlooker.sees("the other", |fleet| others(fleet).iter().any(|it| it.ready)).await;
    let browser = Browser::new();
    let answer = browser.get(&replicas.url(0, "app.test", "/where-it-was")).await;
    let id = answer.header("x-request-id").to_owned();
    assert!(!id.is_empty(), "{answer:?}");
    let dashboard = onlooker.outpost.addresses.dashboard[0];
    let page = async |id: &str| browser.get(&format!("http://{dashboard}/decisions/{id}")).await;
    let first = page(&id).await;
    assert_eq!((first.status.as_u16(), first.header("refresh")), (202, "2"), "{first:?}");
    let found = wait::until_async("the decision", async || match page(&id).await {
        page if page.status == 200 => Ok(page),
        page => Err(format!("{page:?}")),
    })
    .await;
    assert!(found.body.contains("/where-it-was"), "{}", found.body);

    assert_eq!(page("nobody-made-this-one").await.status, 202);
    wait::until_async("nobody", async || {
        match page("nobody-made-this-one").await.status.as_u16() {
            404 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
}
