//! Is this token core's, for this provider, and in force? (contract 8; RFC 7519, RFC 7515,
//! OpenID Connect Core 3.1.3.7.) Keys and the time are arguments.

pub mod keys;
pub mod logout;

mod introspection;
#[cfg(test)]
mod tests;

use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use thiserror::Error;

pub use self::introspection::claims_from_introspection;
pub use self::keys::KeySet;
use crate::claims::Claims;
use crate::crypto::{constant_time_eq, from_base64url};
use crate::provider::Signing;
use crate::time::Timestamp;

/// Longest token that is looked at, in bytes. It travels to the application as a header, where
/// common servers stop far below this; a claim of a megabyte is a mistake in a property mapping.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// Longest validity that is honoured, in seconds (400 days, the longest life browsers give a
/// cookie). A later `exp` is capped: core's administrator may choose any validity, so it is no
/// reason to refuse the user, but no session should outlive its own cookie.
pub const MAX_VALIDITY_SECONDS: i64 = 400 * 24 * 3600;

/// Last second of the year 9999. No issuer means a time beyond it: such a number is milliseconds
/// taken for seconds, or an attempt at an overflow, and is refused.
const LAST_SENSIBLE_TIME: i64 = 253_402_300_799;

/// Longest list of audiences that is looked at.
const MAX_AUDIENCES: usize = 64;

/// What a token must fit.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// `iss`, byte for byte.
    pub issuer: &'a str,
    /// The client id: `aud` must hold it.
    pub audience: &'a str,
    /// Which kind of signature is accepted.
    pub signing: Signing,
    /// The key of [`Signing::ClientSecret`].
    pub client_secret: &'a SecretString,
    /// The keys of [`Signing::KeySet`].
    pub keys: &'a KeySet,
    /// The present.
    pub now: Timestamp,
    /// Tolerance for clocks that differ, in seconds.
    pub leeway: i64,
}

