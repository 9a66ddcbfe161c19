//! What can be wrong with a token, and with the keys that it is checked by, for every suite that
//! forges some.

use outpost_demo::core::{Fault, Signature, TokenDraft};
use serde_json::{Value, json};

/// Makes a token of core's a wrong one.
pub(crate) type Tamper = fn(&mut TokenDraft);

/// A wrong token: what is the matter with it, and what makes it so.
pub(crate) type Wrong = (&'static str, Tamper);

/// Sets a claim.
pub(crate) fn set(draft: &mut TokenDraft, claim: &str, value: Value) {
    draft.claims.insert(claim.into(), value);
}

/// An answer in place of core's key set.
pub(crate) fn key_set(body: &str) -> Fault {
    Fault::Reply { status: 200, content_type: "application/json".into(), body: body.into() }
}

/// No signature, or one that proves nothing.
pub(crate) const UNSIGNED: [Wrong; 10] = [
    ("no signature, alg none", |t| {
        t.header.insert("alg".into(), json!("none"));
        t.signature = Signature::Empty;
    }),
    ("no signature, alg None", |t| {
        t.header.insert("alg".into(), json!("None"));
        t.signature = Signature::Empty;
    }),
    ("alg none, signed", |t| drop(t.header.insert("alg".into(), json!("none")))),
    ("no alg", |t| drop(t.header.remove("alg"))),
    ("alg is a number", |t| drop(t.header.insert("alg".into(), json!(256)))),
    ("signature empty", |t| t.signature = Signature::Empty),
    ("signature of zeros", |t| t.signature = Signature::Raw(vec![0; 64])),
    ("HMAC with an empty key", |t| {
        t.header.insert("alg".into(), json!("HS256"));
        t.signature = Signature::Hmac(Vec::new());
    }),
    ("HMAC with another key", |t| {
        t.header.insert("alg".into(), json!("HS256"));
        t.signature = Signature::Hmac(b"a guess".to_vec());
    }),
    ("a critical extension", |t| drop(t.header.insert("crit".into(), json!(["b64"])))),
];

/// Somebody else made it.
pub(crate) const OF_ANOTHER_ISSUER: [Wrong; 4] = [
    ("another issuer", |t| set(t, "iss", json!("https://evil.test/application/o/app/"))),
    ("an issuer that begins like ours", |t| {
        let issuer = format!("{}evil", t.claims["iss"].as_str().unwrap_or_default());
        set(t, "iss", json!(issuer));
    }),
    ("no issuer", |t| drop(t.claims.remove("iss"))),
    ("a list of issuers", |t| {
        let issuer = t.claims["iss"].clone();
        set(t, "iss", json!([issuer]));
    }),
];

/// It is for somebody else.
pub(crate) const FOR_ANOTHER_AUDIENCE: [Wrong; 7] = [
    ("another audience", |t| set(t, "aud", json!("another-client"))),
    ("no audience", |t| drop(t.claims.remove("aud"))),
    ("an empty list of audiences", |t| set(t, "aud", json!([]))),
    ("audiences of odd types", |t| {
        let audience = t.claims["aud"].clone();
        set(t, "aud", json!([audience, {"a": 1}, 7]));
    }),
    ("an audience among others, for another party", |t| {
        let audience = t.claims["aud"].clone();
        set(t, "aud", json!(["another-client", audience]));
        set(t, "azp", json!("another-client"));
    }),
    ("an audience that begins like ours", |t| {
        let audience = format!("{}-and-more", t.claims["aud"].as_str().unwrap_or_default());
        set(t, "aud", json!(audience));
    }),
    ("another authorized party", |t| set(t, "azp", json!("another-client"))),
];

/// It counts no more, not yet, or for ever.
pub(crate) const OUT_OF_ITS_TIME: [Wrong; 6] = [
    ("no exp", |t| drop(t.claims.remove("exp"))),
    ("exp 0", |t| set(t, "exp", json!(0))),
    ("exp long ago", |t| set(t, "exp", json!(1_500_000_000))),
    ("exp is text", |t| set(t, "exp", json!("4102444800"))),
    ("exp beyond all sense", |t| set(t, "exp", json!(u64::MAX))),
    ("issued in the future", |t| set(t, "iat", json!(4_102_444_800_u64))),
];

/// OpenID Connect Core 3.1.3.7: it was made for another sign-in.
pub(crate) const OF_ANOTHER_SIGN_IN: [Wrong; 3] = [
    ("another nonce", |t| set(t, "nonce", json!("another"))),
    ("no nonce", |t| drop(t.claims.remove("nonce"))),
    ("another subject than the access token's", |t| {
        if !t.claims.contains_key("azp") {
            set(t, "sub", json!("somebody else"));
        }
    }),
];
