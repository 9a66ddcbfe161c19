//! The actor against a scripted source of key sets. Everything runs on one thread.

use std::collections::HashMap;
use std::sync::Mutex as StdMutex;

use actix::{Arbiter, System};
use async_trait::async_trait;
use outpost_decision::backoff::Backoff;
use tokio::sync::watch;

use super::*;
use crate::actors::handle::ActorHandle;
use crate::actors::supervisor::{RebuildPolicy, Supervisor};
use crate::keys::{KeyRequests, NoKeys};
use crate::publish::published;

const LONG: Duration = Duration::from_secs(3600);

fn url(name: &str) -> Url {
    Url::parse(&format!("https://core.test/application/o/{name}/jwks/")).unwrap()
}

/// Gives what it is told to give, and counts.
struct Source {
    answer: StdMutex<Result<&'static str, String>>,
    fetches: StdMutex<HashMap<Url, u32>>,
    running: watch::Sender<u32>,
    open: watch::Sender<bool>,
}

impl Source {
    fn fetches(&self, name: &str) -> u32 {
        self.fetches.lock().unwrap().get(&url(name)).copied().unwrap_or(0)
    }

    fn answer(&self, answer: Result<&'static str, &str>) {
        *self.answer.lock().unwrap() = answer.map_err(str::to_owned);
    }
}

struct Client(Arc<Source>);

#[async_trait(?Send)]
impl KeySource for Client {
    async fn fetch(&self, endpoint: &KeyEndpoint) -> Result<KeySet, String> {
        *self.0.fetches.lock().unwrap().entry(endpoint.url.clone()).or_default() += 1;
        self.0.running.send_modify(|running| *running += 1);
        self.0.open.subscribe().wait_for(|open| *open).await.unwrap();
        self.0.running.send_modify(|running| *running -= 1);
        let answer = self.0.answer.lock().unwrap().clone();
        assert_ne!(answer, Ok("panic"), "this source was told to panic");
        KeySet::parse(answer?.as_bytes()).map_err(|error| error.to_string())
    }
}

struct Bench {
    source: Arc<Source>,
    supervisor: Supervisor,
    actor: ActorHandle<KeysActor>,
    snapshot: Publisher<Snapshot>,
    ring: Published<KeyRing>,
    requests: KeyRequests,
}

