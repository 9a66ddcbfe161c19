//! Starting while core is away.

use std::sync::Arc;

use bytes::Bytes;
use outpost_decision::time::Timestamp;
use serde_json::{Value, json};

use super::bench::{Bench, record};
use super::certificates::{keypair, leaf, secured, served};
use crate::actors::registry::last_good::LastGood;
use crate::actors::registry::last_good::contents::ToKeep;
use crate::authentik::ApiError;
use crate::clock;
use crate::session::memory::MemoryStore;
use crate::session::{SessionStore, Sessions};

const TOKEN: &str = "the token of the outpost";

fn away() -> ApiError {
    ApiError::Unreachable("connection refused".into())
}

fn store() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(100))
}

/// An outpost that hears core, keeps what it says, and ends.
async fn keep(store: &Arc<MemoryStore>, providers: Vec<Value>) {
    let bench = Bench::keeping(store, TOKEN, providers, None);
    bench.core.release();
    bench.kept().await;
    bench.supervisor.shutdown(std::time::Duration::from_secs(5)).await;
}

/// Lets what is kept be `seconds` old; returns when core said it then.
async fn age(store: &Arc<MemoryStore>, seconds: i64) -> Timestamp {
    let (now, sessions) = (clock::now(), Sessions::new(Arc::clone(store) as _));
    let kept = LastGood::new(sessions, &TOKEN.into());
    let contents = kept.load(now).await.ok().unwrap().contents;
    store.values().write(&kept.name, None, None, now).await.unwrap();
    let said = ToKeep { contents, unknown_certificates: Vec::new() };
    kept.keep(said, now.plus(-seconds)).await.unwrap();
    now.plus(-seconds)
}

/// Where the outpost keeps it.
fn name(bench: &Bench) -> String {
    LastGood::new(bench.sessions.clone(), &TOKEN.into()).name
}

async fn value(store: &MemoryStore, name: &str) -> Option<Bytes> {
    store.values().read(name, Timestamp(0)).await.unwrap()
}

#[actix::test]
async fn an_outpost_that_starts_while_core_is_away_serves_what_core_said_last() {
    let store = store();
    keep(&store, vec![record(1, "one"), record(2, "two")]).await;
    let mut then = age(&store, 3 * 60 * 60).await;
    let failures = [
        away(),
        ApiError::Status { status: 502, path: "/outposts/instances/".into() },
        ApiError::Malformed { path: "/outposts/proxy/".into(), error: "no results".into() },
    ];
    for failure in failures {
        let bench = Bench::keeping(&store, TOKEN, vec![record(3, "three")], Some(failure));
        bench.loaded(true).await;
        assert_eq!(bench.routed(), ["one", "two"]);
        let snapshot = bench.snapshot();
        assert_eq!(snapshot.outpost.name, "Outpost");
        assert_eq!(snapshot.outpost.log_level.as_deref(), Some("debug"));
        assert_eq!(snapshot.refreshed_at, Some(then), "core said it then, and not now");
        assert_eq!(bench.findings_of_the_outpost(), ["configuration_last_known_good"]);
        let said = &snapshot.findings[0].finding.message;
        assert!(said.contains(" 3 hours "), "{said}");
        let is_known = |status: &crate::status::RegistryStatus| status.last_known_good.is_some();
        let status = bench.readers.status.wait_for(is_known).await.unwrap();
        assert_eq!(status.last_known_good, snapshot.refreshed_at);
        assert_eq!(status.expected_version.as_deref(), Some("2025.10.0"));
        assert!(status.global.error_reporting.enabled && !status.is_current());

        // Core is back and says something else.
        bench.core.fail(None);
        let status = bench.readers.status.wait_for(|status| status.is_current()).await.unwrap();
        assert_eq!(status.last_known_good, None);
        assert!(bench.routed().contains(&"three".to_owned()));
        assert!(bench.findings_of_the_outpost().is_empty());
        // Whom core does not list any more goes as always: not at the first glance.
        bench.refresh().await;
        assert_eq!(bench.routed(), ["three"]);
        bench.supervisor.shutdown(std::time::Duration::from_secs(5)).await;
        keep(&store, vec![record(1, "one"), record(2, "two")]).await;
        then = age(&store, 3 * 60 * 60).await;
    }
}

#[actix::test]
async fn a_core_that_does_not_answer_at_all_keeps_nobody_waiting() {
    let store = store();
    keep(&store, vec![record(1, "one")]).await;
    let bench = Bench::keeping(&store, TOKEN, vec![record(1, "one"), record(2, "two")], None);
    bench.loaded(true).await;
    assert_eq!(bench.routed(), ["one"]);
    assert_eq!(bench.status().refreshes, 0, "core still has the first question");
    let one = Arc::clone(bench.snapshot().ruleset.provider(1).unwrap());
    bench.core.release();
    bench.refreshed(1).await;
    assert_eq!(bench.routed(), ["one", "two"]);
    assert!(Arc::ptr_eq(&one, bench.snapshot().ruleset.provider(1).unwrap()), "left alone");
}

#[actix::test]
async fn an_outpost_that_core_refuses_serves_nothing_of_what_was_kept() {
    let store = store();
    keep(&store, vec![record(1, "one")]).await;
    for refusal in [ApiError::Unauthorized, ApiError::NoOutpost] {
        let bench = Bench::keeping(&store, TOKEN, vec![record(1, "one")], Some(refusal.clone()));
        bench.refreshed(3).await;
        assert!(!bench.snapshot().is_loaded());
        // Core going away afterwards changes nothing about that.
        bench.core.fail(Some(away()));
        let at = bench.status().refreshes;
        bench.refreshed(at + 3).await;
        assert!(!bench.snapshot().is_loaded());
        bench.core.fail(None);
        bench.core.release();
        bench.loaded(true).await;
        assert_eq!(bench.routed(), ["one"]);

        // What core itself has confirmed stays, as always.
        bench.core.fail(Some(refusal));
        bench.refresh().await;
        bench.refresh().await;
        assert_eq!(bench.routed(), ["one"]);
    }
}

