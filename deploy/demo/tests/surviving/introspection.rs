//! Introspection: what it is made to say, and what is seen of it.

use outpost_demo::core::{Endpoint, Fault};

use crate::world::{SCOPE, claims, core, introspected, signed_in, text};

#[tokio::test]
async fn one_user_or_one_session_is_called_inactive_until_it_is_no_longer() {
    let core = core();
    let (one, other) = (signed_in(&core, SCOPE).await, signed_in(&core, SCOPE).await);
    let sid = claims(&one, "access_token")["sid"].as_str().unwrap().to_owned();
    let active = async || {
        let mut active = Vec::new();
        for token in [text(&one, "access_token"), text(&other, "access_token")] {
            active.push(introspected(&core, token).await["active"].as_bool().unwrap());
        }
        active
    };
    assert_eq!(active().await, [true, true]);
    core.set_inactive_session(&sid, true);
    assert_eq!(active().await, [false, true]);
    core.set_inactive_user("alice", true);
    core.set_inactive_session(&sid, false);
    assert_eq!(active().await, [false, false]);
    // Nothing has ended: the sessions are there still.
    assert_eq!(core.sessions_of("alice").len(), 2);
    core.set_inactive_user("alice", false);
    assert_eq!(active().await, [true, true]);
    core.observe(|seen| {
        assert_eq!(seen.introspections_of_session(&sid), 4);
        assert_eq!(seen.access_tokens[text(&one, "access_token")].granted, 2);
        assert_eq!(seen.access_tokens[text(&other, "access_token")].granted, 3);
    });
}

#[tokio::test]
async fn tokens_of_ended_sessions_are_inactive_and_still_counted() {
    let core = core();
    let tokens = signed_in(&core, SCOPE).await;
    let sid = claims(&tokens, "access_token")["sid"].as_str().unwrap().to_owned();
    for token in ["access_token", "refresh_token"] {
        assert_eq!(introspected(&core, text(&tokens, token)).await["active"], true, "{token}");
    }
    assert!(core.end_session_untold(&sid));
    for token in ["access_token", "refresh_token"] {
        let said = introspected(&core, text(&tokens, token)).await;
        assert_eq!(said, serde_json::json!({"active": false}), "{token}");
    }
    assert_eq!(core.observe(|seen| seen.introspections_of_session(&sid)), 2);
}

#[tokio::test]
async fn slow_answers_show_how_many_came_at_the_same_time() {
    let core = core();
    let tokens = signed_in(&core, SCOPE).await;
    let token = text(&tokens, "access_token");
    introspected(&core, token).await;
    assert_eq!(core.observe(|seen| seen.most_at_once(Endpoint::Introspect)), 1);
    core.set_fault(Endpoint::Introspect, Fault::Hang);
    let three = async {
        tokio::join!(
            introspected(&core, token),
            introspected(&core, token),
            introspected(&core, token)
        )
    };
    let release = async {
        core.wait_for("three", |seen| seen.most_at_once(Endpoint::Introspect) == 3).await.unwrap();
        core.clear_faults();
    };
    tokio::join!(three, release);
    introspected(&core, token).await;
    core.observe(|seen| {
        assert_eq!(seen.most_at_once(Endpoint::Introspect), 3);
        assert_eq!(seen.access_tokens[token].asked, 5);
    });
}