/// Why a token is not accepted. Holds no part of the token but names an operator needs, cut and
/// cleaned.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token has {0} bytes, more than {MAX_TOKEN_BYTES}: a claim of it is too large")]
    TooLarge(usize),
    /// Not a signed JWT, or a claim of the wrong type.
    #[error("the token cannot be read: {0}")]
    Malformed(&'static str),
    /// Not an algorithm that this provider's tokens may use.
    #[error("the token is signed with {0}, which this provider does not use")]
    Algorithm(String),
    /// The key set has no key of this id: it may have been rotated.
    #[error("the key set has no key {0}")]
    UnknownKey(String),
    /// The token names no key, and none in the set fits.
    #[error("the token names no key and the key set has none that fits")]
    NoKey,
    /// The token names no key, and several in the set fit.
    #[error("the token names no key and several in the key set fit")]
    AmbiguousKey,
    /// Nothing to check the signature with.
    #[error("the provider has no client secret")]
    NoSecret,
    /// The signature does not fit.
    #[error("the signature of the token does not fit")]
    Signature,
    /// `iss` is another one.
    #[error("the token is of issuer {found}, not {expected}: core sees another host or scheme")]
    Issuer {
        /// What the token says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// `aud` or `client_id` does not name this provider.
    #[error("the token is for another client")]
    Audience,
    /// `azp` does not name this provider.
    #[error("the token was made for another authorized party")]
    AuthorizedParty,
    /// Past its `exp`.
    #[error("the token has ended")]
    Expired,
    /// Before its `nbf` or `iat`.
    #[error("the token is not valid yet: the clocks of core and this machine differ")]
    NotYetValid,
    /// `nonce` is not that of the sign-in, or the two tokens of an answer are not of one user.
    #[error("the token belongs to another sign-in")]
    OtherSignIn,
    /// A logout token that breaks a rule of its own, or another token in its place.
    #[error("the token is no logout token: {0}")]
    NoLogoutToken(&'static str),
    /// A logout token that was made too long ago.
    #[error("the logout token is too old")]
    TooOld,
    /// Core says the token is not active.
    #[error("core says the token is not active")]
    Inactive,
}

impl TokenError {
    /// Whether another look at the key set may help.
    #[must_use]
    pub const fn wants_new_keys(&self) -> bool {
        matches!(self, Self::UnknownKey(_) | Self::NoKey)
    }
}

/// Checks a token in full and gives its claims. `exp` is capped at [`MAX_VALIDITY_SECONDS`].
///
/// # Errors
/// See [`TokenError`]. After one for which [`TokenError::wants_new_keys`] holds, a caller may
/// fetch the key set again (bounded) and try once more.
pub fn verify(token: &str, expect: &Expectation<'_>) -> Result<Claims, TokenError> {
    let payload = verified_payload(token, expect)?;
    claims_of(payload, expect.now)
}

/// Checks the answer to a code exchange: the access token in full, and the id token, where there
/// is one, in full and with the `nonce` of this sign-in and the same subject. The claims are the
/// access token's.
///
/// Without the `openid` scope there is no id token; the code is then bound by PKCE alone.
///
/// # Errors
/// See [`TokenError`].
pub fn verify_sign_in(
    access_token: &str,
    id_token: Option<&str>,
    expect: &Expectation<'_>,
    nonce: &str,
) -> Result<Claims, TokenError> {
    let claims = verify(access_token, expect)?;
    if let Some(id_token) = id_token {
        let payload = verified_payload(id_token, expect)?;
        let found = payload.get("nonce").and_then(Value::as_str).unwrap_or_default();
        if !constant_time_eq(found.as_bytes(), nonce.as_bytes()) {
            return Err(TokenError::OtherSignIn);
        }
        if claims_of(payload, expect.now)?.sub != claims.sub {
            return Err(TokenError::OtherSignIn);
        }
    }
    Ok(claims)
}

/// Signature, then times, issuer and audience, of a token that is not made for another purpose.
fn verified_payload(
    token: &str,
    expect: &Expectation<'_>,
) -> Result<Map<String, Value>, TokenError> {
    let (header, payload) = signed(token, expect)?;
    if header.is_of_type(logout::TYPE) {
        return Err(TokenError::Malformed("it is a logout token"));
    }
    check_end(&payload, expect.now, expect.leeway)?;
    check_begin(&payload, expect.now, expect.leeway)?;
    check_issuer(&payload, expect.issuer)?;
    check_audience(&payload, expect.audience)?;
    Ok(payload)
}

/// Header and payload of a token whose signature fits. Nothing of the payload is believed before
/// it does.
fn signed(
    token: &str,
    expect: &Expectation<'_>,
) -> Result<(Header, Map<String, Value>), TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLarge(token.len()));
    }
    let (message, signature) =
        token.rsplit_once('.').ok_or(TokenError::Malformed("it has no three parts"))?;
    let (header, payload) =
        message.split_once('.').ok_or(TokenError::Malformed("it has no three parts"))?;
    if payload.contains('.') {
        return Err(TokenError::Malformed("it has no three parts"));
    }
    let header = Header::parse(header)?;
    check_signature(&header, message, signature, expect)?;
    let payload = object(payload).ok_or(TokenError::Malformed("its payload is no JSON object"))?;
    Ok((header, payload))
}

/// The parts of a JOSE header that matter. Keys a token brings along (`jwk`, `jku`, `x5c`) are
/// never looked at.
struct Header {
    algorithm: String,
    key_id: Option<String>,
    /// `typ`; `None` when absent or no text.
    kind: Option<String>,
}

impl Header {
    fn parse(encoded: &str) -> Result<Self, TokenError> {
        let header =
            object(encoded).ok_or(TokenError::Malformed("its header is no JSON object"))?;
        if header.contains_key("crit") {
            return Err(TokenError::Malformed("its header demands an extension (crit)"));
        }
        let algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .ok_or(TokenError::Malformed("its header names no algorithm"))?
            .to_owned();
        let key_id = match header.get("kid") {
            None | Some(Value::Null) => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(TokenError::Malformed("its kid is no text")),
        };
        let kind = header.get("typ").and_then(Value::as_str).map(ToOwned::to_owned);
        Ok(Self { algorithm, key_id, kind })
    }

    /// Whether `typ` is this media type, with or without `application/` (RFC 7515 4.1.9).
    fn is_of_type(&self, wanted: &str) -> bool {
        let Some(kind) = self.kind.as_deref() else { return false };
        let prefix = "application/";
        let short = match kind.get(..prefix.len()) {
            Some(start) if start.eq_ignore_ascii_case(prefix) => &kind[prefix.len()..],
            _ => kind,
        };
        short.eq_ignore_ascii_case(wanted)
    }
}