#[actix::test]
async fn what_was_kept_is_taken_back_when_core_turns_out_to_refuse_us() {
    let store = store();
    keep(&store, vec![record(1, "one")]).await;
    let bench = Bench::keeping(&store, TOKEN, vec![record(1, "one")], Some(away()));
    bench.loaded(true).await;
    let generation = bench.snapshot().generation;
    bench.core.fail(Some(ApiError::Unauthorized));
    bench.loaded(false).await;
    assert!(bench.routed().is_empty() && bench.readers.providers.load().is_empty());
    let nothing = |status: &crate::status::RegistryStatus| status.generation == 0;
    let status = bench.readers.status.wait_for(nothing).await.unwrap();
    assert_eq!(status.last_known_good, None);
    bench.core.fail(None);
    bench.core.release();
    bench.loaded(true).await;
    assert_eq!(bench.routed(), ["one"]);
    assert!(bench.snapshot().generation > generation, "whoever follows it notices");
}

#[actix::test]
async fn another_token_finds_nothing_and_waits_for_core() {
    let store = store();
    keep(&store, vec![record(1, "one")]).await;
    let bench = Bench::keeping(&store, "rotated", vec![record(2, "two")], Some(away()));
    bench.refreshed(5).await;
    assert!(!bench.snapshot().is_loaded());
    bench.core.fail(None);
    bench.core.release();
    bench.loaded(true).await;
    assert_eq!(bench.routed(), ["two"]);
}

#[actix::test]
async fn a_value_that_was_altered_is_ignored_until_a_good_one_is_there() {
    let store = store();
    keep(&store, vec![record(1, "one")]).await;
    let bench = Bench::keeping(&store, "rotated", Vec::new(), Some(away()));
    let name = name(&bench);
    let good = value(&store, &name).await.unwrap();
    let mut bad = good.to_vec();
    *bad.last_mut().unwrap() ^= 1;
    let write = |value: Bytes| store.values().write(&name, Some(value), None, Timestamp(0));
    write(bad.into()).await.unwrap();

    let bench = Bench::keeping(&store, TOKEN, vec![record(2, "two")], Some(away()));
    bench.refreshed(5).await;
    assert!(!bench.snapshot().is_loaded());
    // It is looked for again and again.
    write(good).await.unwrap();
    bench.loaded(true).await;
    assert_eq!(bench.routed(), ["one"]);
}

#[actix::test]
async fn nothing_is_written_while_nothing_changes() {
    let store = store();
    let bench = Bench::keeping(&store, TOKEN, vec![record(1, "one")], None);
    bench.core.release();
    bench.kept().await;
    let name = name(&bench);
    let first = value(&store, &name).await.unwrap();
    let mut shuffled = record(1, "one");
    shuffled["scopes_to_request"].as_array_mut().unwrap().reverse();
    bench.core.set_providers(vec![shuffled]);
    // The first one's write is over before the second one ends.
    bench.refresh().await;
    bench.refresh().await;
    assert_eq!(value(&store, &name).await.unwrap(), first);
    bench.core.set_providers(vec![record(1, "one"), record(2, "two")]);
    bench.refresh().await;
    while value(&store, &name).await.unwrap() == first {
        tokio::task::yield_now().await;
    }
}

#[actix::test]
async fn the_last_good_version_of_each_provider_is_what_is_kept() {
    let store = store();
    let bench = Bench::keeping(&store, TOKEN, vec![record(1, "one"), record(2, "two")], None);
    bench.core.release();
    bench.kept().await;
    let name = name(&bench);
    let first = value(&store, &name).await.unwrap();
    let (mut bad, mut never_good) = (record(1, "one"), record(3, "three"));
    bad["external_host"] = json!("bad");
    never_good["external_host"] = json!("bad");
    let mut other = record(2, "two");
    other["internal_host"] = json!("http://elsewhere.test");
    bench.core.set_providers(vec![bad, other, never_good]);
    bench.refresh().await;
    while value(&store, &name).await.unwrap() == first {
        tokio::task::yield_now().await;
    }

    let next = Bench::keeping(&store, TOKEN, Vec::new(), Some(away()));
    next.loaded(true).await;
    assert_eq!(next.routed(), ["one", "two"]);
    let two = next.snapshot().ruleset.provider(2).unwrap().internal.clone().unwrap();
    assert_eq!(two.as_str(), "http://elsewhere.test/");
    assert_eq!(next.findings(3), ["external_host_invalid", "provider_not_in_effect"]);
}

#[actix::test]
async fn certificates_are_served_from_what_was_kept() {
    let store = store();
    let pair = keypair("aa", "one.test");
    let bench = Bench::keeping(&store, TOKEN, vec![secured(1, "one", "uuid")], None);
    bench.core.set_keypair("uuid", Ok(pair.clone()));
    bench.core.release();
    bench.kept().await;

    let next = Bench::keeping(&store, TOKEN, vec![secured(1, "one", "uuid")], Some(away()));
    next.core.set_keypair("uuid", Ok(pair.clone()));
    next.loaded(true).await;
    assert_eq!(served(&next, "one.test"), leaf(&pair));
    assert_eq!(next.findings(1), Vec::<&str>::new());
    next.core.fail(None);
    next.readers.status.wait_for(|status| status.is_current()).await.unwrap();
    assert_eq!(served(&next, "one.test"), leaf(&pair));
    assert_eq!(next.core.asked("private_key"), 0, "its fingerprint is the same");
}
