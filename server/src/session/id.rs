//! What a session cookie holds, and what is derived from it.

use std::fmt;
use std::hash::Hasher;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use outpost_decision::crypto;

use super::seals::SealSecret;
use super::store::StoreError;
use crate::randomness;

/// The secret that a session cookie holds: 256 random bits. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId([u8; 32]);

impl SessionId {
    /// A new random id.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random() -> Result<Self, StoreError> {
        Ok(Self(randomness::bytes()?))
    }

    /// An id from bytes kept elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret itself, to be kept sealed.
    #[must_use]
    pub const fn secret_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a cookie's value; anything but 43 base64url characters is `None`.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        if value.len() != 43 {
            return None;
        }
        // One byte more than there are: as many as so many characters may be.
        let mut bytes = [0; 33];
        let length = URL_SAFE_NO_PAD.decode_slice(value, &mut bytes).ok()?;
        bytes[..length].try_into().ok().map(Self)
    }

    /// The cookie's value.
    #[must_use]
    pub fn cookie_value(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The key under which the store keeps the session: a hash, so that a look into the store
    /// signs nobody in.
    #[must_use]
    pub fn key(&self) -> SessionKey {
        const LABEL: &[u8] = b"outpost session key v1\0";
        let mut labelled = [0; LABEL.len() + 32];
        labelled[..LABEL.len()].copy_from_slice(LABEL);
        labelled[LABEL.len()..].copy_from_slice(&self.0);
        SessionKey(crypto::sha256(&labelled))
    }

    /// The key that the session's payload is sealed under. Only the cookie and its provider's
    /// secret together lead to it.
    #[must_use]
    pub(super) fn sealing_key(&self, secret: &SealSecret) -> [u8; 32] {
        let mut both = [0; 64];
        both[..32].copy_from_slice(&self.0);
        both[32..].copy_from_slice(secret.bytes());
        crypto::derive(&both, "outpost session seal v2")
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// Key of a session in the store. Not a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(pub [u8; 32]);

impl SessionKey {
    /// Reads what [`fmt::Display`] writes: 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode(text).ok()?.try_into().ok().map(Self)
    }
}

/// For tables of keys of sessions that there are: keys are hashes themselves, of which this is a part.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PartOfKey(u64);

impl Hasher for PartOfKey {
    fn write(&mut self, key: &[u8]) {
        if let Some(part) = key.last_chunk() {
            self.0 = u64::from_le_bytes(*part);
        }
    }

    fn write_usize(&mut self, _: usize) {
        // The length, which all have in common.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({})", hex::encode(&self.0[..4]))
    }
}
