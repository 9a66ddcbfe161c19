//! Refresh tokens: who gets them, what they give, when they are refused.

use std::time::Duration;

use outpost_demo::core::{Endpoint, Fault, UserSpec};
use reqwest::StatusCode;
use serde_json::json;

use crate::world::{
    SCOPE, answer, claims, core, form, introspected, is_refused, provider, refresh_form, refreshed,
    signed_in, text,
};

#[tokio::test]
async fn only_who_asks_for_offline_access_and_may_have_it_gets_a_refresh_token() {
    let core = core();
    assert!(signed_in(&core, SCOPE).await["refresh_token"].is_string());
    assert!(signed_in(&core, "openid profile").await.get("refresh_token").is_none());
    core.put_provider(provider("app")).unwrap();
    let without = signed_in(&core, SCOPE).await;
    assert!(without.get("refresh_token").is_none());
    assert!(!text(&without, "scope").contains("offline_access"));
}

#[tokio::test]
async fn new_tokens_say_what_is_true_of_the_user_now() {
    let core = core();
    let first = signed_in(&core, SCOPE).await;
    core.put_user(
        UserSpec::new("alice", "alice-password")
            .groups(&["admins"])
            .attributes(json!({"colour": "red"})),
    );
    core.advance_clock(Duration::from_secs(60));
    let (status, second) = refreshed(&core, text(&first, "refresh_token")).await;
    assert_eq!(status, StatusCode::OK);
    for token in ["access_token", "id_token"] {
        let (old, new) = (claims(&first, token), claims(&second, token));
        assert_eq!((&old["groups"], &new["groups"]), (&json!(["staff"]), &json!(["admins"])));
        assert_eq!(new["ak_proxy"]["user_attributes"], json!({"colour": "red"}));
        for kept in ["sid", "sub", "iss", "aud", "auth_time", "amr"] {
            assert!(new[kept] == old[kept] && !new[kept].is_null(), "{kept}: {new}");
        }
        assert!(new["exp"].as_u64() >= old["exp"].as_u64().map(|exp| exp + 60));
        assert_eq!((&old["nonce"], new.get("nonce")), (&json!("n"), None));
    }
    // Core leaves the first access token as it is.
    for answer in [&first, &second] {
        assert_eq!(introspected(&core, text(answer, "access_token")).await["active"], true);
    }
}

#[tokio::test]
async fn a_redeemed_refresh_token_is_refused_and_its_successor_taken() {
    let core = core();
    let first = signed_in(&core, SCOPE).await;
    let old = text(&first, "refresh_token");
    let second = refreshed(&core, old).await.1;
    assert_ne!(text(&second, "refresh_token"), old);
    assert!(is_refused(refresh_form(&core, old, &[]), "invalid_grant").await);
    assert_eq!(refreshed(&core, text(&second, "refresh_token")).await.0, StatusCode::OK);
    core.observe(|seen| {
        let uses = |token| (seen.refresh_tokens[token].asked, seen.refresh_tokens[token].granted);
        assert_eq!((uses(old), uses(text(&second, "refresh_token"))), ((2, 1), (1, 1)));
        assert_eq!(seen.refresh_tokens[old].username.as_deref(), Some("alice"));
        assert_eq!((seen.redeems_of("alice"), seen.redeems_of("bob")), (2, 0));
        assert_eq!(seen.most_tries_of_a_refresh_token(), 2);
        assert_eq!((seen.count(Endpoint::Refresh), seen.count(Endpoint::Token)), (3, 1));
    });
}

#[tokio::test]
async fn one_of_two_at_the_same_time_gets_the_tokens() {
    let core = core();
    let tokens = signed_in(&core, SCOPE).await;
    let token = text(&tokens, "refresh_token");
    core.set_fault(Endpoint::Refresh, Fault::Hang);
    let both = async { tokio::join!(refreshed(&core, token), refreshed(&core, token)) };
    let release = async {
        core.wait_for("two", |seen| seen.count(Endpoint::Refresh) == 2).await.unwrap();
        core.clear_faults();
    };
    let (((one, _), (other, _)), ()) = tokio::join!(both, release);
    let mut statuses = [one, other];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::BAD_REQUEST]);
    assert_eq!(core.observe(|seen| seen.most_at_once(Endpoint::Refresh)), 2);
}

#[tokio::test]
async fn without_rotation_the_token_stays_good_and_none_comes_back() {
    let core = core();
    core.set_refresh_rotation(false);
    let tokens = signed_in(&core, SCOPE).await;
    for _ in 0..2 {
        let (status, again) = refreshed(&core, text(&tokens, "refresh_token")).await;
        assert_eq!((status, again.get("refresh_token")), (StatusCode::OK, None));
    }
    assert_eq!(core.observe(|seen| seen.redeems_of("alice")), 2);
}

