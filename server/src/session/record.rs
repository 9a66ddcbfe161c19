//! A session, and the form in which stores keep it: a part in the clear, which revocation and
//! operators need, and a payload that only the holder of the cookie can open.
//!
//! Both carry a version. A newer outpost may add fields to either; an older one beside it ignores
//! them, so that replicas of two versions share a store during an upgrade.

use std::net::IpAddr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::Bytes;
use outpost_decision::claims::Claims;
use outpost_decision::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::id::SessionId;
use super::seals::SealSecret;
use crate::randomness;

/// Version of the clear part that is written.
const CLEAR_VERSION: u8 = 1;

/// How the clear part begins that is written.
const AS_WRITTEN: &[u8] = b"{\"v\":1,";

/// Version of the payload that is written; its first byte.
const SEALED_VERSION: u8 = 2;

/// Bytes of the nonce behind the version.
const NONCE: usize = 12;

/// How a session came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Somebody signed in with a browser.
    SignIn,
    /// An `Authorization` header was accepted; it must not reach the application.
    Header,
}

/// A session: an identity at one provider, until its token ends.
#[derive(Debug)]
pub struct Session {
    /// What operators see and revocation needs. Holds no token.
    pub about: SessionAbout,
    /// Who it is.
    pub claims: Claims,
    /// The raw access token.
    pub token: SecretString,
    /// What the session can be renewed with, where core gave one.
    pub refresh_token: Option<SecretString>,
    /// Counts the versions of this session; the first is 0.
    pub generation: u64,
}

/// The part of a session that may be shown to operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionAbout {
    /// Key of the provider in core.
    #[serde(rename = "p")]
    pub provider: i64,
    /// Subject.
    #[serde(rename = "s")]
    pub sub: String,
    /// User name.
    #[serde(rename = "u")]
    pub user: String,
    /// Core's session, absent for client credentials.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// How it came to be.
    #[serde(rename = "o")]
    pub origin: Origin,
    /// When it came to be.
    #[serde(rename = "b")]
    pub created: Timestamp,
    /// When it ends, whatever the cookie says: the token's `exp`, or earlier by `ends_by`.
    #[serde(rename = "e")]
    pub expires: Timestamp,
    /// The longest that renewals may stretch it, where the settings limit that.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub ends_by: Option<Timestamp>,
    /// Seconds without a request after which it ends, where the settings say so.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<i64>,
    /// When core last vouched for it: at sign-in, renewal or re-check.
    #[serde(rename = "t")]
    pub verified: Timestamp,
    /// Address it was begun from.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub client_address: Option<IpAddr>,
    /// User agent it was begun with, cut to 200 bytes.
    #[serde(rename = "g", default, skip_serializing_if = "str::is_empty")]
    pub user_agent: Box<str>,
}

impl SessionAbout {
    /// The address it was begun from; IPv4 within IPv6 is IPv4.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.client_address.map(|address| address.to_canonical())
    }

    /// When it ends if it is used last at `seen`, `None` without an idle limit.
    #[must_use]
    pub fn idle_until(&self, seen: Timestamp) -> Option<Timestamp> {
        self.idle_seconds.map(|seconds| seen.plus(seconds))
    }
}

/// A session as stores keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The clear part, read.
    pub about: SessionAbout,
    /// The clear part exactly as it was sealed against; stores keep these bytes.
    pub clear: Bytes,
    /// The payload.
    pub sealed: Bytes,
    /// Counts the versions of the session.
    pub generation: u64,
    /// When it was last used, as far as the store has been told.
    pub seen: Timestamp,
}

/// Why what a store gave is no session.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RecordError {
    /// The clear part is not what any version writes.
    #[error("its clear part cannot be read")]
    Clear,
    /// The payload is of a version that is not known here.
    #[error("its payload is of another version")]
    Version,
    /// The payload does not open under the cookie's key, or not together with this clear part.
    #[error("its payload does not belong to the cookie, or was altered")]
    Sealed,
    /// No randomness, or a claim that cannot be written.
    #[error("it cannot be sealed")]
    Sealing,
}

#[derive(Serialize)]
struct Clear<'a> {
    v: u8,
    #[serde(flatten)]
    about: &'a SessionAbout,
}

#[derive(Deserialize)]
struct Version {
    v: u8,
}

#[derive(Serialize)]
struct Payload<'a> {
    claims: &'a Claims,
    token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<&'a str>,
}

#[derive(Deserialize)]
struct OpenPayload {
    claims: Claims,
    token: SecretString,
    #[serde(default)]
    refresh: Option<SecretString>,
}

