//! Logout tokens: what the standard demands of them, and what somebody may try with others.

use super::*;
use crate::token::logout::{Ended, LogoutToken, MAX_AGE_SECONDS, verify as verify_logout};

fn logout() -> Value {
    json!({
        "iss": ISSUER, "aud": CLIENT, "iat": NOW.0, "exp": NOW.0 + 120, "jti": "one",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "sid": "s-1", "sub": "u-1",
    })
}

fn changed(claim: &str, value: Option<Value>) -> Value {
    let mut claims = logout();
    match value {
        Some(value) => claims[claim] = value,
        None => {
            claims.as_object_mut().unwrap().remove(claim);
        }
    }
    claims
}

fn typed(kind: Option<&str>, claims: &Value) -> String {
    let mut header = json!({"alg": "HS256"});
    if let Some(kind) = kind {
        header["typ"] = kind.into();
    }
    sign_with_header(&header, claims, b"a-client-secret")
}

fn check_logout(claims: &Value) -> Result<LogoutToken, TokenError> {
    verify_logout(&typed(Some("logout+jwt"), claims), &Setting::secret().expect())
}

#[test]
fn a_session_of_core_is_named_by_sid_and_else_a_subject() {
    for (claims, ended) in [
        (logout(), Ended::Session("s-1".into())),
        (changed("sub", None), Ended::Session("s-1".into())),
        (changed("sid", None), Ended::Subject("u-1".into())),
    ] {
        let token = check_logout(&claims).unwrap();
        assert_eq!(token.ended, ended);
        assert_eq!(token.forget_after, NOW.plus(MAX_AGE_SECONDS + 10));
    }
}

#[test]
fn a_token_is_known_again_by_its_jti_at_its_client() {
    let id = |claims: &Value| check_logout(claims).unwrap().id;
    assert_eq!(id(&logout()), id(&changed("sid", Some(json!("s-2")))));
    assert_ne!(id(&logout()), id(&changed("jti", Some(json!("two")))));
}

#[test]
fn every_rule_of_the_standard_counts() {
    let no = |why| Err(TokenError::NoLogoutToken(why));
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let no_event = "its events do not tell of a logout";
    let no_name = "its jti, sid or sub is no name";
    let cases: &[(&str, Option<Value>, Result<(), TokenError>)] = &[
        (
            "iss",
            Some(json!("http://other/")),
            Err(TokenError::Issuer { found: "http://other/".into(), expected: ISSUER.into() }),
        ),
        ("aud", Some(json!("client-2")), Err(TokenError::Audience)),
        ("aud", Some(json!([CLIENT])), Ok(())),
        ("aud", None, Err(TokenError::Audience)),
        ("iat", None, no("it has no iat")),
        ("iat", Some(json!(NOW.0 + 10)), Ok(())),
        ("iat", Some(json!(NOW.0 + 11)), Err(TokenError::NotYetValid)),
        ("iat", Some(json!(NOW.0 - MAX_AGE_SECONDS - 9)), Ok(())),
        ("iat", Some(json!(NOW.0 - MAX_AGE_SECONDS - 10)), Err(TokenError::TooOld)),
        (
            "iat",
            Some(json!("now")),
            Err(TokenError::Malformed("exp, nbf or iat is no sensible number of seconds")),
        ),
        // authentik before 2025.8.2.
        ("exp", None, Ok(())),
        ("exp", Some(json!(NOW.0 - 9)), Ok(())),
        ("exp", Some(json!(NOW.0 - 10)), Err(TokenError::Expired)),
        ("jti", None, no("it has no jti")),
        ("jti", Some(json!("")), no(no_name)),
        ("jti", Some(json!(7)), no(no_name)),
        ("sid", Some(json!("")), no(no_name)),
        ("sid", Some(json!(["s-1"])), no(no_name)),
        ("sub", Some(json!(null)), no(no_name)),
        ("sid", Some(json!("s".repeat(513))), no(no_name)),
        ("nonce", Some(json!("n")), no("it has a nonce, as id tokens have")),
        ("nonce", Some(json!(null)), no("it has a nonce, as id tokens have")),
        ("events", None, no(no_event)),
        ("events", Some(json!([event])), no(no_event)),
        ("events", Some(json!({"other": {}})), no(no_event)),
        ("events", Some(json!({event: null})), no(no_event)),
        ("events", Some(json!({event: "{}"})), no(no_event)),
        ("events", Some(json!({event: {"more": 1}, "other": {}})), Ok(())),
    ];
    for (claim, value, expected) in cases {
        let got = check_logout(&changed(claim, value.clone())).map(|_| ());
        assert_eq!(got, *expected, "{claim} {value:?}");
    }
    let mut nobody = changed("sid", None);
    nobody.as_object_mut().unwrap().remove("sub");
    assert_eq!(check_logout(&nobody).map(|_| ()), no("it has neither sid nor sub"));
}

#[test]
fn the_type_is_a_logout_tokens_or_none() {
    let setting = Setting::secret();
    for (kind, good) in [
        (None, true),
        (Some("JWT"), true),
        (Some("jwt"), true),
        (Some("logout+jwt"), true),
        (Some("Logout+JWT"), true),
        (Some("application/logout+jwt"), true),
        (Some("at+jwt"), false),
        (Some("application/at+jwt"), false),
        (Some(""), false),
    ] {
        let got = verify_logout(&typed(kind, &logout()), &setting.expect());
        assert_eq!(got.is_ok(), good, "{kind:?}: {got:?}");
    }
}

#[test]
fn tokens_of_one_purpose_do_not_serve_the_other() {
    let setting = Setting::secret();
    // An access token of core is no logout token.
    let access = verify_logout(&sign(&good()), &setting.expect());
    assert!(matches!(access, Err(TokenError::NoLogoutToken(_))), "{access:?}");
    // A logout token signs nobody in.
    let got = verify(&typed(Some("logout+jwt"), &logout()), &setting.expect());
    assert_eq!(got, Err(TokenError::Malformed("it is a logout token")));
}

#[test]
fn signatures_are_held_to_the_same_rules_as_access_tokens() {
    let setting = Setting::secret();
    let claims = logout();
    let none = json!({"alg": "none", "typ": "logout+jwt"});
    let unsigned = sign_with_header(&none, &claims, b"a-client-secret");
    let got = verify_logout(&unsigned, &setting.expect());
    assert_eq!(got, Err(TokenError::Algorithm("none".into())));
    let header = json!({"alg": "HS256", "typ": "logout+jwt"});
    let forged = sign_with_header(&header, &claims, b"another secret");
    assert_eq!(verify_logout(&forged, &setting.expect()), Err(TokenError::Signature));
    let keyed = Setting { signing: Signing::KeySet, ..Setting::secret() };
    let confused = sign_with_header(&header, &claims, b"a-client-secret");
    let got = verify_logout(&confused, &keyed.expect());
    assert_eq!(got, Err(TokenError::Algorithm("HS256".into())));
}
