//! What is refused, and how that is said.

use std::time::Duration;

use outpost_demo::core::{Endpoint, Fault};
use outpost_tests::Browser;
use reqwest::Method;
use serde_json::json;

use crate::header_auth::support::{
    basic, bearer, machine, machine_at, serve_another, token_of, tokens, world,
};

/// CVE-2024-47077: core calls a token of another provider active; it is not for this application.
#[tokio::test]
async fn a_token_for_another_application_is_refused_though_core_calls_it_active() {
    let world = world(|spec| spec).await;
    serve_another(&world).await;
    world.core.set_federated_introspection(true);
    let token = token_of(&world, "other", "alice").await;
    let answer = machine(&world, &token).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    let of_ours = token_of(&world, "app", "alice").await;
    assert_eq!(machine(&world, &of_ours).await.status, 200, "and ours is accepted");
}

#[tokio::test]
async fn credentials_that_core_does_not_know_are_refused() {
    let world = world(|spec| spec).await;
    let tokens = tokens(&world, "app", "alice").await;
    let id_token = tokens["id_token"].as_str().unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    let minted = world
        .core
        .mint_token(
            "app",
            json!({"sub": "x", "exp": 4_000_000_000_u64}).as_object().unwrap().clone(),
        )
        .unwrap()
        .unwrap();
    for (what, header) in [
        ("garbage", bearer("garbage")),
        ("an id token", bearer(id_token)),
        ("a token that core never issued", bearer(&minted)),
        ("a cut token", bearer(&access[..access.len() - 2])),
        ("the login password", basic("alice", "alice-password")),
        ("another user's app password", basic("bob", "alice-app-password")),
        ("the e-mail address", basic("alice@example.com", "alice-app-password")),
        ("nobody", basic("mallory", "x")),
        ("garbage as a token", basic("goauthentik.io/token", "garbage")),
        ("an app password as a token", basic("goauthentik.io/token", "alice-app-password")),
    ] {
        let answer = machine(&world, &header).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.body);
        assert_eq!(answer.json()["error"], "header_rejected", "{what}");
        assert!(!answer.body.contains(access), "{what}");
        assert_eq!(answer.header("set-cookie"), "", "{what}");
    }
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let world = world(|spec| spec).await;
    let token = token_of(&world, "app", "alice").await;
    world.core.advance_clock(Duration::from_secs(2 * 86_400));
    assert_eq!(machine(&world, &token).await.status, 401);
}

/// Core's word alone is not enough: an answer that does not fit this provider accepts nothing.
#[tokio::test]
async fn an_answer_of_core_that_does_not_fit_is_not_believed() {
    let world = world(|spec| spec).await;
    let client_id = world.core.provider("app").unwrap().client_id;
    let issuer = format!("{}/application/o/app/", world.core.url());
    let good = json!({
        "active": true, "client_id": client_id, "aud": client_id, "iss": issuer, "sub": "s",
        "exp": 4_000_000_000_u64, "preferred_username": "alice",
    });
    for (number, (key, value)) in [
        ("active", json!("true")),
        ("client_id", json!("another")),
        ("client_id", json!(null)),
        ("aud", json!("another")),
        ("aud", json!(["another"])),
        ("iss", json!("http://evil.test/application/o/app/")),
        ("exp", json!(1)),
        ("exp", json!(null)),
        ("sub", json!("")),
    ]
    .into_iter()
    .enumerate()
    {
        let mut answer = good.clone();
        answer[key] = value.clone();
        world.core.set_fault(Endpoint::Introspect, Fault::json(200, &answer));
        let seen = machine(&world, &bearer(&format!("token-{number}"))).await;
        assert_eq!(seen.status, 401, "{key} {value}: {}", seen.body);
    }
    world.core.set_fault(Endpoint::Introspect, Fault::json(200, &good));
    assert_eq!(machine(&world, "Bearer good").await.status, 200, "the rest of it was fine");
}

#[tokio::test]
async fn a_refusal_says_why_to_people_and_to_scripts() {
    let world = world(|spec| spec.application("Wiki \"of\" us")).await;
    let header = basic("alice", "wrong");
    let script = machine(&world, &header).await;
    assert_eq!(script.status, 401);
    assert_eq!(script.header("www-authenticate"), "Bearer realm=\"Wiki of us\"");
    assert!(
        script.json()["message"].as_str().unwrap().contains("invalid_grant"),
        "{}",
        script.body
    );
    let headers = [("authorization", header.as_str())];
    let page = Browser::new().send(Method::GET, &world.url("app.test", "/"), &headers, None).await;
    assert_eq!(page.status, 401);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("www-authenticate").starts_with("Bearer"));
    assert!(page.body.contains("invalid_grant"), "{}", page.body);
    for answer in [&script, &page] {
        assert!(!answer.body.contains("wrong"), "no credential comes back: {}", answer.body);
    }
}

/// Without interception the header is the application's own business.
#[tokio::test]
async fn without_interception_a_refused_header_leads_to_the_normal_sign_in() {
    let world = world(|spec| spec.intercept(false)).await;
    let own = "Basic b3duOm93bg==";
    let headers = [("authorization", own)];
    let url = world.url("app.test", "/json");
    let page = Browser::new().send(Method::GET, &url, &headers, None).await;
    assert_eq!(page.status, 302, "{}", page.body);
    assert!(page.header("location").contains("/outpost.goauthentik.io/start"));
    let script = machine(&world, own).await;
    assert_eq!(script.status, 401);
    assert_eq!(script.json()["error"], "not_signed_in_script");

    let open = machine_at(&world, "/public/x", own).await;
    assert_eq!(open.status, 200, "{}", open.body);
    assert_eq!(open.received("authorization").as_deref(), Some(own));
    assert_eq!(open.received("x-authentik-username").as_deref(), Some(""));
}

#[tokio::test]
async fn schemes_that_core_does_not_check_are_the_applications() {
    let world = world(|spec| spec).await;
    for own in ["Digest username=\"x\"", "AWS4-HMAC-SHA256 Credential=x", "Negotiate YII="] {
        assert_eq!(machine(&world, own).await.json()["error"], "not_signed_in_script", "{own}");
        let open = machine_at(&world, "/public/x", own).await;
        assert_eq!(open.received("authorization").as_deref(), Some(own));
    }
}
