//! What core serves as its key set.

use outpost_decision::crypto::{base64url, hmac_sha256};
use outpost_decision::provider::Signing;
use outpost_decision::token::{Expectation, KeySet, verify};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::Target;
use crate::site;

pub(super) const TARGET: Target = Target {
    name: "jwks",
    asserts: "keys are taken or counted, at most 64, and no public key, in any encoding, ever serves as \
              an HMAC key; unsigned tokens stay refused",
    check,
};

fn check(data: &[u8]) {
    let Ok(keys) = KeySet::parse(data) else {
        let set = serde_json::from_slice::<Value>(data).unwrap_or_default();
        let is_set = set.is_object() && (set["keys"].is_array() || set["keys"].is_null());
        assert!(!is_set, "a key set is refused");
        return;
    };
    let set: Value = serde_json::from_slice(data).expect("a set that was read is JSON");
    let listed = set["keys"].as_array().map_or(0, Vec::len);
    assert_eq!(keys.len() + keys.skipped(), listed);
    assert!(keys.len() <= 64);
    assert!(keys.has_same_ids(&keys.clone()));

    let secret = SecretString::from(site::CLIENT_SECRET.to_owned());
    let expect = Expectation {
        issuer: "https://core.test/application/o/app-1/",
        audience: "client-1",
        signing: Signing::KeySet,
        client_secret: &secret,
        keys: &keys,
        now: site::NOW,
        leeway: 0,
    };
    let claims = json!({
        "iss": expect.issuer, "aud": expect.audience, "sub": "s", "exp": site::NOW.0 + 60, "iat": site::NOW.0,
    });
    let payload = base64url(claims.to_string().as_bytes());
    let texts =
        set["keys"].as_array().into_iter().flatten().take(8).flat_map(|key| {
            ["k", "n", "x", "kid"].into_iter().filter_map(|name| key[name].as_str())
        });
    let hmac_keys = texts.map(str::as_bytes).chain([data, b"", site::CLIENT_SECRET.as_bytes()]);
    for hmac_key in hmac_keys {
        for (algorithm, kid) in
            [("HS256", None), ("HS256", set["keys"][0]["kid"].as_str()), ("none", None)]
        {
            let header = json!({"alg": algorithm, "typ": "JWT", "kid": kid});
            let message = format!("{}.{payload}", base64url(header.to_string().as_bytes()));
            let signature = match algorithm {
                "none" => String::new(),
                _ => base64url(&hmac_sha256(hmac_key, &[message.as_bytes()])),
            };
            let token = format!("{message}.{signature}");
            assert!(verify(&token, &expect).is_err(), "a forged token passed: {token}");
        }
    }
}
