//! What is accepted, and what the application then sees.

use outpost_tests::Browser;
use reqwest::Method;

use crate::header_auth::support::{asked, basic, bearer, machine, token_of, tokens, world};

#[tokio::test]
async fn a_machine_signs_in_with_an_access_token() {
    let world = world(|spec| spec).await;
    let token = token_of(&world, "app", "alice").await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = machine(&world, &token.replacen("Bearer", scheme, 1)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.received("x-authentik-username").as_deref(), Some("alice"));
        assert_eq!(answer.received("x-authentik-groups").as_deref(), Some("admins|staff"));
        assert_eq!(
            answer.received("x-authentik-jwt").map(|jwt| bearer(&jwt)).as_ref(),
            Some(&token)
        );
        assert_eq!(answer.received("authorization"), None, "the credential is ours alone");
    }
}

#[tokio::test]
async fn a_machine_signs_in_with_a_user_name_and_an_app_password() {
    let world = world(|spec| spec).await;
    let answer = machine(&world, &basic("bob", "bob-app-password")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.received("x-authentik-username").as_deref(), Some("bob"));
    assert_eq!(answer.received("authorization"), None);
    let request = world.core.observe(|seen| {
        seen.requests_to(outpost_demo::core::Endpoint::Token).last().cloned().unwrap()
    });
    assert_eq!(request.form_value("grant_type"), Some("client_credentials"));
    assert_eq!(request.form_value("username"), Some("bob"));
}

#[tokio::test]
async fn a_client_that_knows_basic_only_sends_its_token_as_a_password() {
    let world = world(|spec| spec).await;
    let tokens = tokens(&world, "app", "alice").await;
    let token = tokens["access_token"].as_str().unwrap();
    let answer = machine(&world, &basic("goauthentik.io/token", token)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.received("x-authentik-username").as_deref(), Some("alice"));
    assert_eq!(answer.received("x-authentik-jwt").as_deref(), Some(token));
    assert_eq!(answer.received("authorization"), None);
}

/// Then the cookie is enough, and the credential still does not reach the application.
#[tokio::test]
async fn the_session_of_a_header_goes_on_by_its_cookie() {
    let world = world(|spec| spec).await;
    let url = world.url("app.test", "/json");
    let header = basic("alice", "alice-app-password");
    let headers = [("authorization", header.as_str()), ("accept", "application/json")];
    let client = Browser::new();
    let answer = client.send(Method::GET, &url, &headers, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.header("set-cookie").contains("HttpOnly; SameSite=Lax"), "{answer:?}");
    let asked_once = asked(&world);

    let answer = client.send(Method::GET, &url, &headers[1..], None).await;
    assert_eq!(answer.received("x-authentik-username").as_deref(), Some("alice"));
    let answer = client.send(Method::GET, &url, &headers, None).await;
    assert_eq!(answer.received("authorization"), None, "with its cookie, too");
    assert_eq!(answer.received("cookie"), None);
    assert_eq!(asked(&world), asked_once);
}

/// PAINS A13, ak#18130: a machine without a cookie jar has one session, not one for each request.
#[tokio::test]
async fn a_machine_without_a_cookie_jar_has_one_session() {
    let world = world(|spec| spec).await;
    let header = basic("alice", "alice-app-password");
    for _ in 0..10 {
        assert_eq!(machine(&world, &header).await.status, 200);
    }
    assert_eq!(world.sessions().await, 1);
    assert_eq!(machine(&world, &basic("bob", "bob-app-password")).await.status, 200);
    assert_eq!(world.sessions().await, 2);
}

#[tokio::test]
async fn header_authentication_works_behind_a_forward_auth_proxy() {
    let world = outpost_tests::World::start().await;
    world.serve([world.forward_single()]).await;
    let host = format!("single.test:{}", world.port());
    let url = world.url("single.test", "/outpost.goauthentik.io/auth/traefik");
    let header = basic("alice", "alice-app-password");
    let headers = [
        ("authorization", header.as_str()),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", host.as_str()),
        ("x-forwarded-uri", "/api"),
    ];
    let answer = Browser::new().send(Method::GET, &url, &headers, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("x-authentik-username"), "alice");
}
