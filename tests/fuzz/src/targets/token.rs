//! One line: a token as it is. Or two: header and payload, which are then signed with the client
//! secret, so that what is inside gets looked at.

use outpost_decision::crypto::{base64url, from_base64url, hmac_sha256};
use outpost_decision::provider::Signing;
use outpost_decision::token::{
    Expectation, KeySet, claims_from_introspection, verify, verify_sign_in,
};
use secrecy::SecretString;
use serde_json::Value;

use super::Target;
use crate::input::first_line;
use crate::site;

pub(super) const TARGET: Target = Target {
    name: "token",
    asserts: "a token that is accepted is signed by the client secret with HS256, names issuer and \
              audience, is in force, and is of this sign-in; every other one is refused",
    check,
};

const ISSUER: &str = "https://core.test/application/o/app-1/";
const CLIENT: &str = "client-1";
const NONCE: &str = "nonce-of-this-sign-in";

fn check(data: &[u8]) {
    let (header, payload) = first_line(data);
    let secret = SecretString::from(site::CLIENT_SECRET.to_owned());
    let keys = KeySet::default();
    let expect = Expectation {
        issuer: ISSUER,
        audience: CLIENT,
        signing: Signing::ClientSecret,
        client_secret: &secret,
        keys: &keys,
        now: site::NOW,
        leeway: 10,
    };
    if payload.is_empty() {
        if let Ok(token) = std::str::from_utf8(data) {
            judge(token, &expect);
        }
        return;
    }
    let message = format!("{}.{}", base64url(header), base64url(payload));
    let mac = |key: &[u8]| base64url(&hmac_sha256(key, &[message.as_bytes()]));
    let signed = format!("{message}.{}", mac(site::CLIENT_SECRET.as_bytes()));
    judge(&signed, &expect);
    for forged in [
        format!("{message}."),
        message.clone(),
        format!("{message}.{}", mac(b"")),
        format!("{message}.{}", mac(CLIENT.as_bytes())),
        format!("{message}.{}", mac(site::COOKIE_SECRET.as_bytes())),
        format!("{signed}A"),
        format!("{signed}="),
        format!(".{signed}"),
        format!("{signed}."),
    ] {
        assert!(verify(&forged, &expect).is_err(), "{forged}");
    }
    let by_keys = Expectation { signing: Signing::KeySet, ..expect };
    assert!(verify(&signed, &by_keys).is_err(), "the client secret is no key of the set");
    let nobody = SecretString::from(String::new());
    let no_secret = Expectation { client_secret: &nobody, ..expect };
    assert!(verify(&format!("{message}.{}", mac(b"")), &no_secret).is_err());

    // The same as core's answer about a bearer token.
    if let Ok(claims) = claims_from_introspection(payload, CLIENT, ISSUER, site::NOW) {
        let answer: Value = serde_json::from_slice(payload).expect("JSON");
        assert_eq!(answer["active"], Value::Bool(true));
        assert_eq!(answer["client_id"], CLIENT);
        assert_eq!(answer["iss"], ISSUER);
        assert!(!claims.sub.is_empty() && claims.exp > site::NOW.0);
    }
}

fn judge(token: &str, expect: &Expectation<'_>) {
    let parts: Vec<&str> = token.split('.').collect();
    let Ok(claims) = verify(token, expect) else {
        assert!(verify_sign_in(token, None, expect, NONCE).is_err());
        return;
    };
    let [header, payload, signature] = parts.as_slice() else { panic!("not three parts") };
    let read = |part: &str| {
        let json = from_base64url(part).expect("base64url");
        serde_json::from_slice::<Value>(&json).expect("JSON")
    };
    let message = format!("{header}.{payload}");
    let mac = hmac_sha256(site::CLIENT_SECRET.as_bytes(), &[message.as_bytes()]);
    assert_eq!(*signature, base64url(&mac), "another signature");
    let (header, payload) = (read(header), read(payload));
    assert_eq!(header["alg"], "HS256");
    assert!(header.get("crit").is_none());
    assert_eq!(payload["iss"], ISSUER);
    let audience = &payload["aud"];
    let several = audience.as_array().map(Vec::as_slice);
    assert!(audience == CLIENT || several.is_some_and(|all| all.iter().any(|one| one == CLIENT)));
    if several.is_some_and(|all| all.len() > 1)
        || payload.get("azp").is_some_and(|azp| !azp.is_null())
    {
        assert_eq!(payload["azp"], CLIENT);
    }
    let end = payload["exp"].as_i64().expect("a whole number");
    assert!(end > site::NOW.0 - 10 && end < 253_402_300_800);
    assert!(claims.exp <= end && claims.exp <= site::NOW.0 + 400 * 24 * 3600);
    for begin in ["nbf", "iat"] {
        assert!(
            payload
                .get(begin)
                .is_none_or(|at| at.as_i64().is_some_and(|at| at <= site::NOW.0 + 10))
        );
    }
    assert!(!claims.sub.is_empty() && payload["sub"] == claims.sub.as_str());
    // The id token of an answer must be of this sign-in.
    let of_this = payload["nonce"] == NONCE;
    assert_eq!(verify_sign_in(token, Some(token), expect, NONCE).is_ok(), of_this);
}
