//! The registry against a scripted core. Everything runs on one thread; nothing sleeps.

mod bench;
mod certificates;
mod failures;
mod last_good;
mod removal;

use std::sync::Arc;

use serde_json::{Value, json};

use self::bench::{Bench, record};
use crate::actors::{Refresh, RefreshCause};

const ASKED: Refresh = Refresh { cause: RefreshCause::Trigger };

#[actix::test]
async fn the_first_refresh_begins_by_itself_and_publishes_what_core_says() {
    let bench = Bench::start(vec![record(1, "one"), record(2, "two")]).await;
    let snapshot = bench.snapshot();
    assert_eq!(snapshot.generation, 1);
    assert_eq!(snapshot.outpost.uuid, "the-outpost");
    assert_eq!(snapshot.outpost.name, "Outpost");
    assert_eq!(snapshot.outpost.log_level.as_deref(), Some("debug"));
    assert_eq!(snapshot.outpost.refresh_interval_seconds, 30);
    assert_eq!(bench.routed(), ["one", "two"]);
    assert!(snapshot.findings.is_empty(), "{:?}", snapshot.findings);
    let status = bench.status();
    assert!(status.is_current());
    assert_eq!((status.generation, status.failures), (1, 0));
    assert_eq!(status.expected_version.as_deref(), Some("2025.10.0"));
    assert!(status.global.error_reporting.enabled);
    assert!(status.next_attempt >= status.last_success.map(|at| at.plus(30)));
    let states = bench.readers.providers.load();
    assert_eq!(states.keys().copied().collect::<Vec<_>>(), [1, 2]);
    let state = states[&1].load();
    assert!(state.up_to_date && state.provider.is_some());
}

#[actix::test]
async fn a_thousand_unchanged_providers_are_left_alone() {
    let all: Vec<_> = (0..1_000).map(|pk| record(pk, &format!("p{pk:04}"))).collect();
    let bench = Bench::start(all.clone()).await;
    assert_eq!(bench.compiler.compiled(), (0..1_000).collect::<Vec<_>>());
    let first = bench.snapshot();
    assert_eq!(first.ruleset.providers().len(), 1_000);
    bench.sign_in(7, "alice").await;
    bench.sign_in(999, "bob").await;

    // Another process of core: every list of scopes comes in another order.
    let mut shuffled = all;
    for record in &mut shuffled {
        record["scopes_to_request"].as_array_mut().unwrap().reverse();
    }
    bench.core.set_providers(shuffled.clone());
    bench.compiler.forget();
    bench.refresh().await;
    assert!(bench.compiler.compiled().is_empty(), "nothing has changed");
    let second = bench.snapshot();
    assert_eq!(second.generation, first.generation);
    assert!(second.refreshed_at >= first.refreshed_at);
    for (one, other) in first.ruleset.providers().iter().zip(second.ruleset.providers()) {
        assert!(Arc::ptr_eq(one, other), "{}", one.name);
    }

    shuffled[500]["internal_host"] = json!("http://elsewhere.test");
    bench.core.set_providers(shuffled);
    bench.refresh().await;
    assert_eq!(bench.compiler.compiled(), [500], "exactly one has changed");
    let third = bench.snapshot();
    assert_eq!(third.generation, first.generation + 1);
    for (one, other) in first.ruleset.providers().iter().zip(third.ruleset.providers()) {
        assert_eq!(Arc::ptr_eq(one, other), one.pk != 500, "{}", one.name);
    }
    assert_eq!(bench.count(None).await, Ok(2), "nobody was signed out");
}

#[actix::test]
async fn readers_always_see_every_provider_while_a_thousand_are_reconfigured() {
    let all: Vec<_> = (0..1_000).map(|pk| record(pk, &format!("p{pk:04}"))).collect();
    let bench = Bench::start(all.clone()).await;
    let reader = bench.readers.snapshot.clone();
    let refreshes = bench.status().refreshes;
    let status = bench.readers.status.clone();
    let watch = actix::spawn(async move {
        let mut looks = 0_u32;
        while status.load().refreshes == refreshes {
            let snapshot = reader.load();
            assert_eq!(snapshot.ruleset.providers().len(), 1_000);
            assert!((0..1_000).step_by(97).all(|pk| snapshot.ruleset.provider(pk).is_some()));
            looks += 1;
            tokio::task::yield_now().await;
        }
        looks
    });
    let mut other = all;
    for record in &mut other {
        record["internal_host"] = json!("http://elsewhere.test");
    }
    bench.core.set_providers(other);
    bench.refresh().await;
    assert!(watch.await.unwrap() > 0);
    let snapshot = bench.snapshot();
    assert!(snapshot.ruleset.providers().iter().all(|provider| {
        provider.internal.as_ref().is_some_and(|url| url.as_str() == "http://elsewhere.test/")
    }));
}

