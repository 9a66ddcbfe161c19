//! The `state` parameter: a JWT signed with the provider's cookie secret, carrying what must
//! survive the way through core.

use std::fmt;

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{flow_cookie_name, flow_value};
use crate::crypto::{base64url, constant_time_eq, from_base64url, hmac_sha256};
use crate::provider::Provider;
use crate::time::Timestamp;

/// Longest state that is looked at, in bytes.
const MAX_STATE_BYTES: usize = 16 * 1024;

/// Base64url of `{"alg":"HS256","typ":"JWT"}`. A state is ours, so its header is exactly this.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// What a state says, its signature and issuer checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRecord {
    /// Id of the flow.
    pub flow: [u8; 16],
    /// Where to go after signing in. It was safe when the flow began; configurations change, so
    /// it must be found safe again.
    pub return_to: String,
    /// How many flows towards this target have failed before this one.
    pub tries: u8,
    /// When the flow began.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    pub(super) binding_hash: [u8; 32],
}

/// Why a state is not accepted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StateError {
    /// Not a state of an outpost.
    #[error("the state cannot be read")]
    Malformed,
    /// Not signed with this provider's cookie secret.
    #[error("the signature of the state does not fit: it is another provider's, or forged")]
    BadSignature,
    /// Signed with the same secret for another client.
    #[error("the state is of another client")]
    WrongIssuer,
    /// Ours and past its end. The record is good for starting over.
    #[error("the state has expired")]
    Expired(Box<StateRecord>),
}

#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    iat: i64,
    exp: i64,
    /// Flow id.
    fid: String,
    /// Hash of the binding value.
    bnd: String,
    /// Return target.
    rd: String,
    /// Tries so far.
    #[serde(rename = "try")]
    tries: u8,
}

/// Both halves of a flow: the id from the state and the binding value from the browser's cookie.
/// Whoever has one has shown that the browser that comes back is the one that was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct FlowProof {
    pub(super) id: [u8; 16],
    pub(super) binding: [u8; 16],
}

impl FlowProof {
    /// The PKCE verifier (43 characters).
    #[must_use]
    pub fn pkce_verifier(&self, provider: &Provider) -> String {
        base64url(&self.value(provider, "outpost flow pkce v1"))
    }

    /// The nonce that the id token must carry.
    #[must_use]
    pub fn nonce(&self, provider: &Provider) -> String {
        base64url(&self.value(provider, "outpost flow nonce v1"))
    }

    pub(super) fn binding_hash(&self, secret: &[u8]) -> [u8; 32] {
        flow_value(secret, "outpost flow binding v1", &self.id, &self.binding)
    }

    fn value(&self, provider: &Provider, label: &str) -> [u8; 32] {
        let secret = provider.cookie_secret.expose_secret().as_bytes();
        flow_value(secret, label, &self.id, &self.binding)
    }
}

impl fmt::Debug for FlowProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowProof(..)")
    }
}

impl StateRecord {
    /// Name of the cookie that binds this flow.
    #[must_use]
    pub fn cookie_name(&self, provider: &Provider) -> String {
        flow_cookie_name(provider, &self.flow)
    }

    /// Whether `cookie_value` is what this flow's browser was given.
    #[must_use]
    pub fn proof(&self, provider: &Provider, cookie_value: &str) -> Option<FlowProof> {
        if cookie_value.len() != 22 {
            return None;
        }
        let binding = from_base64url(cookie_value)?.try_into().ok()?;
        let proof = FlowProof { id: self.flow, binding };
        let secret = provider.cookie_secret.expose_secret().as_bytes();
        constant_time_eq(&proof.binding_hash(secret), &self.binding_hash).then_some(proof)
    }
}

/// The issuer of states (contract 8).
fn issuer(provider: &Provider) -> String {
    format!("goauthentik.io/outpost/{}", provider.client_id)
}

/// Signs a record.
pub(super) fn sign(provider: &Provider, record: &StateRecord) -> String {
    let payload = Payload {
        iss: issuer(provider),
        iat: record.issued.0,
        exp: record.expires.0,
        fid: base64url(&record.flow),
        bnd: base64url(&record.binding_hash),
        rd: record.return_to.clone(),
        tries: record.tries,
    };
    // Texts and numbers only: this serialisation has no way to fail.
    let payload = serde_json::to_vec(&payload).unwrap_or_default();
    let message = format!("{HEADER}.{}", base64url(&payload));
    let signature = base64url(&signature(provider, &message));
    format!("{message}.{signature}")
}

/// Reads a state that came back.
///
/// # Errors
/// See [`StateError`].
pub fn read_state(
    provider: &Provider,
    state: &str,
    now: Timestamp,
) -> Result<StateRecord, StateError> {
    if state.len() > MAX_STATE_BYTES {
        return Err(StateError::Malformed);
    }
    let (message, given) = state.rsplit_once('.').ok_or(StateError::Malformed)?;
    let payload = message
        .strip_prefix(HEADER)
        .and_then(|rest| rest.strip_prefix('.'))
        .ok_or(StateError::Malformed)?;
    let given = from_base64url(given).ok_or(StateError::Malformed)?;
    // Anybody can sign with an empty key.
    if provider.cookie_secret.expose_secret().is_empty()
        || !constant_time_eq(&given, &signature(provider, message))
    {
        return Err(StateError::BadSignature);
    }
    let payload: Payload = from_base64url(payload)
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or(StateError::Malformed)?;
    if payload.iss != issuer(provider) {
        return Err(StateError::WrongIssuer);
    }
    let record = StateRecord {
        flow: fixed(&payload.fid)?,
        return_to: payload.rd,
        tries: payload.tries,
        issued: Timestamp(payload.iat),
        expires: Timestamp(payload.exp),
        binding_hash: fixed(&payload.bnd)?,
    };
    if now >= record.expires {
        return Err(StateError::Expired(Box::new(record)));
    }
    Ok(record)
}

fn signature(provider: &Provider, message: &str) -> [u8; 32] {
    hmac_sha256(provider.cookie_secret.expose_secret().as_bytes(), &[message.as_bytes()])
}

fn fixed<const N: usize>(text: &str) -> Result<[u8; N], StateError> {
    from_base64url(text).and_then(|bytes| bytes.try_into().ok()).ok_or(StateError::Malformed)
}
