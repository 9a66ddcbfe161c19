//! One outpost.

use reqwest::Method;

use super::*;

#[tokio::test]
async fn a_session_that_ended_while_nobody_listened_is_refused_and_others_go_on() {
    let world = world(&[AT_ONCE]).await;
    let (alice, ended) = signed_in(&world, "alice").await;
    let (bob, going_on) = signed_in(&world, "bob").await;
    assert_eq!(visit(&world, &alice).await.status, 200);
    gap(&world.core, &[&world.outpost], std::slice::from_ref(&ended)).await;

    let page = visit(&world, &alice).await;
    assert_eq!(page.status, 302, "to the sign-in: {}", page.body);
    assert_eq!(asked(&world.core, &ended), 1);
    let page = visit(&world, &bob).await;
    assert_eq!(page.json()["user"], "bob");
    for _ in 0..5 {
        assert_eq!(visit(&world, &bob).await.status, 200);
        assert_eq!(visit(&world, &alice).await.status, 302);
    }
    assert_eq!(asked(&world.core, &going_on), 1, "once is enough");
    assert_eq!(asked(&world.core, &ended), 1, "it is gone for good");
    assert_eq!(world.sessions().await, 1);
    for (series, times) in [
        ("outpost_core_gaps_total", 1),
        ("outpost_session_rechecks_total{outcome=\"active\"}", 1),
        ("outpost_session_rechecks_total{outcome=\"ended\"}", 1),
        ("outpost_session_rechecks_waiting", 0),
    ] {
        assert_eq!(figure(&world.outpost, series).await, times, "{series}");
    }
}

#[tokio::test]
async fn each_gap_is_one_more_question() {
    let world = world(&[AT_ONCE]).await;
    let (alice, sid) = signed_in(&world, "alice").await;
    for gaps in 1..=2 {
        gap(&world.core, &[&world.outpost], &[]).await;
        for _ in 0..3 {
            assert_eq!(visit(&world, &alice).await.status, 200);
        }
        assert_eq!(asked(&world.core, &sid), gaps);
    }
    gap(&world.core, &[&world.outpost], std::slice::from_ref(&sid)).await;
    assert_eq!(visit(&world, &alice).await.status, 302);
}

#[tokio::test]
async fn who_signs_in_after_a_gap_is_not_asked_about() {
    let world = world(&[AT_ONCE]).await;
    gap(&world.core, &[&world.outpost], &[]).await;
    let (alice, _) = signed_in(&world, "alice").await;
    assert_eq!(visit(&world, &alice).await.status, 200);
    assert_eq!(asked_at_all(&world.core), 0);
}

/// Signing out needs nobody's word.
#[tokio::test]
async fn a_session_in_doubt_can_be_signed_out_while_core_says_nothing() {
    let world = world(&[AT_ONCE]).await;
    let (alice, _) = signed_in(&world, "alice").await;
    gap(&world.core, &[&world.outpost], &[]).await;
    world.core.set_fault(Endpoint::Introspect, outpost_demo::core::Fault::Hang);
    let out = alice.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
    assert_eq!(out.status, 302);
    assert_eq!(world.sessions().await, 0);
}

/// A machine's session is one like others: its token is asked about anew.
#[tokio::test]
async fn a_machine_whose_user_was_locked_out_meanwhile_is_refused() {
    let world = world(&[AT_ONCE]).await;
    let machine = async || {
        let headers = [
            // bob:bob-app-password
            ("authorization", "Basic Ym9iOmJvYi1hcHAtcGFzc3dvcmQ="),
            ("accept", "application/json"),
        ];
        Browser::new().send(Method::GET, &world.url("app.test", "/json"), &headers, None).await
    };
    assert_eq!(machine().await.json()["user"], "bob");
    gap(&world.core, &[&world.outpost], &[]).await;
    assert_eq!(machine().await.json()["user"], "bob");
    assert_eq!(machine().await.status, 200);
    assert_eq!(asked_at_all(&world.core), 1, "once after the gap");
    let tokens = || world.core.observe(|seen| seen.count(Endpoint::Token));
    let before = tokens();

    gap(&world.core, &[&world.outpost], &[]).await;
    world.core.set_inactive_user("bob", true);
    machine().await;
    assert_eq!(asked_at_all(&world.core), 2);
    assert_eq!(tokens(), before + 1, "what was known of it is forgotten, and core asked anew");
}
