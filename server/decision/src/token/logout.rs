//! Logout tokens: core says that sessions have ended (OpenID Connect Back-Channel Logout 1.0,
//! sections 2.4 and 2.6).

use serde_json::{Map, Value};

use super::{
    Expectation, TokenError, check_audience, check_begin, check_end, check_issuer, signed, time,
};
use crate::crypto::sha256;
use crate::time::Timestamp;

/// The media type that explicit typing gives these tokens (section 2.4).
pub(super) const TYPE: &str = "logout+jwt";

/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How old a logout token may be by its `iat`, in seconds. The standard recommends an `exp` of at
/// most two minutes; core makes a new token for each attempt. Bounds how long a token must be
/// remembered, and stands in for the `exp` that authentik left out before 2025.8.2.
pub const MAX_AGE_SECONDS: i64 = 300;

/// Longest `jti`, `sid` or `sub`, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// A logout token that may be acted upon, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// Whose sessions have ended.
    pub ended: Ended,
    /// Tells this token from every other: a hash of client and `jti`, in hexadecimal digits.
    pub id: String,
    /// From this moment on the token is refused for its age, and need not be remembered.
    pub forget_after: Timestamp,
}

/// What has ended at core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// One session of core, by its `sid`.
    Session(String),
    /// All sessions of a subject: the token has no `sid`.
    Subject(String),
}

/// Checks a logout token in full: signature, issuer and audience as of an access token, then what
/// the standard demands of these. Whether it was used before is for the caller to look up.
///
/// # Errors
/// See [`TokenError`]; [`TokenError::wants_new_keys`] holds as for other tokens.
pub fn verify(token: &str, expect: &Expectation<'_>) -> Result<LogoutToken, TokenError> {
    let (header, payload) = signed(token, expect)?;
    // Plain `JWT` is what libraries write who know of no types; the event tells what it is.
    let untyped = header.kind.is_none() || header.is_of_type("JWT");
    if !untyped && !header.is_of_type(TYPE) {
        return Err(TokenError::NoLogoutToken("its typ is another"));
    }
    if payload.contains_key("exp") {
        check_end(&payload, expect.now, expect.leeway)?;
    }
    check_begin(&payload, expect.now, expect.leeway)?;
    let made = time(&payload, "iat")?.ok_or(TokenError::NoLogoutToken("it has no iat"))?;
    let forget_after = made.plus(MAX_AGE_SECONDS + expect.leeway);
    if expect.now >= forget_after {
        return Err(TokenError::TooOld);
    }
    check_issuer(&payload, expect.issuer)?;
    check_audience(&payload, expect.audience)?;
    let says_logout = payload
        .get("events")
        .and_then(Value::as_object)
        .is_some_and(|events| events.get(EVENT).is_some_and(Value::is_object));
    if !says_logout {
        return Err(TokenError::NoLogoutToken("its events do not tell of a logout"));
    }
    if payload.contains_key("nonce") {
        return Err(TokenError::NoLogoutToken("it has a nonce, as id tokens have"));
    }
    let jti = name(&payload, "jti")?.ok_or(TokenError::NoLogoutToken("it has no jti"))?;
    let ended = match (name(&payload, "sid")?, name(&payload, "sub")?) {
        (Some(sid), _) => Ended::Session(sid.to_owned()),
        (None, Some(sub)) => Ended::Subject(sub.to_owned()),
        (None, None) => return Err(TokenError::NoLogoutToken("it has neither sid nor sub")),
    };
    let id = hex::encode(sha256(format!("{}\0{jti}", expect.audience).as_bytes()));
    Ok(LogoutToken { ended, id, forget_after })
}

/// A claim that names something: text, not empty. `None` when it is absent.
fn name<'a>(
    payload: &'a Map<String, Value>,
    claim: &'static str,
) -> Result<Option<&'a str>, TokenError> {
    match payload.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) if (1..=MAX_NAME_BYTES).contains(&text.len()) => Ok(Some(text)),
        Some(_) => Err(TokenError::NoLogoutToken("its jti, sid or sub is no name")),
    }
}
