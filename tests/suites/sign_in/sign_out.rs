//! Signing out, here and at core.

use outpost_demo::core::Endpoint;
use outpost_tests::{Answer, Browser, World};

use crate::sign_in::{come_back, eventually, whoami, with_app};

async fn two_applications() -> World {
    let world = World::start().await;
    world.serve([world.proxy(), world.forward_single()]).await;
    world
}

/// Signs in at both applications: two sessions of one user, in two providers.
async fn sign_in_at_both(world: &World, browser: &Browser, user: &str) {
    let page = browser.sign_in(&world.url("app.test", "/json"), user).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let url = world.url("single.test", "/outpost.goauthentik.io/start?rd=%2Fx");
    let authorize = browser.get(&url).await;
    let back = browser.get(authorize.header("location")).await;
    let landed = browser.get(back.header("location")).await;
    assert_eq!(landed.header("location"), world.url("single.test", "/x"), "{}", landed.body);
}

async fn check_single(world: &World, browser: &Browser) -> Answer {
    let url = world.url("single.test", "/outpost.goauthentik.io/auth/traefik");
    let headers = [
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", &format!("single.test:{}", world.port())),
        ("x-forwarded-uri", "/x"),
    ];
    browser.send(reqwest::Method::GET, &url, &headers, None).await
}

/// ak#2023: signing out of one application left the others, and other browsers, signed in.
#[tokio::test]
async fn signing_out_ends_all_sessions_of_the_user_and_nobody_elses() {
    let world = two_applications().await;
    let (desk, phone, bob) = (Browser::new(), Browser::new(), Browser::new());
    sign_in_at_both(&world, &desk, "alice").await;
    sign_in_at_both(&world, &phone, "alice").await;
    sign_in_at_both(&world, &bob, "bob").await;
    assert_eq!(world.sessions().await, 6);

    let out = desk.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
    assert!(out.header("location").contains("/application/o/app/end-session/?id_token_hint=ey"));
    assert_eq!(world.sessions().await, 2);
    for browser in [&desk, &phone] {
        assert_eq!(whoami(&world, browser).await, None);
        assert_eq!(check_single(&world, browser).await.status, 302);
    }
    assert_eq!(whoami(&world, &bob).await.as_deref(), Some("bob"));
    assert_eq!(check_single(&world, &bob).await.status, 200);
    let left = desk.cookie_header(&world.url("app.test", "/").parse().unwrap());
    assert_eq!(left, None, "the browser has forgotten its session");
}

#[tokio::test]
async fn any_path_with_the_logout_query_signs_out() {
    let world = with_app().await;
    let browser = Browser::new();
    come_back(&world, &browser, &world.url("app.test", "/json"), "alice").await;
    let out = browser.get(&world.url("app.test", "/some/page?X-authentik-logout=true")).await;
    assert!(out.header("location").contains("/end-session/"), "{} {}", out.status, out.body);
    assert_eq!(world.sessions().await, 0);
}

/// CVE-2022-23527: an open redirect at sign-out.
#[tokio::test]
async fn signing_out_leads_nowhere_but_to_core() {
    let world = with_app().await;
    for signed_in in [true, false] {
        for query in [
            "rd=https%3A%2F%2Fevil.test",
            "post_logout_redirect_uri=https://evil.test",
            "redirect=//evil.test",
        ] {
            let browser = Browser::new();
            if signed_in {
                come_back(&world, &browser, &world.url("app.test", "/json"), "alice").await;
            }
            let url = world.url("app.test", &format!("/outpost.goauthentik.io/sign_out?{query}"));
            let location = browser.get(&url).await.header("location").to_owned();
            let end = format!("{}/application/o/app/end-session/", world.core.url());
            assert!(location.starts_with(&end), "{location}");
            assert!(!location.contains("evil"), "{location}");
        }
    }
}

/// Signing out twice, or without being signed in, is no error.
#[tokio::test]
async fn whoever_is_not_signed_in_can_sign_out_all_the_same() {
    let world = with_app().await;
    let browser = Browser::new();
    come_back(&world, &browser, &world.url("app.test", "/json"), "bob").await;
    for _ in 0..3 {
        let out = browser.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
        assert_eq!(out.status, 302);
    }
    assert_eq!(world.sessions().await, 0);
}

/// ak#3471 #9939: core says that a session has ended; every application of it must notice.
#[tokio::test]
async fn a_session_that_ends_at_core_ends_in_every_application() {
    let world = two_applications().await;
    connected(&world).await;
    let (desk, phone, bob) = (Browser::new(), Browser::new(), Browser::new());
    sign_in_at_both(&world, &desk, "alice").await;
    let at_desk = world.core.sessions_of("alice");
    assert_eq!(at_desk.len(), 1);
    sign_in_at_both(&world, &phone, "alice").await;
    sign_in_at_both(&world, &bob, "bob").await;

    world.core.end_session(&at_desk[0]);
    eventually("the desk's sessions end", async || world.sessions().await == 4).await;
    assert_eq!(whoami(&world, &desk).await, None);
    assert_eq!(check_single(&world, &desk).await.status, 302);
    assert_eq!(whoami(&world, &phone).await.as_deref(), Some("alice"), "another session of core");

    world.core.end_sessions_of("alice");
    eventually("the phone's sessions end", async || world.sessions().await == 2).await;
    assert_eq!(whoami(&world, &phone).await, None);
    assert_eq!(whoami(&world, &bob).await.as_deref(), Some("bob"));
}

/// Tokens of `client_credentials` have no `sid`: an absent one matches no session end, not even
/// an empty one.
#[tokio::test]
async fn a_session_without_a_session_of_core_is_not_ended_by_one() {
    let world = with_app().await;
    connected(&world).await;
    let machine = Browser::new()
        .client()
        .get(world.url("app.test", "/json"))
        .basic_auth("alice", Some("alice-app-password"))
        .send()
        .await
        .unwrap();
    assert_eq!(machine.status(), 200);
    let before = world.sessions().await;
    let bob = Browser::new();
    come_back(&world, &bob, &world.url("app.test", "/json"), "bob").await;
    let bobs = world.core.sessions_of("bob");

    for sid in ["", "null", "undefined", "None"] {
        world.core.end_session(sid);
    }
    world.core.send_frame(r#"{"instruction": 4, "args": {}}"#);
    world.core.send_frame(r#"{"instruction": 4, "args": {"session_id": null}}"#);
    world.core.end_session(&bobs[0]);
    eventually("bob's session ends", async || world.sessions().await == before).await;
    let cookie =
        machine.headers().get("set-cookie").map(|value| value.to_str().unwrap().to_owned());
    if let Some(cookie) = cookie {
        let again = Browser::new();
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        again.set_cookie("app.test", name, value);
        assert_eq!(whoami(&world, &again).await.as_deref(), Some("alice"));
    }
}

async fn connected(world: &World) {
    world.core.wait_for("a websocket", |seen| !seen.connections.is_empty()).await.unwrap();
    world.core.wait_for("a hello", |seen| !seen.hellos.is_empty()).await.unwrap();
    assert_eq!(world.core.observe(|seen| seen.count(Endpoint::Token)), 0);
}