impl Bench {
    /// An actor that knows the key sets `names`, and lets `settings` decide the rest.
    fn start(names: &[&str], settings: KeySettings, patience: Duration) -> Self {
        let now = Duration::from_millis(1);
        let supervisor = Supervisor::new(RebuildPolicy {
            backoff: Backoff { shortest: now, longest: now },
            ..RebuildPolicy::default()
        });
        let source = Arc::new(Source {
            answer: StdMutex::new(Ok(r#"{"keys":[]}"#)),
            fetches: StdMutex::default(),
            running: watch::Sender::new(0),
            open: watch::Sender::new(true),
        });
        let (publisher, ring) = published(KeyRing::default());
        let (snapshot, snapshot_reader) = published(Snapshot::default());
        let (requests, queue) = KeyRequests::new(ring.clone(), patience);
        let parts = KeyParts {
            also: Vec::new(),
            settings,
            snapshot: snapshot_reader,
            ring: Arc::new(publisher),
            requests: Arc::new(Mutex::new(queue)),
        };
        let arbiter = Arbiter::try_current().unwrap_or_else(|| System::current().arbiter().clone());
        let client = Arc::clone(&source);
        let actor = supervisor.supervise("keys", &arbiter, move || {
            KeysActor::new(parts.clone(), Rc::new(Client(Arc::clone(&client))))
        });
        let bench = Self { source, supervisor, actor, snapshot, ring, requests };
        bench.configure(1, names);
        bench
    }

    fn configure(&self, generation: u64, names: &[&str]) {
        let (ruleset, _) = outpost_decision::ruleset::Ruleset::build(
            names.iter().enumerate().map(|(pk, name)| provider(pk as i64, name)).collect(),
        );
        self.snapshot.publish(Snapshot { generation, ruleset, ..Snapshot::default() });
    }

    async fn attempts(&self, name: &str, count: u64) -> Arc<KnownKeys> {
        let url = url(name);
        let tried = |ring: &KeyRing| ring.get(&url).is_some_and(|known| known.attempts >= count);
        Arc::clone(self.ring.wait_for(tried).await.unwrap().get(&url).unwrap())
    }
}

fn provider(pk: i64, name: &str) -> Arc<outpost_decision::provider::Provider> {
    crate::snapshot::testing::provider(pk, name, |provider| {
        provider.signing = outpost_decision::provider::Signing::KeySet;
        provider.endpoints.jwks = Some(url(name));
    })
}

/// Nothing happens by the clock, nothing is refused by it.
fn settings() -> KeySettings {
    KeySettings {
        shortest_interval: Duration::ZERO,
        refresh_after: LONG,
        retry_after: LONG,
        fetch_timeout: LONG,
        concurrency: 2,
    }
}

#[actix::test]
async fn key_sets_of_all_providers_are_fetched_without_being_asked_for() {
    let bench = Bench::start(&["a", "b", "c"], settings(), LONG);
    for name in ["a", "b", "c"] {
        let known = bench.attempts(name, 1).await;
        assert!(known.keys.is_some() && known.fetched_at.is_some() && known.error.is_none());
        assert_eq!(bench.requests.current(&url(name)).await.unwrap().attempt, 1);
        assert_eq!(bench.source.fetches(name), 1);
    }
    // What no provider uses any more is forgotten; what is new is fetched; the rest is kept.
    bench.configure(2, &["b", "d"]);
    bench.attempts("d", 1).await;
    let ring = bench.ring.load_full();
    assert!(ring.get(&url("a")).is_none());
    assert_eq!(ring.iter().count(), 2);
    assert_eq!(bench.source.fetches("b"), 1);
}

#[actix::test]
async fn many_requests_with_an_unknown_key_are_one_fetch() {
    let bench = Bench::start(&["a"], settings(), LONG);
    bench.attempts("a", 1).await;
    bench.source.open.send_replace(false);
    let waiting: Vec<_> = (0..1_000)
        .map(|_| {
            let requests = bench.requests.clone();
            actix::spawn(async move { requests.newer(&url("a"), 1).await })
        })
        .collect();
    bench.source.running.subscribe().wait_for(|running| *running == 1).await.unwrap();
    bench.source.open.send_replace(true);
    for request in waiting {
        assert_eq!(request.await.unwrap().unwrap().attempt, 2);
    }
    assert!(bench.source.fetches("a") <= 3, "{} fetches", bench.source.fetches("a"));
}

#[actix::test]
async fn a_flood_of_unknown_keys_causes_no_fetch_within_the_shortest_interval() {
    let bounded = KeySettings { shortest_interval: LONG, ..settings() };
    let bench = Bench::start(&["a"], bounded, LONG);
    bench.attempts("a", 1).await;
    // The first that meets an unknown key is heard: core may have changed it a moment ago.
    assert_eq!(bench.requests.newer(&url("a"), 1).await.unwrap().attempt, 2);
    for _ in 0..1_000 {
        assert_eq!(bench.requests.newer(&url("a"), 2).await.unwrap_err(), NoKeys::UpToDate);
    }
    // Somebody who saw less gets what is there.
    assert_eq!(bench.requests.newer(&url("a"), 1).await.unwrap().attempt, 2);
    assert_eq!(bench.source.fetches("a"), 2);
}

#[actix::test]
async fn keys_of_a_fetch_that_fails_are_kept_and_the_failure_is_unavailable() {
    let bench = Bench::start(&["a"], settings(), LONG);
    let before = bench.attempts("a", 1).await;
    for (attempt, answer) in [(1, Err("core answered 502")), (2, Ok("[1, 2]")), (3, Ok("no JSON"))]
    {
        bench.source.answer(answer);
        let refused = bench.requests.newer(&url("a"), attempt).await.unwrap_err();
        assert!(matches!(refused, NoKeys::Unavailable(_)), "{answer:?}: {refused:?}");
        let known = bench.attempts("a", attempt + 1).await;
        assert!(Arc::ptr_eq(known.keys.as_ref().unwrap(), before.keys.as_ref().unwrap()));
        assert!(bench.requests.current(&url("a")).await.is_ok(), "known keys still count");
    }
    bench.source.answer(Ok("{}"));
    assert_eq!(bench.requests.newer(&url("a"), 4).await.unwrap().attempt, 5);
    assert!(bench.attempts("a", 5).await.error.is_none());
}

#[actix::test]
async fn the_first_keys_are_waited_for_and_a_silent_core_is_unavailable() {
    let bench = Bench::start(&["a"], settings(), LONG);
    bench.source.open.send_replace(false);
    let requests = bench.requests.clone();
    let first = actix::spawn(async move { requests.current(&url("a")).await });
    bench.source.running.subscribe().wait_for(|running| *running == 1).await.unwrap();
    bench.source.open.send_replace(true);
    assert_eq!(first.await.unwrap().unwrap().attempt, 1);

    let impatient = Bench::start(&["a"], settings(), Duration::from_millis(1));
    impatient.source.open.send_replace(false);
    let refused = impatient.requests.current(&url("a")).await.unwrap_err();
    assert!(matches!(refused, NoKeys::Unavailable(_)));
}

#[actix::test]
async fn no_more_fetches_run_at_a_time_than_allowed() {
    let bench = Bench::start(&[], settings(), LONG);
    bench.source.open.send_replace(false);
    bench.configure(2, &["a", "b", "c", "d", "e"]);
    bench.source.running.subscribe().wait_for(|running| *running == 2).await.unwrap();
    let begun: u32 = bench.source.fetches.lock().unwrap().values().sum();
    assert_eq!(begun, 2);
    bench.source.open.send_replace(true);
    for name in ["a", "b", "c", "d", "e"] {
        bench.attempts(name, 1).await;
    }
}

#[actix::test]
async fn what_failed_is_tried_again_and_what_is_old_is_fetched_anew_unasked() {
    let soon = Duration::from_millis(20);
    let eager = KeySettings { refresh_after: soon, retry_after: soon, ..settings() };
    let bench = Bench::start(&["a"], eager, LONG);
    bench.source.answer(Err("core answered 502"));
    let url = url("a");
    let failed = |ring: &KeyRing| ring.get(&url).is_some_and(|known| known.error.is_some());
    bench.ring.wait_for(failed).await.unwrap();
    bench.source.answer(Ok("{}"));
    let good = |ring: &KeyRing| ring.get(&url).is_some_and(|known| known.error.is_none());
    let attempts = bench.ring.wait_for(good).await.unwrap().get(&url).unwrap().attempts;
    bench.attempts("a", attempts + 2).await;
}

#[actix::test]
async fn a_panic_loses_no_keys_and_requests_are_heard_again() {
    let bench = Bench::start(&["a"], settings(), LONG);
    let before = bench.attempts("a", 1).await;
    let died = bench.actor.started().await.unwrap();
    bench.source.answer(Ok("panic"));
    let requests = bench.requests.clone();
    let asked = actix::spawn(async move { requests.newer(&url("a"), 1).await });
    while died.connected() {
        tokio::task::yield_now().await;
    }
    bench.source.answer(Ok("{}"));
    assert!(Arc::ptr_eq(&before, bench.ring.load().get(&url("a")).unwrap()));
    let again = bench.actor.started().await.unwrap();
    assert!(again.connected());
    assert!(bench.supervisor.rebuilt() >= 1);
    // The request that died with the actor is taken over by the next.
    assert_eq!(bench.requests.newer(&url("a"), 1).await.unwrap().attempt, 2);
    assert_eq!(asked.await.unwrap().unwrap().attempt, 2);
}