#[tokio::test]
async fn a_refresh_token_of_an_ended_session_is_refused_told_or_not() {
    let core = core();
    for told in [true, false] {
        let tokens = signed_in(&core, SCOPE).await;
        let sid = claims(&tokens, "access_token")["sid"].as_str().unwrap().to_owned();
        if told {
            core.end_session(&sid);
        } else {
            assert!(core.end_session_untold(&sid));
        }
        let request = refresh_form(&core, text(&tokens, "refresh_token"), &[]);
        assert!(is_refused(request, "invalid_grant").await, "told: {told}");
    }
}

/// As the real core: the token redeems, but nothing of the ended session is in what it gives.
#[tokio::test]
async fn a_refresh_token_that_outlives_its_session_gives_tokens_without_sid() {
    let core = core();
    core.set_refresh_outlives_sessions(true);
    let tokens = signed_in(&core, SCOPE).await;
    core.end_sessions_of("alice");
    assert_eq!(introspected(&core, text(&tokens, "access_token")).await["active"], false);
    let (status, orphaned) = refreshed(&core, text(&tokens, "refresh_token")).await;
    assert_eq!(status, StatusCode::OK);
    for token in ["access_token", "id_token"] {
        let claims = claims(&orphaned, token);
        assert!(claims.get("sid").is_none() && claims.get("amr").is_none(), "{claims}");
        assert_eq!(claims["preferred_username"], "alice");
    }
    assert_eq!(introspected(&core, text(&orphaned, "access_token")).await["active"], true);
    assert_eq!(refreshed(&core, text(&orphaned, "refresh_token")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn removed_users_and_revoked_or_expired_tokens_are_refused() {
    let core = core();
    core.edit_provider("app", |spec| *spec = spec.clone().refresh_validity(3600.0));
    for outlives in [false, true] {
        core.set_refresh_outlives_sessions(outlives);
        let revoked = signed_in(&core, SCOPE).await;
        assert_eq!(core.revoke_refresh_tokens("bob"), 0);
        assert!(core.revoke_refresh_tokens("alice") >= 1);
        assert_eq!(introspected(&core, text(&revoked, "access_token")).await["active"], true);
        let expired = signed_in(&core, SCOPE).await;
        core.advance_clock(Duration::from_secs(3600));
        let removed = signed_in(&core, SCOPE).await;
        assert!(core.remove_user("alice"));
        // Another alice does not inherit the tokens of the first.
        core.put_user(UserSpec::new("alice", "new"));
        for (why, tokens) in [("revoked", revoked), ("expired", expired), ("removed", removed)] {
            let request = refresh_form(&core, text(&tokens, "refresh_token"), &[]);
            assert!(is_refused(request, "invalid_grant").await, "{why}");
        }
    }
}

#[tokio::test]
async fn a_wrong_secret_client_or_scope_is_refused_and_does_not_use_the_token_up() {
    let core = core();
    core.put_provider(provider("other").offline_access()).unwrap();
    let tokens = signed_in(&core, SCOPE).await;
    let token = text(&tokens, "refresh_token");
    let refused = async |more: &[(&str, &str)], error: &str| {
        assert!(is_refused(refresh_form(&core, token, more), error).await, "{more:?}");
    };
    refused(&[("client_secret", "wrong")], "invalid_client").await;
    refused(&[("scope", "openid profile")], "invalid_scope").await;
    core.edit_provider("app", |spec| *spec = spec.clone().scope_mapping("more", json!({})));
    refused(&[("scope", "offline_access more")], "invalid_scope").await;
    let missing = form(&core, "token", &[("grant_type", "refresh_token")]);
    assert!(is_refused(missing, "invalid_grant").await);
    let other = core.provider("other").unwrap();
    let own = core.provider("app").unwrap();
    core.edit_provider("app", |spec| spec.client_id = other.client_id.clone());
    core.edit_provider("other", |spec| spec.client_id = own.client_id.clone());
    refused(&[], "invalid_grant").await;
    core.edit_provider("app", |spec| spec.client_id = own.client_id.clone());
    core.edit_provider("other", |spec| spec.client_id = other.client_id.clone());
    // A scope core does not know is dropped, and none is that of the token.
    let request = refresh_form(&core, token, &[("scope", "unheard-of")]);
    assert_eq!(answer(request).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_grant_fails_alone_and_its_answer_can_get_lost_after_it_was_done() {
    let core = core();
    core.set_fault(Endpoint::Refresh, Fault::Status(502));
    let tokens = signed_in(&core, SCOPE).await;
    let token = text(&tokens, "refresh_token");
    assert_eq!(refresh_form(&core, token, &[]).send().await.unwrap().status(), 502);
    assert_eq!(core.observe(|seen| seen.redeems_of("alice")), 0);

    core.set_fault_times(Endpoint::Refresh, Fault::Lost, 1);
    let lost = async { refresh_form(&core, token, &[]).send().await?.bytes().await };
    assert!(lost.await.is_err());
    assert_eq!(core.observe(|seen| seen.redeems_of("alice")), 1);
    assert!(is_refused(refresh_form(&core, token, &[]), "invalid_grant").await);
}
