//! By token: two roles, sessions of their own, and what they did.

use std::sync::Arc;

use outpost::boot;
use outpost::session::memory::MemoryStore;
use outpost_demo::core::CoreOptions;
use outpost_tests::world::settings;
use outpost_tests::{Browser, Program, World, wait};
use reqwest::Method;
use serde_json::Value;

use crate::limits::support::reached;
use crate::operators::support::{ACT, Operator, TOKENS, VIEW, is_visitor, pages, visitor};

async fn world() -> World {
    let world = World::with(CoreOptions::default(), &TOKENS).await;
    world.serve([world.proxy()]).await;
    world
}

#[tokio::test]
async fn who_may_look_sees_everything_and_changes_nothing() {
    let world = world().await;
    let alice = visitor(&world, "alice").await;
    let stranger = Operator::at(pages(&world));
    for path in ["/", "/providers", "/sessions", "/decisions", "/explain", "/doctor"] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").starts_with("/sign-in?next="), "{path}");
        assert!(!answer.body.contains("alice"), "{}", answer.body);
    }
    let viewer = Operator::by_token(pages(&world), VIEW).await;
    for path in ["/", "/providers", "/sessions", "/decisions", "/explain", "/doctor"] {
        assert_eq!(viewer.get(path).await.status, 200, "{path}");
    }
    let csrf = viewer.csrf("/").await;
    assert_eq!(viewer.get("/sessions/revoke?by=user&value=alice").await.status, 403);
    assert_eq!(viewer.revoke("alice", &csrf).await.status, 403);
    let call = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let url = viewer.url("/api/v1/sessions");
        let listed = Browser::new().send(Method::GET, &url, &headers, None).await;
        let order = Some(r#"{"user":"alice"}"#.to_owned());
        let url = format!("{url}/revoke");
        (listed.status.as_u16(), Browser::new().send(Method::POST, &url, &headers, order).await)
    };
    let (listed, refused) = call(VIEW).await;
    assert_eq!((listed, refused.status.as_u16()), (200, 403), "{}", refused.body);
    assert_eq!(refused.json()["error"], "may_not_act");
    assert!(is_visitor(&world, &alice).await);
    let (listed, done) = call(ACT).await;
    assert_eq!((listed, &done.json()["ended"]), (200, &1.into()));
    assert!(!is_visitor(&world, &alice).await);
}

/// The program itself, for its log.
#[tokio::test]
async fn who_may_act_ends_sessions_and_it_is_told() {
    let world = World::start().await;
    let program = Program::start(&world.core, &TOKENS);
    let home = format!("http://app.test:{}", program.address("http").await.port());
    let spec = outpost_demo::core::ProviderSpec::proxy("app", &home, &world.app.url());
    world.core.put_provider(spec).unwrap();
    program.signal("USR1");
    program.serves(1).await;
    let browser = Browser::new();
    let page = browser.sign_in(&format!("{home}/json"), "alice").await;
    assert_eq!(page.status, 200, "{}", page.body);

    let operator = Operator::by_token(program.address("dashboard").await, ACT).await;
    let plan = operator.get("/sessions/revoke?by=user&value=alice").await;
    assert_eq!(plan.status, 200, "{}", plan.body);
    let csrf = operator.csrf("/").await;
    let answer = operator.revoke("alice", &csrf).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/sessions?ended=1"));
    let told = operator.get(answer.header("location")).await;
    assert!(told.body.contains("1 session was ended"), "{}", told.body);
    assert_eq!(browser.get(&format!("{home}/json")).await.status, 302, "alice is signed out");

    let lines = wait::until("the audit line", || {
        let lines = program.lines();
        let found: Vec<Value> = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| line["target"] == "outpost::audit")
            .collect();
        let ended = found.iter().any(|line| line["message"].as_str().unwrap().contains("ended 1"));
        if ended { Ok(found) } else { Err(lines.join("\n")) }
    });
    let all = serde_json::to_string(&lines).unwrap();
    assert!(all.contains("has signed in") && all.contains("operator by token"), "{all}");
    assert!(all.contains("127.0.0.1") && !all.contains(ACT), "{all}");
    let event = wait::until("the event in core", || {
        world.core.observe(|seen| {
            let ended = seen.events.iter().find(|event| event["action"] == "model_deleted");
            ended.cloned().ok_or_else(|| format!("{:?}", seen.events))
        })
    });
    assert_eq!(event["client_ip"], "127.0.0.1");
    let context = &event["context"];
    assert_eq!((&context["by"], &context["value"]), (&"user".into(), &"alice".into()));
    assert_eq!(
        (&context["sessions"], &context["operator"]),
        (&1.into(), &"operator by token".into())
    );
}

