//! `alg: none`, confusion of kinds, broken shapes, size.

use proptest::prelude::*;

use super::*;

#[test]
fn alg_none_is_refused_for_every_kind_of_signature() {
    let mut setting = Setting::secret();
    for signing in [Signing::ClientSecret, Signing::KeySet] {
        setting.signing = signing;
        for name in ["none", "None", "NONE", "nOnE", ""] {
            let header = base64url(json!({"alg": name}).to_string().as_bytes());
            let payload = base64url(good().to_string().as_bytes());
            for signature in ["", "AAAA"] {
                let got = verify(&format!("{header}.{payload}.{signature}"), &setting.expect());
                assert_eq!(got, Err(TokenError::Algorithm(name.to_owned())), "{signing:?} {name}");
            }
        }
    }
}

#[test]
fn only_hs256_is_accepted_with_a_client_secret() {
    let setting = Setting::secret();
    for name in ["HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "hs256", "HS256 "] {
        let token = sign_with_header(&json!({ "alg": name }), &good(), b"a-client-secret");
        assert_eq!(verify(&token, &setting.expect()), Err(TokenError::Algorithm(name.to_owned())));
    }
}

#[test]
fn an_empty_client_secret_signs_nothing() {
    let mut setting = Setting::secret();
    setting.client_secret = SecretString::from(String::new());
    let token = sign_with_header(&json!({"alg": "HS256"}), &good(), b"");
    assert_eq!(verify(&token, &setting.expect()), Err(TokenError::NoSecret));
}

#[test]
fn another_secret_or_a_changed_byte_breaks_the_signature() {
    let setting = Setting::secret();
    let token = sign_with_header(&json!({"alg": "HS256"}), &good(), b"another-secret");
    assert_eq!(verify(&token, &setting.expect()), Err(TokenError::Signature));

    let token = sign(&good());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = from_base64url(signature).unwrap();
    bytes[0] ^= 1;
    let changed = format!("{message}.{}", base64url(&bytes));
    assert_eq!(verify(&changed, &setting.expect()), Err(TokenError::Signature));
    let cut = format!("{message}.{}", base64url(&bytes[..16]));
    assert_eq!(verify(&cut, &setting.expect()), Err(TokenError::Signature));
    assert_eq!(verify(&format!("{message}."), &setting.expect()), Err(TokenError::Signature));
}

#[test]
fn broken_shapes_are_errors_and_no_panics() {
    let setting = Setting::secret();
    let good = sign(&good());
    for token in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b",
        &good[1..],
        &format!("{good}."),
        &format!(".{good}"),
        &format!("{good}.x"),
        &format!(" {good}"),
        &good.replace('.', " "),
        "\0.\0.\0",
        "é.é.é",
        &good.replace('_', "/"),
        &format!("{good}=="),
    ] {
        if token == good {
            continue;
        }
        assert!(verify(token, &setting.expect()).is_err(), "{token}");
    }
}

#[test]
fn a_header_that_demands_an_extension_is_refused() {
    let setting = Setting::secret();
    let header = json!({"alg": "HS256", "crit": ["b64"], "b64": false});
    let token = sign_with_header(&header, &good(), b"a-client-secret");
    assert!(matches!(verify(&token, &setting.expect()), Err(TokenError::Malformed(_))));
    for odd in [json!([]), json!("HS256"), json!(null), json!({}), json!({"alg": 1})] {
        let token = sign_with_header(&odd, &good(), b"a-client-secret");
        assert!(
            matches!(verify(&token, &setting.expect()), Err(TokenError::Malformed(_))),
            "{odd}"
        );
    }
}

#[test]
fn a_payload_that_is_no_object_is_refused_although_signed() {
    for odd in [json!(null), json!([good()]), json!("text"), json!(1)] {
        assert!(matches!(check(&odd), Err(TokenError::Malformed(_))), "{odd}");
    }
}

#[test]
fn a_megabyte_of_claims_is_refused_with_its_size() {
    let token = sign(&with("name", json!("x".repeat(1 << 20))));
    let setting = Setting::secret();
    let error = verify(&token, &setting.expect()).unwrap_err();
    assert_eq!(error, TokenError::TooLarge(token.len()));
    assert!(error.to_string().contains("65536"));
}

#[test]
fn what_an_error_shows_is_short_and_clean() {
    let setting = Setting::secret();
    let header = json!({"alg": format!("A\r\nB{}", "C".repeat(5000))});
    let token = sign_with_header(&header, &good(), b"a-client-secret");
    let text = verify(&token, &setting.expect()).unwrap_err().to_string();
    assert!(text.len() < 300 && !text.contains(['\r', '\n']), "{text}");
}

proptest! {
    #[test]
    fn no_text_is_a_token_and_none_makes_reading_fail(
        text in "\\PC{0,80}",
        json in prop::collection::vec(any::<u8>(), 0..80),
        flip in any::<prop::sample::Index>(),
    ) {
        let setting = Setting::secret();
        prop_assert!(verify(&text, &setting.expect()).is_err());
        let _ = KeySet::parse(&json);
        let _ = claims_from_introspection(&json, CLIENT, ISSUER, NOW);
        let mut changed = sign(&good()).into_bytes();
        let at = flip.index(changed.len());
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        prop_assert!(verify(&changed, &setting.expect()).is_err());
    }
}
