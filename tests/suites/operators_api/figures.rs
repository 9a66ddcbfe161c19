//! Figures of real traffic, and the description of the API.

use outpost_tests::{Browser, World};
use serde_json::Value;

use crate::operators_api::support::Api;

#[tokio::test]
async fn an_overview_and_a_provider_tell_of_the_traffic_there_was() {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single()]).await;
    let api = Api::new(world.outpost.addresses.dashboard[0]);
    let browser = Browser::new();
    for _ in 0..3 {
        assert_eq!(browser.get(&world.url("app.test", "/public/x")).await.status, 200);
    }
    assert_eq!(browser.sign_in(&world.url("app.test", "/json"), "alice").await.status, 200);

    let pk = world
        .outpost
        .published
        .snapshot
        .load()
        .ruleset
        .providers()
        .iter()
        .find(|provider| provider.name == "app")
        .map(|provider| provider.pk)
        .unwrap();
    let page = api.get(&format!("v1/providers/{pk}?try=/public/y")).await;
    assert_eq!(page["skip_rules"][0]["matches"], 3, "{page}");
    assert_eq!(page["tried"]["lines"], serde_json::json!([1]));
    let row = &page["row"];
    let requests = row["requests"].as_u64().unwrap();
    assert!(requests >= 5 && row["errors"] == 0, "{row}");
    assert!(row["speed"]["p99"].as_f64().unwrap() > 0.0, "{row}");
    let counted = |reason: &str| {
        let decisions = page["decisions"].as_array().unwrap();
        decisions.iter().find(|it| it["reason"] == reason).map(|it| it["count"].clone())
    };
    assert_eq!(counted("skip_path"), Some(3.into()));
    assert_eq!(counted("session"), Some(1.into()));

    let overview = api.get("v1/overview").await;
    let columns = overview["traffic"]["columns"].as_array().unwrap();
    let sum = |outcome: &str| -> u64 {
        columns.iter().map(|column| column[outcome].as_u64().unwrap()).sum()
    };
    assert_eq!(sum("allowed"), 4, "three public, one of alice");
    assert!(sum("sign_in") >= 2, "on the way there");
    let slowest: Vec<&Value> = overview["slowest"].as_array().unwrap().iter().collect();
    assert_eq!(slowest.len(), 1, "nobody has asked for the other");
    assert_eq!(slowest[0]["name"], "app");
    assert_eq!(overview["store"]["reachable"], true);
    assert!(overview["store"]["operations"].as_u64().unwrap() > 0);
    assert_eq!(overview["providers"], 2);
}

#[tokio::test]
async fn every_path_that_is_described_is_there() {
    let world = World::start().await;
    let api = Api::new(world.outpost.addresses.dashboard[0]);
    let document = api.get("openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 11, "{:?}", paths.keys());
    for (path, item) in paths {
        let path = path.trim_start_matches("/api/").replace(['{', '}'], "");
        let (status, body) = api.ask(&path).await;
        // Something of the call's own: not the answer for paths that are none.
        let nothing = body.contains("\"not_found\"");
        assert!(!nothing, "{path}: {status} {body}");
        assert_eq!(status == 405, item.get("get").is_none(), "{path}: {body}");
    }
}