impl Session {
    /// A copy that counts as its next version, to be changed and kept by
    /// [`Sessions::replace`](super::Sessions::replace).
    #[must_use]
    pub fn next_version(&self) -> Self {
        Self {
            about: self.about.clone(),
            claims: self.claims.clone(),
            token: self.token.clone(),
            refresh_token: self.refresh_token.clone(),
            generation: self.generation.saturating_add(1),
        }
    }

    /// Seals it for the store, under the key that only the cookie and the provider's secret
    /// together lead to.
    ///
    /// # Errors
    /// [`RecordError::Sealing`].
    pub fn seal(
        &self,
        id: &SessionId,
        secret: &SealSecret,
        seen: Timestamp,
    ) -> Result<Record, RecordError> {
        let clear = serde_json::to_vec(&Clear { v: CLEAR_VERSION, about: &self.about })
            .map_err(|_| RecordError::Sealing)?;
        let payload = Payload {
            claims: &self.claims,
            token: self.token.expose_secret(),
            refresh: self.refresh_token.as_ref().map(ExposeSecret::expose_secret),
        };
        let payload = serde_json::to_vec(&payload).map_err(|_| RecordError::Sealing)?;
        let sealed = seal(&id.sealing_key(secret), &clear, payload)?;
        Ok(Record {
            about: self.about.clone(),
            clear: clear.into(),
            sealed: sealed.into(),
            generation: self.generation,
            seen,
        })
    }
}

impl Record {
    /// A record from what a store kept of it.
    ///
    /// # Errors
    /// [`RecordError::Clear`].
    pub fn read(
        clear: Bytes,
        sealed: Bytes,
        generation: u64,
        seen: Timestamp,
    ) -> Result<Self, RecordError> {
        // It changes only when an older reader would get a newer record wrong. Nearly always it is
        // what is written here, at its place: then it need not be looked for.
        if !clear.starts_with(AS_WRITTEN) {
            let Version { v } = serde_json::from_slice(&clear).map_err(|_| RecordError::Clear)?;
            if v != CLEAR_VERSION {
                return Err(RecordError::Clear);
            }
        }
        let about = serde_json::from_slice(&clear).map_err(|_| RecordError::Clear)?;
        Ok(Self { about, clear, sealed, generation, seen })
    }

    /// Opens it with the cookie and the secret of the provider that its clear part names.
    ///
    /// # Errors
    /// [`RecordError::Version`], [`RecordError::Sealed`].
    pub fn open(&self, id: &SessionId, secret: &SealSecret) -> Result<Session, RecordError> {
        let payload = open(&id.sealing_key(secret), &self.clear, &self.sealed)?;
        let payload: OpenPayload =
            serde_json::from_slice(&payload).map_err(|_| RecordError::Version)?;
        Ok(Session {
            about: self.about.clone(),
            claims: payload.claims,
            token: payload.token,
            refresh_token: payload.refresh,
            generation: self.generation,
        })
    }

    /// Whether the session is over by `now`: its token has ended, or nobody used it for too long.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.deadline() <= now
    }

    /// When it ends if nobody uses it any more.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        let expires = self.about.expires;
        self.about.idle_until(self.seen).map_or(expires, |idle| idle.min(expires))
    }
}

/// Seals `payload` under `key`, bound to `clear`: the version, a random nonce, the ciphertext
/// with its tag (AES-256-GCM).
///
/// # Errors
/// [`RecordError::Sealing`].
pub fn seal(key: &[u8; 32], clear: &[u8], mut payload: Vec<u8>) -> Result<Vec<u8>, RecordError> {
    let key = cipher(key)?;
    let nonce = randomness::bytes::<NONCE>().map_err(|_| RecordError::Sealing)?;
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(clear),
        &mut payload,
    )
    .map_err(|_| RecordError::Sealing)?;
    let mut sealed = Vec::with_capacity(1 + NONCE + payload.len());
    sealed.push(SEALED_VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&payload);
    Ok(sealed)
}

/// Opens what [`seal`] sealed.
///
/// # Errors
/// [`RecordError::Version`], [`RecordError::Sealed`].
pub fn open(key: &[u8; 32], clear: &[u8], sealed: &[u8]) -> Result<Vec<u8>, RecordError> {
    let (&version, rest) = sealed.split_first().ok_or(RecordError::Sealed)?;
    if version != SEALED_VERSION {
        return Err(RecordError::Version);
    }
    let (nonce, ciphertext) = rest.split_at_checked(NONCE).ok_or(RecordError::Sealed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| RecordError::Sealed)?;
    let mut payload = ciphertext.to_vec();
    let length = cipher(key)?
        .open_in_place(nonce, Aad::from(clear), &mut payload)
        .map_err(|_| RecordError::Sealed)?
        .len();
    payload.truncate(length);
    Ok(payload)
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey, RecordError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| RecordError::Sealing)
}

#[cfg(test)]
mod tests;