#[actix::test]
async fn any_number_of_requests_while_a_refresh_runs_are_one_more() {
    let bench = Bench::start(vec![record(1, "one")]).await;
    let before = bench.core.asked("outpost");
    bench.core.hold();
    bench.registry.do_send(ASKED).unwrap();
    bench.core.wait_until_held(1).await;
    for cause in [RefreshCause::Signal, RefreshCause::Reconnected, RefreshCause::Trigger] {
        for _ in 0..10 {
            bench.registry.do_send(Refresh { cause }).unwrap();
        }
    }
    let refreshes = bench.status().refreshes;
    bench.core.release();
    bench.refreshed(refreshes + 2).await;
    assert_eq!(bench.core.asked("outpost"), before + 2);
    // Nothing is left over: the next request is the next refresh.
    bench.refresh().await;
    assert_eq!(bench.core.asked("outpost"), before + 3);
}

#[actix::test]
async fn an_option_that_changes_the_endpoints_recompiles_everything() {
    let bench = Bench::start(vec![record(1, "one"), record(2, "two")]).await;
    bench.compiler.forget();
    bench.core.set_option("log_level", json!("trace"));
    bench.refresh().await;
    assert!(bench.compiler.compiled().is_empty());
    assert_eq!(bench.snapshot().outpost.log_level.as_deref(), Some("trace"));
    bench.core.set_option("authentik_host_browser", json!("https://sso.test"));
    bench.refresh().await;
    assert_eq!(bench.compiler.compiled(), [1, 2]);
}

#[actix::test]
async fn providers_come_in_order_of_name_and_a_repeated_one_counts_once() {
    let mut again = record(3, "zeta");
    again["internal_host"] = json!("http://later.test");
    let bench =
        Bench::start(vec![record(3, "zeta"), record(1, "mid"), record(2, "alpha"), again]).await;
    assert_eq!(bench.routed(), ["alpha", "mid", "zeta"]);
    assert_eq!(bench.compiler.compiled(), [1, 2, 3]);
}

/// A captured answer of core.
fn captured(name: &str) -> Value {
    let path = format!("{}/../tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[actix::test]
async fn what_a_real_core_says_is_compiled_and_the_same_from_another_process_is_no_change() {
    let first = captured("02_outposts_proxy.json")["response"]["body"]["results"].take();
    let other = captured("02d_outposts_proxy_other_process.json");
    let other = &other["exchanges"][0]["response"]["body"]["results"][0];
    let mut records = first.as_array().unwrap().clone();
    let bench = Bench::start_real(records.clone()).await;
    assert_eq!(bench.routed(), ["proxy-fwd-domain", "proxy-fwd-single", "proxy-main"]);
    let same = records.iter_mut().find(|record| record["pk"] == other["pk"]).unwrap();
    assert_ne!(same["scopes_to_request"], other["scopes_to_request"]);
    *same = other.clone();
    let before = bench.snapshot();
    bench.core.set_providers(records);
    bench.compiler.forget();
    bench.refresh().await;
    assert!(bench.compiler.compiled().is_empty());
    assert_eq!(bench.snapshot().generation, before.generation);
}

#[actix::test]
async fn sessions_are_counted_when_they_change_and_when_they_run_out() {
    let bench = Bench::start(vec![record(1, "one"), record(2, "two")]).await;
    let one = bench.readers.providers.load()[&1].clone();
    let two = bench.readers.providers.load()[&2].clone();
    one.wait_for(|state| state.sessions.live == Some(0)).await.unwrap();
    bench.sign_in(1, "alice").await;
    bench.sign_in_until(1, "bob", 1).await;
    bench.registry.do_send(crate::actors::SessionsChanged { provider: 1 }).unwrap();
    one.wait_for(|state| state.sessions.live == Some(1)).await.unwrap();
    assert_eq!(two.load().sessions.live, Some(0));
    assert_eq!(bench.count(None).await, Ok(2), "Bob's ended long ago, and is there until swept");
    let swept = Bench::with(bench, |settings| {
        settings.sweep_interval = std::time::Duration::from_millis(1);
    });
    let swept = swept.await;
    while swept.count(None).await != Ok(1) {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