#[tokio::test]
async fn a_form_that_is_not_ours_ends_nobody() {
    let world = world().await;
    let alice = visitor(&world, "alice").await;
    let operator = Operator::by_token(pages(&world), ACT).await;
    let other = Operator::by_token(pages(&world), ACT).await;
    let (csrf, of_other) = (operator.csrf("/").await, other.csrf("/").await);
    for wrong in ["", "made-up", &of_other] {
        assert_eq!(operator.revoke("alice", wrong).await.status, 403, "{wrong}");
    }
    let fields = [("by", "user"), ("value", "alice"), ("csrf", csrf.as_str())];
    for origin in ["https://evil.example.com", "http://localhost:1", "null"] {
        let answer = operator.post_from(origin, "/sessions/revoke", &fields).await;
        assert_eq!(answer.status, 403, "{origin}");
    }
    let bare = operator.browser.post_form(&operator.url("/sessions/revoke"), &fields).await;
    assert_eq!(bare.status, 403, "no origin at all");
    for fields in
        [&[("csrf", csrf.as_str())][..], &[("by", "colour"), ("value", "a"), ("csrf", &csrf)]]
    {
        assert_eq!(operator.post("/sessions/revoke", fields).await.status, 400, "{fields:?}");
    }
    assert!(is_visitor(&world, &alice).await);
    assert_eq!(operator.revoke("alice", &csrf).await.status, 303);
    assert!(!is_visitor(&world, &alice).await);
}

#[tokio::test]
async fn who_signs_out_at_one_replica_is_out_at_all() {
    let world = World::start().await;
    let store = Arc::new(MemoryStore::shared_within_process(100));
    let [here, there] = [(); 2].map(|()| {
        let shared = Arc::clone(&store);
        boot::hold_with(settings(&world.core, &TOKENS), shared).unwrap()
    });
    let operator = Operator::by_token(here.addresses.dashboard[0], VIEW).await;
    let elsewhere = operator.also_at(there.addresses.dashboard[0]);
    assert!(operator.is_in().await && elsewhere.is_in().await, "one configuration, one session");
    // A thief has the cookie.
    let cookie = operator.browser.cookie("outpost_operator").unwrap();
    operator.sign_out().await;
    for replica in [&operator, &elsewhere] {
        replica.browser.set_cookie("127.0.0.1", "outpost_operator", &cookie);
        assert!(!replica.is_in().await);
    }
    // With another token settings differ, and so do sessions.
    let rotated = [("OUTPOST__ADMIN__TOKEN", "rotated-token-77aa"), TOKENS[1]];
    let rotated = outpost_tests::world::outpost(&world.core, &rotated);
    let operator = Operator::by_token(here.addresses.dashboard[0], VIEW).await;
    assert!(!operator.also_at(rotated.addresses.dashboard[0]).is_in().await);
}

#[tokio::test]
async fn guessing_is_held_up() {
    let four = [TOKENS[0], TOKENS[1], ("OUTPOST__ADMIN__FAILURES_PER_MINUTE", "4")];
    let world = World::with(CoreOptions::default(), &four).await;
    let guesser = Operator::at(pages(&world));
    for guess in 0..4 {
        let guess = guess.to_string();
        let answer = guesser.post("/sign-in", &[("token", &guess)]).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert!(answer.header("set-cookie").is_empty());
    }
    assert_eq!(reached(&world, "operator_tokens").await, 0, "at the limit");
    let answer = guesser.post("/sign-in", &[("token", ACT)]).await;
    assert_eq!(answer.status, 429);
    assert_eq!(reached(&world, "operator_tokens").await, 1, "past it");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|wait| wait <= 60));
    let events = wait::until("the failures in core", || {
        world.core.observe(|seen| {
            let failed = |event: &&Value| event["action"] == "login_failed";
            let count = seen.events.iter().filter(failed).count();
            if count == 4 { Ok(seen.events.clone()) } else { Err(count.to_string()) }
        })
    });
    assert!(!serde_json::to_string(&events).unwrap().contains(ACT));
}

#[tokio::test]
async fn other_sites_can_sign_nobody_in_and_lead_nobody_away() {
    let world = world().await;
    let operator = Operator::at(pages(&world));
    let fields = [("token", VIEW), ("next", "/")];
    for origin in ["https://evil.example.com", "null"] {
        let answer = operator.post_from(origin, "/sign-in", &fields).await;
        assert_eq!(answer.status, 403);
        assert!(answer.header("set-cookie").is_empty());
    }
    for next in ["//evil.example.com", "https://evil.example.com/", "/\\evil.example.com", "x"] {
        let answer = operator.post("/sign-in", &[("token", VIEW), ("next", next)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{next}");
    }
}
