//! Introspection answers: what core says, and what we make of it.

use super::*;

const BEFORE_END: Timestamp = Timestamp(1_795_306_800);

#[test]
fn captured_answers_are_judged_as_core_meant_them() {
    let provider = provider();
    let mut accepted = 0;
    for file in ["21_introspection.json", "22b_client_credentials_introspect.json"] {
        for exchange in exchanges(file) {
            let answer = exchange["response"]["body"].to_string();
            let got = claims_from_introspection(
                answer.as_bytes(),
                &provider.client_id,
                ISSUER,
                BEFORE_END,
            );
            if exchange["response"]["body"]["active"] == json!(true) {
                assert_eq!(got.unwrap().preferred_username, "alice");
                accepted += 1;
            } else {
                assert_eq!(got, Err(TokenError::Inactive), "{}", exchange["note"]);
            }
        }
    }
    assert_eq!(accepted, 3);
}

/// CVE-2024-47077, and `jwt_federation_providers` of newer cores: active, but another provider's.
#[test]
fn an_active_token_of_another_provider_is_refused() {
    let other = exchanges("26_custom_scope_mapping.json").remove(1);
    let answer = &other["response"]["body"];
    assert_eq!(answer["active"], json!(true));
    let provider = provider();
    let judge = |answer: &Value| {
        claims_from_introspection(
            answer.to_string().as_bytes(),
            &provider.client_id,
            ISSUER,
            BEFORE_END,
        )
    };
    assert_eq!(judge(answer), Err(TokenError::Audience));
    // Each of the three marks alone is enough to refuse it.
    let ours = json!({
        "active": true, "client_id": provider.client_id, "aud": provider.client_id, "iss": ISSUER,
        "sub": "s", "exp": BEFORE_END.0 + 60,
    });
    assert!(judge(&ours).is_ok());
    for (claim, error) in [
        ("client_id", TokenError::Audience),
        ("aud", TokenError::Audience),
        (
            "iss",
            TokenError::Issuer {
                found: answer["iss"].as_str().unwrap().to_owned(),
                expected: ISSUER.to_owned(),
            },
        ),
    ] {
        let mut mixed = ours.clone();
        mixed[claim] = answer[claim].clone();
        assert_eq!(judge(&mixed), Err(error), "{claim}");
        mixed.as_object_mut().unwrap().remove(claim);
        assert!(judge(&mixed).is_err(), "{claim} missing");
    }
}

#[test]
fn only_true_is_active_and_an_end_is_needed() {
    let base = json!({
        "active": true, "client_id": CLIENT, "aud": CLIENT, "iss": ISSUER, "sub": "s",
        "exp": NOW.0 + 1,
    });
    let judge = |answer: &Value| {
        claims_from_introspection(answer.to_string().as_bytes(), CLIENT, ISSUER, NOW)
    };
    assert!(judge(&base).is_ok());
    let mut inactive = base.clone();
    inactive["active"] = json!(false);
    assert_eq!(judge(&inactive), Err(TokenError::Inactive));
    for odd in [json!("true"), json!(1), json!(null), json!([true]), json!("false"), json!(0)] {
        let mut answer = base.clone();
        answer["active"] = odd;
        assert!(matches!(judge(&answer), Err(TokenError::Malformed(_))), "{answer}");
    }
    let starting = json!({"error": "authentik starting"});
    assert!(matches!(judge(&starting), Err(TokenError::Malformed(_))), "it ends no session");
    let mut ended = base.clone();
    ended["exp"] = json!(NOW.0);
    assert_eq!(judge(&ended), Err(TokenError::Expired));
    ended.as_object_mut().unwrap().remove("exp");
    assert!(matches!(judge(&ended), Err(TokenError::Malformed(_))));
    for text in ["", "null", "[]", "<html>", "{\"active\":"] {
        let got = claims_from_introspection(text.as_bytes(), CLIENT, ISSUER, NOW);
        assert!(matches!(got, Err(TokenError::Malformed(_))), "{text}");
    }
}
