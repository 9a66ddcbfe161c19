//! Tokens of a real core, and everything a forger may try.

use jsonwebtoken::{EncodingKey, Header as JwtHeader};
use serde_json::json;

use super::*;
use crate::crypto::{base64url, hmac_sha256};
use crate::test_support::{exchanges, provider};

const ISSUER: &str = "http://127.0.0.1:8000/application/o/app-proxy/";
const CLIENT: &str = "client-1";
const NOW: Timestamp = Timestamp(1_800_000_000);

mod forged;
mod introspected;
mod keyed;
mod logout;

/// What tests vary.
struct Setting {
    client_secret: SecretString,
    signing: Signing,
    keys: KeySet,
}

impl Setting {
    fn secret() -> Self {
        Self {
            client_secret: SecretString::from("a-client-secret".to_owned()),
            signing: Signing::ClientSecret,
            keys: KeySet::default(),
        }
    }

    fn expect(&self) -> Expectation<'_> {
        Expectation {
            issuer: ISSUER,
            audience: CLIENT,
            signing: self.signing,
            client_secret: &self.client_secret,
            keys: &self.keys,
            now: NOW,
            leeway: 10,
        }
    }
}

/// Claims that pass.
fn good() -> Value {
    json!({"iss": ISSUER, "aud": CLIENT, "sub": "s", "exp": NOW.0 + 600, "iat": NOW.0})
}

fn with(claim: &str, value: Value) -> Value {
    let mut claims = good();
    claims[claim] = value;
    claims
}

fn without(claim: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(claim);
    claims
}

/// A token with any header, signed with HMAC-SHA-256.
fn sign_with_header(header: &Value, claims: &Value, key: &[u8]) -> String {
    let message = format!(
        "{}.{}",
        base64url(header.to_string().as_bytes()),
        base64url(claims.to_string().as_bytes())
    );
    let signature = base64url(&hmac_sha256(key, &[message.as_bytes()]));
    format!("{message}.{signature}")
}

fn sign(claims: &Value) -> String {
    sign_with_header(&json!({"alg": "HS256", "typ": "JWT"}), claims, b"a-client-secret")
}

fn check(claims: &Value) -> Result<Claims, TokenError> {
    let setting = Setting::secret();
    verify(&sign(claims), &setting.expect())
}

#[test]
fn captured_tokens_of_a_real_core_pass() {
    let keys = KeySet::default();
    for (file, user, has_sid) in [
        ("13_token_exchange.json", "alice", true),
        ("17_token_exchange_bob.json", "bob", true),
        ("18b_token_exchange_fwd_single.json", "alice", true),
        ("22_client_credentials.json", "alice", false),
        ("26_custom_scope_mapping.json", "alice", true),
    ] {
        let exchange = exchanges(file).remove(0);
        let token = exchange["response"]["body"]["access_token"].as_str().unwrap();
        let encoded = token.split('.').nth(1).unwrap();
        let payload = Value::Object(object(encoded).unwrap());
        let form = &exchange["request"]["form"];
        // client_credentials carries no secret: take it from the exchange of the same client.
        let secret = match form["client_secret"].as_str() {
            Some(secret) => SecretString::from(secret.to_owned()),
            None => provider().client_secret,
        };
        let now = Timestamp(payload["iat"].as_i64().unwrap() + 1);
        let expect = Expectation {
            issuer: payload["iss"].as_str().unwrap(),
            audience: form["client_id"].as_str().unwrap(),
            signing: Signing::ClientSecret,
            client_secret: &secret,
            keys: &keys,
            now,
            leeway: 0,
        };
        let claims = verify(token, &expect).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(claims.preferred_username, user, "{file}");
        assert_eq!(claims.session_id().is_some(), has_sid, "{file}");
        let end = Expectation { now: Timestamp(claims.exp), ..expect };
        assert_eq!(verify(token, &end), Err(TokenError::Expired), "{file}");
    }
}

#[test]
fn the_issuer_follows_the_host_of_the_exchange_and_must_fit() {
    let provider = provider();
    let keys = KeySet::default();
    let exchange = exchanges("15_token_exchange_variants.json").remove(1);
    let token = exchange["response"]["body"]["access_token"].as_str().unwrap();
    let expect = |issuer| Expectation {
        issuer,
        audience: &provider.client_id,
        signing: Signing::ClientSecret,
        client_secret: &provider.client_secret,
        keys: &keys,
        now: Timestamp(1_795_306_800),
        leeway: 0,
    };
    let browser = "http://auth.example.com/application/o/app-proxy/";
    assert!(verify(token, &expect(browser)).is_ok());
    assert_eq!(
        verify(token, &expect(ISSUER)),
        Err(TokenError::Issuer { found: browser.to_owned(), expected: ISSUER.to_owned() })
    );
}

#[test]
fn claims_of_a_custom_mapping_are_kept() {
    let exchange = exchanges("26_custom_scope_mapping.json").remove(0);
    let token = exchange["response"]["body"]["access_token"].as_str().unwrap();
    let payload = object(token.split('.').nth(1).unwrap()).unwrap();
    let claims = claims_of(payload, Timestamp(1_795_306_800)).unwrap();
    let proxy = claims.ak_proxy.as_ref().unwrap();
    assert_eq!(proxy.backend_override.as_deref(), Some("http://127.0.0.1:8082"));
    assert_eq!(proxy.host_header.as_deref(), Some("upstream.internal"));
    assert_eq!(*claims.groups, ["devs".into(), "admins".into()]);
    assert_eq!(&*claims.name, "Alice Änderson");
}

