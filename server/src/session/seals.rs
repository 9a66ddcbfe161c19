//! What sessions are sealed with beside their cookie: a secret of their provider, which the session
//! store does not have. Whoever can write to the store, and makes up a cookie, can still not make up
//! the session that belongs to it.

use std::collections::HashMap;
use std::fmt;

use arc_swap::ArcSwap;
use outpost_decision::crypto;
use outpost_decision::time::Timestamp;

use super::id::SessionId;
use super::record::{Record, Session};
use super::store::StoreError;

/// A provider's part of the key that its sessions are sealed under. Does not print.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealSecret([u8; 32]);

impl SealSecret {
    /// From the provider's cookie secret, which core gives to every replica and to nobody else.
    #[must_use]
    pub fn of(cookie_secret: &str) -> Self {
        Self(crypto::derive(cookie_secret.as_bytes(), "outpost session provider v1"))
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SealSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealSecret(..)")
    }
}

/// The secrets of all providers, by their keys in core.
#[derive(Debug, Default)]
pub(super) struct Seals {
    known: ArcSwap<HashMap<i64, SealSecret>>,
}

impl Seals {
    /// Seals a session, last used at `seen`, for the store.
    ///
    /// # Errors
    /// When its provider is not served here, or it cannot be sealed: the store cannot have it.
    pub(super) fn seal(
        &self,
        session: &Session,
        id: &SessionId,
        seen: Timestamp,
    ) -> Result<Record, StoreError> {
        let provider = session.about.provider;
        let secret = self.get(provider);
        let secret =
            secret.ok_or_else(|| StoreError::Unavailable(format!("no provider {provider}")))?;
        let sealed = session.seal(id, &secret, seen);
        sealed.map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    /// The secret of a provider, unless it is not served here.
    pub(super) fn get(&self, provider: i64) -> Option<SealSecret> {
        self.known.load().get(&provider).copied()
    }

    /// From now on these count; gives the providers whose secret was another or is gone.
    pub(super) fn replace(&self, secrets: HashMap<i64, SealSecret>) -> Vec<i64> {
        let before = self.known.load_full();
        let changed = before.iter().filter(|(pk, secret)| secrets.get(pk) != Some(secret));
        let changed = changed.map(|(pk, _)| *pk).collect();
        if *before != secrets {
            self.known.store(secrets.into());
        }
        changed
    }
}
