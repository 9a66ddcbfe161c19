//! Last known good: what core last said, kept in the session store, so that an outpost that
//! starts while core is away serves.
//!
//! The value is a line of JSON in the clear, which says the version and when core said it, and
//! then the contents, sealed (AES-256-GCM) with that line as associated data. Key and name are
//! derived from `AUTHENTIK_TOKEN`: several outposts can share a store, none can read what another
//! one kept, and a rotated token finds nothing. Whoever can write to the store can put back an
//! older value of this outpost's, but none older than [`LIFETIME`].

pub(super) mod contents;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outpost_decision::crypto::{derive, sha256};
use outpost_decision::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use self::contents::ToKeep;
use crate::session::{Sessions, StoreError, record};

/// Version that is written. It changes when an older reader would get it wrong.
const VERSION: u8 = 1;

/// How long a kept configuration lasts: 90 days after core last confirmed it.
const LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// What has not changed is written anew this many seconds (an hour) after it was, so that it
/// lasts, and so that its age is known to the hour.
const RENEW_AFTER: i64 = 60 * 60;

/// Bytes of the token's hash in the value's name.
const NAME: usize = 16;

/// Where this outpost keeps what core said.
pub(super) struct LastGood {
    sessions: Sessions,
    pub(super) name: String,
    key: [u8; 32],
    known: Mutex<Option<Known>>,
}

/// What this process knows to stand in the store.
#[derive(Clone, Copy)]
struct Known {
    digest: [u8; 32],
    at: Timestamp,
}

/// A configuration that was kept.
pub(super) struct Kept {
    /// When core said it.
    pub(super) at: Timestamp,
    /// What it said; see [`contents`].
    pub(super) contents: Value,
}

/// Why there is no kept configuration to serve.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum NoneKept {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("nothing is kept for this outpost and its token")]
    Nothing,
    #[error("it is of version {0}: another version of this program has written it")]
    Version(u8),
    #[error("core said it more than 90 days ago")]
    TooOld,
    #[error("it was altered, or sealed under another token")]
    Sealed,
    #[error("it does not make sense")]
    Malformed,
}

/// The part in the clear.
#[derive(Serialize, Deserialize)]
struct Clear {
    v: u8,
    at: Timestamp,
}

impl LastGood {
    /// What is kept beside `sessions` for the outpost of this token.
    pub(super) fn new(sessions: Sessions, token: &SecretString) -> Self {
        let token = token.expose_secret().as_bytes();
        let hash = derive(token, "outpost last known good: name");
        Self {
            sessions,
            name: format!("last-good/{}", hex::encode(&hash[..NAME])),
            key: derive(token, "outpost last known good: key"),
            known: Mutex::new(None),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was kept.
    ///
    /// # Errors
    /// See [`NoneKept`].
    pub(super) async fn load(&self, now: Timestamp) -> Result<Kept, NoneKept> {
        let value = self.sessions.values().read(&self.name, now).await?;
        self.open(&value.ok_or(NoneKept::Nothing)?, now)
    }

    /// Keeps what core said at `now`, unless the same is kept already.
    ///
    /// # Errors
    /// When the store cannot.
    pub(super) async fn keep(&self, said: ToKeep, now: Timestamp) -> Result<(), StoreError> {
        let ToKeep { mut contents, unknown_certificates } = said;
        let digest = sha256(&bytes(&contents)?);
        let lasts = |at: Timestamp| at.seconds_until(now) < RENEW_AFTER;
        if self.known().is_some_and(|known| known.digest == digest && lasts(known.at)) {
            return Ok(());
        }
        let values = self.sessions.values();
        let standing = values.read(&self.name, now).await?;
        let kept = standing.as_ref().and_then(|value| self.open(value, now).ok());
        if let Some(kept) = &kept {
            contents::carry_over(&kept.contents, &mut contents, &unknown_certificates);
        }
        // Another replica may have kept the same.
        let at = match kept {
            Some(kept) if kept.contents == contents && lasts(kept.at) => kept.at,
            _ => {
                let sealed = self.seal(&contents, now)?.into();
                let expected = standing.as_deref();
                if !values.swap(&self.name, expected, Some(sealed), Some(LIFETIME), now).await? {
                    // Another replica was faster; the next refresh looks who is right.
                    return Ok(());
                }
                now
            }
        };
        *self.known() = Some(Known { digest, at });
        Ok(())
    }

    fn seal(&self, contents: &Value, at: Timestamp) -> Result<Vec<u8>, StoreError> {
        let mut value = bytes(&Clear { v: VERSION, at })?;
        let sealed = record::seal(&self.key, &value, bytes(contents)?).map_err(unsealable)?;
        value.push(b'\n');
        value.extend(sealed);
        Ok(value)
    }

    fn open(&self, value: &[u8], now: Timestamp) -> Result<Kept, NoneKept> {
        let end = value.iter().position(|byte| *byte == b'\n').ok_or(NoneKept::Malformed)?;
        let (clear, sealed) = (&value[..end], &value[end + 1..]);
        let Clear { v, at } = serde_json::from_slice(clear).map_err(|_| NoneKept::Malformed)?;
        if v != VERSION {
            return Err(NoneKept::Version(v));
        }
        let contents = record::open(&self.key, clear, sealed).map_err(|_| NoneKept::Sealed)?;
        if Duration::from_secs(at.seconds_until(now).unsigned_abs()) > LIFETIME {
            return Err(NoneKept::TooOld);
        }
        let contents = serde_json::from_slice(&contents).map_err(|_| NoneKept::Malformed)?;
        Ok(Kept { at, contents })
    }
}

/// Shows no key.
impl fmt::Debug for LastGood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastGood").field("name", &self.name).finish_non_exhaustive()
    }
}

fn bytes(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(unsealable)
}

fn unsealable(error: impl fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("the configuration cannot be sealed for it: {error}"))
}