#[test]
fn times_are_checked_with_leeway() {
    let at = |claim, seconds: i64| check(&with(claim, json!(NOW.0 + seconds)));
    assert!(at("exp", -9).is_ok());
    assert_eq!(at("exp", -10), Err(TokenError::Expired));
    assert!(at("iat", 10).is_ok());
    assert_eq!(at("iat", 11), Err(TokenError::NotYetValid));
    assert!(at("nbf", 10).is_ok());
    assert_eq!(at("nbf", 11), Err(TokenError::NotYetValid));
}

#[test]
fn exp_must_be_a_sensible_number() {
    assert!(matches!(check(&without("exp")), Err(TokenError::Malformed(_))));
    for odd in [
        json!(null),
        json!("1800000600"),
        json!(1_800_000_600.5),
        json!(-1),
        json!(true),
        json!([1_800_000_600]),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
        json!(LAST_SENSIBLE_TIME + 1),
    ] {
        assert!(matches!(check(&with("exp", odd.clone())), Err(TokenError::Malformed(_))), "{odd}");
    }
}

#[test]
fn a_far_exp_is_capped() {
    let claims = check(&with("exp", json!(LAST_SENSIBLE_TIME))).unwrap();
    assert_eq!(claims.exp, NOW.0 + MAX_VALIDITY_SECONDS);
    assert_eq!(check(&good()).unwrap().exp, NOW.0 + 600);
}

#[test]
fn audience_and_authorized_party() {
    let aud = |value| check(&with("aud", value)).map(|_| ());
    assert_eq!(aud(json!([CLIENT])), Ok(()));
    assert_eq!(aud(json!("client-2")), Err(TokenError::Audience));
    assert_eq!(aud(json!("client-1 ")), Err(TokenError::Audience));
    assert_eq!(aud(json!([])), Err(TokenError::Audience));
    assert_eq!(aud(json!(null)), Err(TokenError::Audience));
    assert_eq!(aud(json!({ CLIENT: 1 })), Err(TokenError::Audience));
    assert_eq!(aud(json!([[CLIENT]])), Err(TokenError::Malformed("its aud is no list of texts")));
    assert_eq!(check(&without("aud")), Err(TokenError::Audience));
    let many: Vec<_> = (0..=MAX_AUDIENCES).map(|_| CLIENT).collect();
    assert_eq!(aud(json!(many)), Err(TokenError::Audience));

    let mut several = with("aud", json!(["client-2", CLIENT]));
    assert_eq!(check(&several), Err(TokenError::AuthorizedParty));
    several["azp"] = json!("client-2");
    assert_eq!(check(&several), Err(TokenError::AuthorizedParty));
    several["azp"] = json!(CLIENT);
    assert!(check(&several).is_ok());
    assert_eq!(check(&with("azp", json!("client-2"))), Err(TokenError::AuthorizedParty));
    assert_eq!(check(&with("azp", json!(7))), Err(TokenError::AuthorizedParty));
}

#[test]
fn issuer_is_compared_byte_for_byte() {
    for other in [
        "http://127.0.0.1:8000/application/o/app-proxy",
        "https://127.0.0.1:8000/application/o/app-proxy/",
        "HTTP://127.0.0.1:8000/application/o/app-proxy/",
        "http://127.0.0.1:8000/application/o/app-proxy/\n",
        "",
    ] {
        let got = check(&with("iss", json!(other)));
        assert!(matches!(got, Err(TokenError::Issuer { .. })), "{other}");
    }
    assert!(matches!(check(&with("iss", json!([ISSUER]))), Err(TokenError::Issuer { .. })));
}

#[test]
fn a_subject_is_needed() {
    for odd in [json!(""), json!(null), json!({})] {
        assert_eq!(check(&with("sub", odd)), Err(TokenError::Malformed("it has no sub")));
    }
    assert!(check(&without("sub")).is_err());
    assert_eq!(check(&with("sub", json!(42))).unwrap().sub, "42");
}

#[test]
fn the_id_token_must_carry_the_nonce_and_the_same_subject() {
    let setting = Setting::secret();
    let access = sign(&good());
    let mut id = with("nonce", json!("n-1"));
    let run = |id: &str, nonce| {
        verify_sign_in(&access, Some(id), &setting.expect(), nonce).map(|claims| claims.sub)
    };
    assert_eq!(run(&sign(&id), "n-1"), Ok("s".to_owned()));
    assert_eq!(run(&sign(&id), "n-2"), Err(TokenError::OtherSignIn));
    assert_eq!(run(&sign(&good()), "n-1"), Err(TokenError::OtherSignIn));
    id["sub"] = json!("somebody else");
    assert_eq!(run(&sign(&id), "n-1"), Err(TokenError::OtherSignIn));
    assert!(verify_sign_in(&access, None, &setting.expect(), "n-1").is_ok());
    assert!(run("no.id.token", "n-1").is_err());
}
