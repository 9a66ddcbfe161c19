//! Core away, records that make no sense, actors that die.

use std::sync::Arc;

use serde_json::json;

use super::bench::{Bench, record};
use crate::authentik::{ApiError, UnreadableRecord};

fn away() -> ApiError {
    ApiError::Unreachable("connection refused".into())
}

#[actix::test]
async fn a_core_that_is_away_at_the_start_is_asked_until_it_answers() {
    for failure in [away(), ApiError::Unauthorized, ApiError::NoOutpost] {
        let bench = Bench::start_failing(vec![record(1, "one")], failure.clone());
        bench.refreshed(3).await;
        assert!(!bench.snapshot().is_loaded());
        let status = bench.status();
        assert!(!status.is_current());
        assert_eq!(status.last_error, Some(failure));
        assert!(status.failures >= 3);
        bench.core.fail(None);
        bench.readers.snapshot.wait_for(|snapshot| snapshot.is_loaded()).await.unwrap();
        assert_eq!(bench.routed(), ["one"]);
        let status = bench.readers.status.wait_for(|status| status.is_current()).await.unwrap();
        assert_eq!(status.failures, 0);
    }
}

#[actix::test]
async fn a_core_that_goes_away_changes_nothing() {
    let failures = [
        away(),
        ApiError::Unauthorized,
        ApiError::NoOutpost,
        ApiError::Status { status: 502, path: "/outposts/instances/".into() },
        ApiError::Malformed { path: "/outposts/proxy/".into(), error: "no results".into() },
    ];
    let bench = Bench::start(vec![record(1, "one")]).await;
    bench.sign_in(1, "alice").await;
    let before = bench.snapshot();
    for failure in failures {
        bench.core.fail(Some(failure.clone()));
        bench.refresh().await;
        assert_eq!(bench.status().last_error, Some(failure));
        assert!(Arc::ptr_eq(&before, &bench.snapshot()), "the very same snapshot");
    }
    bench.core.fail(None);
    let status = bench.readers.status.wait_for(|status| status.is_current()).await.unwrap();
    assert_eq!(status.generation, before.generation);
    assert!(Arc::ptr_eq(&before.ruleset.providers()[0], &bench.snapshot().ruleset.providers()[0]));
    assert_eq!(bench.count(None).await, Ok(1));
}

#[actix::test]
async fn a_record_that_does_not_compile_leaves_its_last_good_version_and_all_others() {
    let bench = Bench::start(vec![record(1, "one"), record(2, "two")]).await;
    let good = bench.snapshot();
    let mut bad = record(1, "one");
    bad["external_host"] = json!("bad");
    let mut never_good = record(3, "three");
    never_good["external_host"] = json!("bad");
    bench.core.set_providers(vec![bad, record(2, "two"), never_good]);
    bench.refresh().await;
    let now = bench.snapshot();
    assert_eq!(bench.routed(), ["one", "two"]);
    for pk in [1, 2] {
        let (before, after) = (good.ruleset.provider(pk), now.ruleset.provider(pk));
        assert!(Arc::ptr_eq(before.unwrap(), after.unwrap()), "{pk}");
    }
    assert_eq!(bench.findings(1), ["external_host_invalid", "provider_not_in_effect"]);
    assert_eq!(bench.findings(2), Vec::<&str>::new());
    assert_eq!(bench.findings(3), ["external_host_invalid", "provider_not_in_effect"]);
    let states = bench.readers.providers.load();
    assert!(!states[&1].load().up_to_date && states[&1].load().provider.is_some());
    assert!(!states[&3].load().up_to_date && states[&3].load().provider.is_none());

    // The same again is not compiled again.
    bench.compiler.forget();
    bench.refresh().await;
    assert!(bench.compiler.compiled().is_empty());
    assert_eq!(bench.snapshot().generation, now.generation);

    bench.core.set_providers(vec![record(1, "one"), record(2, "two"), record(3, "three")]);
    bench.refresh().await;
    assert_eq!(bench.routed(), ["one", "three", "two"]);
    assert!(bench.snapshot().findings.is_empty());
}

