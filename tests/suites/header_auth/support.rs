//! Machines, and the tokens they come with.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outpost_demo::core::{Endpoint, ProviderSpec};
use outpost_tests::{Answer, Browser, World};
use reqwest::Method;
use serde_json::Value;

/// Longest that anything is awaited.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A world with one provider in proxy mode, as `change` makes it.
pub(crate) async fn world(change: impl FnOnce(ProviderSpec) -> ProviderSpec) -> World {
    let world = World::start().await;
    world.serve([change(world.proxy())]).await;
    world
}

/// A second application, at `other.test`.
pub(crate) async fn serve_another(world: &World) {
    let url = world.url("other.test", "");
    world.serve([ProviderSpec::proxy("other", &url, &world.app.url())]).await;
}

/// A machine's request: without cookies, and it wants JSON.
pub(crate) async fn machine(world: &World, authorization: &str) -> Answer {
    machine_at(world, "/json", authorization).await
}

/// The same for another path.
pub(crate) async fn machine_at(world: &World, path: &str, authorization: &str) -> Answer {
    let headers = [("authorization", authorization), ("accept", "application/json")];
    Browser::new().send(Method::GET, &world.url("app.test", path), &headers, None).await
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// What core gives `user` for their app password at the provider `name`.
pub(crate) async fn tokens(world: &World, name: &str, user: &str) -> Value {
    let provider = world.core.provider(name).unwrap();
    let url = format!("{}/application/o/token/", world.core.url());
    let password = format!("{user}-app-password");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &provider.client_id),
        ("username", user),
        ("password", &password),
        ("scope", "openid email profile ak_proxy entitlements"),
    ];
    let answer = Browser::new().post_form(&url, &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// `Authorization` with an access token of `user`.
pub(crate) async fn token_of(world: &World, name: &str, user: &str) -> String {
    bearer(tokens(world, name, user).await["access_token"].as_str().unwrap())
}

/// How often core was asked about headers, in either way.
pub(crate) fn asked(world: &World) -> u64 {
    world.core.observe(|seen| seen.count(Endpoint::Introspect) + seen.count(Endpoint::Token))
}

/// Waits until the outpost's store holds this many sessions.
pub(crate) async fn sessions_become(world: &World, wanted: usize) {
    let reached = async {
        while world.sessions().await != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect("the sessions end");
}
