//! How often core is asked, and what happens when it cannot be (ak#18130).

use outpost_demo::core::{Endpoint, Fault};
use outpost_tests::Browser;
use reqwest::Method;

use crate::header_auth::support::{
    asked, basic, bearer, machine, serve_another, sessions_become, token_of, world,
};

#[tokio::test]
async fn fifty_requests_with_one_header_are_one_question_to_core() {
    let world = world(|spec| spec).await;
    let token = token_of(&world, "app", "alice").await;
    let before = asked(&world);
    world.core.set_fault(Endpoint::Introspect, Fault::Hang);
    let client = Browser::new();
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (client, token, url) =
                (client.client().clone(), token.clone(), world.url("app.test", "/json"));
            tokio::spawn(async move {
                client.get(url).header("authorization", token).send().await.unwrap().status()
            })
        })
        .collect();
    world.core.wait_for("a question", |seen| seen.count(Endpoint::Introspect) > 0).await.unwrap();
    world.core.clear_fault(Endpoint::Introspect);
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(asked(&world), before + 1);
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn a_refusal_is_remembered_for_a_while() {
    let world = world(|spec| spec).await;
    let before = asked(&world);
    for _ in 0..5 {
        assert_eq!(machine(&world, "Bearer garbage").await.status, 401);
        assert_eq!(machine(&world, &basic("alice", "wrong")).await.status, 401);
    }
    assert_eq!(asked(&world), before + 2);
}

/// One application's answer says nothing about another's.
#[tokio::test]
async fn what_is_remembered_counts_for_one_application_only() {
    let world = world(|spec| spec).await;
    serve_another(&world).await;
    let token = token_of(&world, "app", "alice").await;
    assert_eq!(machine(&world, &token).await.status, 200);
    let headers = [("authorization", token.as_str()), ("accept", "application/json")];
    let url = world.url("other.test", "/json");
    let answer = Browser::new().send(Method::GET, &url, &headers, None).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
}

#[tokio::test]
async fn after_a_sign_out_core_is_asked_anew() {
    let world = world(|spec| spec).await;
    let header = basic("alice", "alice-app-password");
    let headers = [("authorization", header.as_str())];
    let client = Browser::new();
    let url = world.url("app.test", "/json");
    assert_eq!(client.send(Method::GET, &url, &headers, None).await.status, 200);
    let before = asked(&world);
    assert_eq!(machine(&world, &header).await.status, 200);
    assert_eq!(asked(&world), before, "remembered");

    client.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
    assert_eq!(world.sessions().await, 0);
    assert_eq!(machine(&world, &header).await.status, 200);
    assert_eq!(asked(&world), before + 1, "asked anew");

    // Once core has taken the app password back, nothing that is remembered helps.
    let by_browser = Browser::new();
    by_browser.sign_in(&url, "alice").await;
    world.core.put_user(outpost_demo::core::UserSpec::new("alice", "alice-password"));
    by_browser.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
    assert_eq!(machine(&world, &header).await.status, 401);
}

/// A bearer token whose session core has ended is refused at once, cached or not.
#[tokio::test]
async fn a_token_whose_session_ended_is_refused_at_once() {
    let world = world(|spec| spec).await;
    world.core.wait_for("a websocket", |seen| !seen.hellos.is_empty()).await.unwrap();
    let browser = Browser::new();
    let page = browser.sign_in(&world.url("app.test", "/json"), "alice").await;
    let token = bearer(&page.received("x-authentik-jwt").unwrap());
    assert_eq!(machine(&world, &token).await.status, 200);
    assert_eq!(world.sessions().await, 2, "the browser's and the machine's");
    let sid = world.core.sessions_of("alice").remove(0);
    world.core.end_session(&sid);
    sessions_become(&world, 0).await;
    assert_eq!(machine(&world, &token).await.status, 401);
}

/// An outage is an outage: neither a refusal nor a way in.
#[tokio::test]
async fn while_core_is_away_new_headers_are_503_and_known_ones_go_on() {
    let world = world(|spec| spec).await;
    let token = token_of(&world, "app", "alice").await;
    let known = basic("bob", "bob-app-password");
    assert_eq!(machine(&world, &known).await.status, 200);
    world.core.stop();
    for header in [&token, &basic("alice", "alice-app-password")] {
        let answer = machine(&world, header).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert_eq!(answer.json()["error"], "core_unavailable");
        assert_ne!(answer.header("retry-after"), "");
    }
    assert_eq!(machine(&world, &known).await.status, 200);
    world.core.resume().unwrap();
    assert_eq!(machine(&world, &token).await.status, 200, "an outage is not remembered");
}

#[tokio::test]
async fn an_answer_of_core_that_makes_no_sense_is_503() {
    let world = world(|spec| spec).await;
    let token = token_of(&world, "app", "alice").await;
    let garbage = Fault::Reply {
        status: 200,
        content_type: "application/json".into(),
        body: "<html>".into(),
    };
    for fault in [Fault::Status(500), Fault::Status(502), Fault::Status(403), garbage] {
        world.core.set_fault(Endpoint::Introspect, fault.clone());
        world.core.set_fault(Endpoint::Token, fault.clone());
        for header in [token.as_str(), &basic("alice", "alice-app-password")] {
            let answer = machine(&world, header).await;
            assert!(matches!(answer.status.as_u16(), 401 | 503), "{fault:?}: {}", answer.body);
            if fault == Fault::Status(502) || fault == Fault::Status(500) {
                assert_eq!(answer.status, 503, "{fault:?}: {}", answer.body);
            }
        }
    }
    assert_eq!(world.sessions().await, 0);
}
