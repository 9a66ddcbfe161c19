//! Providers that core does not list any more.

use std::sync::Arc;

use super::bench::{Bench, record};

async fn two() -> Bench {
    let bench = Bench::start(vec![record(1, "one"), record(2, "two")]).await;
    bench.sign_in(1, "alice").await;
    bench.sign_in(2, "alice").await;
    bench
}

fn actors(bench: &Bench) -> usize {
    bench.supervisor.report().iter().filter(|actor| actor.name.starts_with("provider")).count()
}

#[actix::test]
async fn a_provider_that_is_removed_is_unrouted_and_loses_its_sessions_once_confirmed() {
    let bench = two().await;
    let removed = bench.readers.providers.load()[&1].clone();
    bench.core.set_providers(vec![record(2, "two")]);
    bench.refresh().await;
    assert_eq!(bench.routed(), ["one", "two"], "not confirmed yet");
    assert_eq!(bench.count(Some(1)).await, Ok(1));
    bench.refresh().await;
    assert_eq!(bench.routed(), ["two"]);
    assert_eq!(bench.count(Some(1)).await, Ok(0));
    assert_eq!(bench.count(Some(2)).await, Ok(1));
    assert_eq!(bench.readers.providers.load().keys().copied().collect::<Vec<_>>(), [2]);
    // The actor has ended: its writing end is gone.
    assert!(removed.wait_for(|_| false).await.is_none());
    assert_eq!(removed.load().sessions.ended, 1);
    assert_eq!(actors(&bench), 1);
}

#[actix::test]
async fn a_list_that_is_empty_once_signs_nobody_out() {
    let bench = two().await;
    let before = bench.snapshot();
    bench.core.set_providers(Vec::new());
    bench.refresh().await;
    assert_eq!(bench.routed(), ["one", "two"]);
    bench.core.set_providers(vec![record(1, "one"), record(2, "two")]);
    bench.compiler.forget();
    bench.refresh().await;
    bench.refresh().await;
    assert_eq!(bench.routed(), ["one", "two"]);
    assert!(bench.compiler.compiled().is_empty(), "both were kept as they were");
    for pk in [1, 2] {
        let (one, other) =
            (before.ruleset.provider(pk), bench.snapshot().ruleset.provider(pk).cloned());
        assert!(Arc::ptr_eq(one.unwrap(), &other.unwrap()));
        assert_eq!(bench.count(Some(pk)).await, Ok(1));
    }
}

#[actix::test]
async fn a_list_that_stays_empty_is_believed_and_nothing_panics() {
    let bench = two().await;
    bench.core.set_providers(Vec::new());
    for _ in 0..3 {
        bench.refresh().await;
    }
    assert_eq!(bench.count(None).await, Ok(0));
    assert!(bench.snapshot().is_loaded() && bench.routed().is_empty());
    assert!(bench.readers.providers.load().is_empty());
    assert_eq!(bench.supervisor.rebuilt(), 0);
}

#[actix::test]
async fn refreshes_in_quick_succession_do_not_shorten_the_grace() {
    let bench = two().await.with(|settings| {
        settings.removal_grace = std::time::Duration::from_secs(3600);
    });
    let bench = bench.await;
    bench.core.set_providers(vec![record(2, "two")]);
    for _ in 0..5 {
        bench.refresh().await;
    }
    assert_eq!(bench.routed(), ["two"]);
    assert_eq!(bench.count(Some(1)).await, Ok(1));
    // What comes back within the grace is as it was.
    bench.core.set_providers(vec![record(1, "one"), record(2, "two")]);
    bench.compiler.forget();
    bench.refresh().await;
    assert_eq!(bench.routed(), ["one", "two"]);
    assert!(bench.compiler.compiled().is_empty());
}

#[actix::test]
async fn what_is_missing_is_looked_for_again_soon_without_being_asked() {
    let bench = two().await.with(|settings| {
        settings.confirm_after = std::time::Duration::from_millis(1);
    });
    let bench = bench.await;
    bench.core.set_providers(vec![record(2, "two")]);
    let refreshes = bench.status().refreshes;
    bench.registry.do_send(super::ASKED).unwrap();
    bench.refreshed(refreshes + 2).await;
    assert_eq!(bench.routed(), ["two"]);
    assert_eq!(bench.count(Some(1)).await, Ok(0));
}
