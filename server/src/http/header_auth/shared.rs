//! Results of header authentication that all replicas share, in the session store.
//!
//! Nobody who reads the store learns a header, or can guess one by trying: names and seals hang on
//! the provider's cookie secret, and the seal on the header itself.

use std::time::Duration;

use outpost_decision::crypto;
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::session::header_cache::HeaderKey;
use crate::session::record::{open, seal};
use crate::session::{SessionId, Sessions, StoreError};

/// What core said, as replicas tell each other. A field may be added; nothing that is not
/// understood is believed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub(super) enum Shared {
    /// Accepted, and kept as the session of this id.
    Accepted {
        /// The session's id, in hexadecimal digits.
        id: String,
        /// Until when core need not be asked again.
        until: Timestamp,
    },
    /// Refused, and why.
    Rejected {
        /// For people.
        message: String,
        /// Until when core need not be asked again.
        until: Timestamp,
    },
}

impl Shared {
    /// An accepted header.
    pub(super) fn accepted(id: &SessionId, until: Timestamp) -> Self {
        Self::Accepted { id: hex::encode(id.secret_bytes()), until }
    }
}

/// Where the result of one header at one provider is kept, and under which key.
#[derive(Clone)]
pub(super) struct Place {
    name: String,
    key: [u8; 32],
}

impl Place {
    /// Of the header whose hash is `header`.
    pub(super) fn new(provider: &Provider, header: &HeaderKey) -> Self {
        let secret = provider.cookie_secret.expose_secret().as_bytes();
        let value = |label| crypto::hmac_sha256(&crypto::derive(secret, label), &[&header.0]);
        Self {
            name: format!("header/{}", hex::encode(value("header result name"))),
            key: value("header result seal"),
        }
    }

    /// What is known. `None` as well when it cannot be opened: it is not of ours then.
    pub(super) async fn read(
        &self,
        sessions: &Sessions,
        now: Timestamp,
    ) -> Result<Option<Shared>, StoreError> {
        let sealed = sessions.values().read(&self.name, now).await?;
        Ok(sealed.and_then(|sealed| {
            let opened = open(&self.key, self.name.as_bytes(), &sealed).ok()?;
            serde_json::from_slice(&opened).ok()
        }))
    }

    /// Tells the other replicas. What does not arrive costs a question to core.
    pub(super) async fn write(
        &self,
        sessions: &Sessions,
        shared: &Shared,
        lasting: Duration,
        now: Timestamp,
    ) {
        let Ok(text) = serde_json::to_vec(shared) else { return };
        let Ok(sealed) = seal(&self.key, self.name.as_bytes(), text) else { return };
        let written =
            sessions.values().write(&self.name, Some(sealed.into()), Some(lasting), now).await;
        if let Err(error) = written {
            tracing::debug!(%error, "a result of header authentication is not shared");
        }
    }
}

/// Reads the id that an accepted header is kept under.
pub(super) fn session_id(hexadecimal: &str) -> Option<SessionId> {
    hex::decode(hexadecimal).ok()?.try_into().ok().map(SessionId::from_bytes)
}