#[actix::test]
async fn a_record_that_cannot_be_read_leaves_its_last_good_version() {
    let bench = Bench::start(vec![record(1, "one"), record(2, "two")]).await;
    bench.sign_in(1, "alice").await;
    let good = bench.snapshot();
    let unreadable = |pk, name: &str| UnreadableRecord {
        pk,
        name: name.into(),
        error: "invalid type: string, expected f64".into(),
    };
    bench.core.set_providers(vec![record(2, "two")]);
    bench.core.set_unreadable(vec![unreadable(Some(1), "one"), unreadable(Some(9), "nine")]);
    for _ in 0..3 {
        bench.refresh().await;
        assert_eq!(bench.routed(), ["one", "two"]);
        assert!(Arc::ptr_eq(
            good.ruleset.provider(1).unwrap(),
            bench.snapshot().ruleset.provider(1).unwrap()
        ));
        assert_eq!(bench.findings(1), ["provider_unreadable", "provider_not_in_effect"]);
        assert_eq!(bench.findings(9), ["provider_unreadable"]);
    }
    // Without a key it could be anybody: nobody is taken away.
    bench.core.set_unreadable(vec![unreadable(None, "one")]);
    for _ in 0..3 {
        bench.refresh().await;
        assert_eq!(bench.routed(), ["one", "two"]);
    }
    assert_eq!(bench.count(None).await, Ok(1));
    bench.core.set_unreadable(Vec::new());
    bench.core.set_providers(vec![record(1, "one"), record(2, "two")]);
    bench.refresh().await;
    assert!(bench.snapshot().findings.is_empty());
    assert_eq!(bench.routed(), ["one", "two"]);
}

#[actix::test]
async fn a_panic_in_one_provider_stays_with_it() {
    let bench = Bench::start(vec![record(1, "one"), record(2, "two")]).await;
    let good = bench.snapshot();
    let mut deadly = record(1, "one");
    deadly["external_host"] = json!("panic");
    let mut other = record(2, "two");
    other["internal_host"] = json!("http://elsewhere.test");
    bench.core.set_providers(vec![deadly, other]);
    bench.refresh().await;
    let now = bench.snapshot();
    assert!(Arc::ptr_eq(good.ruleset.provider(1).unwrap(), now.ruleset.provider(1).unwrap()));
    assert!(!Arc::ptr_eq(good.ruleset.provider(2).unwrap(), now.ruleset.provider(2).unwrap()));
    assert_eq!(bench.findings(1), ["provider_actor_failed"]);
    assert_eq!(bench.findings(2), Vec::<&str>::new());

    // It was rebuilt, with its last good version, and takes the next record.
    let mut fixed = record(1, "one");
    fixed["internal_host"] = json!("http://fixed.test");
    bench.core.set_providers(vec![fixed, record(2, "two")]);
    bench.refresh().await;
    assert!(bench.supervisor.rebuilt() >= 1);
    assert!(bench.snapshot().findings.is_empty());
    let fixed = bench.snapshot().ruleset.provider(1).unwrap().internal.clone().unwrap();
    assert_eq!(fixed.as_str(), "http://fixed.test/");
}

#[actix::test]
async fn a_panic_in_the_registry_leaves_everything_served_and_is_recovered_from() {
    let bench = Bench::start(vec![record(1, "one"), record(2, "two")]).await;
    bench.sign_in(1, "alice").await;
    let before = bench.snapshot();
    let refreshes = bench.status().refreshes;
    bench.core.panic(1);
    // The record is broken by now, too: the new incarnation knows the last good version.
    let mut bad = record(1, "one");
    bad["external_host"] = json!("bad");
    bench.core.set_providers(vec![bad, record(2, "two")]);
    bench.registry.do_send(super::ASKED).unwrap();
    bench.refreshed(refreshes + 1).await;
    assert!(bench.supervisor.rebuilt() >= 1);
    assert_eq!(bench.routed(), ["one", "two"]);
    let after = bench.snapshot();
    assert!(Arc::ptr_eq(before.ruleset.provider(1).unwrap(), after.ruleset.provider(1).unwrap()));
    assert!(after.generation > before.generation);
    assert_eq!(bench.count(None).await, Ok(1));
    // One registry and one actor per provider: those of the dead one are gone.
    let mut names: Vec<_> = bench.supervisor.report().into_iter().map(|actor| actor.name).collect();
    names.sort();
    assert_eq!(names, ["provider 1", "provider 2", "registry"]);
}