/// The provider's kind of signature decides which algorithms exist at all, so that neither
/// `none` nor a public key taken for an HMAC key can come into play.
fn check_signature(
    header: &Header,
    message: &str,
    signature: &str,
    expect: &Expectation<'_>,
) -> Result<(), TokenError> {
    let refused = || TokenError::Algorithm(shown(&header.algorithm));
    let fits = |key: &DecodingKey, algorithm| {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false)
    };
    let good = match expect.signing {
        Signing::ClientSecret => {
            if header.algorithm != "HS256" {
                return Err(refused());
            }
            let secret = expect.client_secret.expose_secret().as_bytes();
            if secret.is_empty() {
                // Anybody can sign with an empty key.
                return Err(TokenError::NoSecret);
            }
            fits(&DecodingKey::from_secret(secret), Algorithm::HS256)
        }
        Signing::KeySet => {
            let algorithm = keys::asymmetric(&header.algorithm).ok_or_else(refused)?;
            let candidates = expect.keys.candidates(algorithm, header.key_id.as_deref())?;
            candidates.into_iter().any(|key| fits(key, algorithm))
        }
    };
    if good { Ok(()) } else { Err(TokenError::Signature) }
}

fn check_end(payload: &Map<String, Value>, now: Timestamp, leeway: i64) -> Result<(), TokenError> {
    let exp = time(payload, "exp")?.ok_or(TokenError::Malformed("it has no exp"))?;
    if now >= exp.plus(leeway) {
        return Err(TokenError::Expired);
    }
    Ok(())
}

fn check_begin(
    payload: &Map<String, Value>,
    now: Timestamp,
    leeway: i64,
) -> Result<(), TokenError> {
    for claim in ["nbf", "iat"] {
        if time(payload, claim)?.is_some_and(|begin| begin > now.plus(leeway)) {
            return Err(TokenError::NotYetValid);
        }
    }
    Ok(())
}

/// A time claim: whole seconds between 1970 and 9999.
fn time(
    payload: &Map<String, Value>,
    claim: &'static str,
) -> Result<Option<Timestamp>, TokenError> {
    match payload.get(claim) {
        None => Ok(None),
        Some(value) => value
            .as_i64()
            .filter(|seconds| (0..=LAST_SENSIBLE_TIME).contains(seconds))
            .map(|seconds| Some(Timestamp(seconds)))
            .ok_or(TokenError::Malformed("exp, nbf or iat is no sensible number of seconds")),
    }
}

fn check_issuer(payload: &Map<String, Value>, expected: &str) -> Result<(), TokenError> {
    let found = payload.get("iss").and_then(Value::as_str).unwrap_or_default();
    if found == expected && !expected.is_empty() {
        return Ok(());
    }
    Err(TokenError::Issuer { found: shown(found), expected: shown(expected) })
}

fn check_audience(payload: &Map<String, Value>, client_id: &str) -> Result<(), TokenError> {
    let several = match payload.get("aud") {
        Some(Value::String(audience)) if audience == client_id => false,
        Some(Value::Array(audiences)) if audiences.len() <= MAX_AUDIENCES => {
            if !audiences.iter().all(Value::is_string) {
                return Err(TokenError::Malformed("its aud is no list of texts"));
            }
            if !audiences.iter().any(|audience| audience.as_str() == Some(client_id)) {
                return Err(TokenError::Audience);
            }
            audiences.len() > 1
        }
        _ => return Err(TokenError::Audience),
    };
    if client_id.is_empty() {
        return Err(TokenError::Audience);
    }
    match payload.get("azp") {
        None | Some(Value::Null) if !several => Ok(()),
        Some(Value::String(party)) if party == client_id => Ok(()),
        _ => Err(TokenError::AuthorizedParty),
    }
}

fn claims_of(payload: Map<String, Value>, now: Timestamp) -> Result<Claims, TokenError> {
    let mut claims: Claims = serde_json::from_value(Value::Object(payload))
        .map_err(|_| TokenError::Malformed("its claims make no sense"))?;
    if claims.sub.is_empty() {
        return Err(TokenError::Malformed("it has no sub"));
    }
    claims.exp = claims.exp.min(now.plus(MAX_VALIDITY_SECONDS).0);
    Ok(claims)
}

fn object(encoded: &str) -> Option<Map<String, Value>> {
    match serde_json::from_slice(&from_base64url(encoded)?) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

/// Text of a token as it may stand in a message: short and without control characters.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
