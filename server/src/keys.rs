//! Key sets that tokens are checked with, as requests see them.
//!
//! The `keys` actor fetches and publishes; requests read. A request that meets an unknown `kid`
//! asks for a fetch through [`KeyRequests`] and waits for the *publication*, for a bounded time:
//! never for the actor's mailbox. Fetches of one key set are single-flight and rate-bounded, so a
//! flood of unknown `kid`s costs core next to nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use outpost_decision::provider::{BackChannel, Provider, Signing};
use outpost_decision::time::Timestamp;
use outpost_decision::token::KeySet;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::Instant;
use url::Url;

use crate::publish::Published;

/// How many requests may ask for a fetch before the actor has looked. More is no loss: whoever
/// finds the queue full waits for the fetch that those in it cause.
const QUEUE: usize = 256;

/// Where a key set is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEndpoint {
    /// Its URL; also the name of the key set.
    pub url: Url,
    /// Host and scheme to claim, where browsers use another host than we do.
    pub back_channel: Option<BackChannel>,
}

impl KeyEndpoint {
    /// The key set that `provider` needs; `None` when its tokens are signed with the client
    /// secret.
    #[must_use]
    pub fn of(provider: &Provider) -> Option<Self> {
        match provider.signing {
            Signing::ClientSecret => None,
            Signing::KeySet => Some(Self {
                url: provider.endpoints.jwks.clone()?,
                back_channel: provider.endpoints.back_channel.clone(),
            }),
        }
    }
}

/// Fetches key sets from core. Implemented by the back channel; a trait so that the actor can be
/// tested without sockets.
#[async_trait(?Send)]
pub trait KeySource {
    /// The key set that core serves.
    ///
    /// # Errors
    /// What went wrong, for operators. Holds no secret.
    async fn fetch(&self, endpoint: &KeyEndpoint) -> Result<KeySet, String>;
}

/// What is known of one key set.
#[derive(Clone, Debug)]
pub struct KnownKeys {
    /// The keys of the last fetch that went well.
    pub keys: Option<Arc<KeySet>>,
    /// When that was.
    pub fetched_at: Option<Timestamp>,
    /// Fetches that have ended, well or not.
    pub attempts: u64,
    /// Why the last one failed, if it did.
    pub error: Option<String>,
    /// When the last fetch ended, well or not.
    pub tried_at: Instant,
    /// No fetch begins before this moment.
    pub next_allowed: Instant,
}

/// Every key set in use, by URL. Immutable.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    pub(crate) sets: HashMap<Url, Arc<KnownKeys>>,
}

impl KeyRing {
    /// What is known of the key set at `url`; `None` when no provider uses it, or nothing was
    /// tried yet.
    #[must_use]
    pub fn get(&self, url: &Url) -> Option<&Arc<KnownKeys>> {
        self.sets.get(url)
    }

    /// Every key set, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Url, &Arc<KnownKeys>)> {
        self.sets.iter()
    }

    fn attempts(&self, url: &Url) -> u64 {
        self.get(url).map_or(0, |known| known.attempts)
    }
}

/// Keys to check a token with.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The keys.
    pub set: Arc<KeySet>,
    /// Which fetch they were seen after; pass it to [`KeyRequests::newer`].
    pub attempt: u64,
}

/// Why there are no keys, or none newer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoKeys {
    /// They were fetched a moment ago: a `kid` that is not in them does not exist. *Rejected*.
    #[error("the keys were fetched a moment ago; there are no newer ones yet")]
    UpToDate,
    /// Core did not give them. *Unavailable*, never *rejected*.
    #[error("the keys cannot be fetched: {0}")]
    Unavailable(String),
}

/// How requests get keys, and ask for newer ones. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeyRequests {
    ring: Published<KeyRing>,
    queue: mpsc::Sender<Url>,
    patience: Duration,
}

/// The other end of [`KeyRequests`], for the actor.
pub type KeyQueue = mpsc::Receiver<Url>;

impl KeyRequests {
    /// Reads `ring`; a request waits at most `patience` for a fetch.
    #[must_use]
    pub fn new(ring: Published<KeyRing>, patience: Duration) -> (Self, KeyQueue) {
        let (queue, receiver) = mpsc::channel(QUEUE);
        (Self { ring, queue, patience }, receiver)
    }

    /// The keys now in effect at `url`; waits for the first fetch where there are none yet.
    ///
    /// # Errors
    /// [`NoKeys::Unavailable`] when core has not given them.
    pub async fn current(&self, url: &Url) -> Result<Keys, NoKeys> {
        if let Some(keys) = self.known(url) {
            return Ok(keys);
        }
        let seen = self.ring.load().attempts(url);
        self.newer(url, seen).await
    }

    /// Keys fetched after those seen: for a token with a `kid` that `seen` does not hold.
    ///
    /// # Errors
    /// See [`NoKeys`]; it says whether the token is to be rejected or the request to be answered
    /// with *unavailable*.
    pub async fn newer(&self, url: &Url, seen: u64) -> Result<Keys, NoKeys> {
        {
            let ring = self.ring.load();
            if let Some(known) = ring.get(url)
                && known.attempts <= seen
                && Instant::now() < known.next_allowed
            {
                return Err(match &known.error {
                    Some(error) => NoKeys::Unavailable(error.clone()),
                    None => NoKeys::UpToDate,
                });
            }
            if ring.attempts(url) <= seen {
                // A full queue is as good: whoever filled it waits for the same publication.
                let _ = self.queue.try_send(url.clone());
            }
        }
        let later = self.ring.wait_for(|ring| ring.attempts(url) > seen);
        let ring = tokio::time::timeout(self.patience, later).await;
        let Ok(Some(ring)) = ring else {
            return Err(NoKeys::Unavailable("core did not answer in time".into()));
        };
        match ring.get(url).map(|known| (&known.error, &known.keys, known.attempts)) {
            Some((None, Some(set), attempt)) => Ok(Keys { set: Arc::clone(set), attempt }),
            Some((Some(error), _, _)) => Err(NoKeys::Unavailable(error.clone())),
            _ => Err(NoKeys::Unavailable("no provider uses this key set".into())),
        }
    }

    fn known(&self, url: &Url) -> Option<Keys> {
        let ring = self.ring.load();
        let known = ring.get(url)?;
        Some(Keys { set: Arc::clone(known.keys.as_ref()?), attempt: known.attempts })
    }
}
