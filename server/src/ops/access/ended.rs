//! Sessions of operators that were signed out before their time: their cookie would open still.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use outpost_decision::time::Timestamp;
use tokio::sync::watch;

use super::badge::BadgeId;
use crate::clock;
use crate::session::{Sessions, SharedValues, StoreError};

/// Where notes for the other replicas are kept.
pub trait Notes: Send + Sync {
    /// The values of the store.
    fn values(&self) -> &dyn SharedValues;

    /// Whether they outlive this process, or others see them.
    fn are_durable(&self) -> bool;
}

impl Notes for Sessions {
    fn values(&self) -> &dyn SharedValues {
        Sessions::values(self)
    }

    fn are_durable(&self) -> bool {
        self.is_durable() || self.is_shared()
    }
}

/// Notes in this process, and for the other replicas in the store.
pub(super) struct Ended {
    shared: Arc<dyn Notes>,
    known: Mutex<HashMap<BadgeId, Note>>,
    changed: watch::Sender<()>,
}

/// A session that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Note {
    /// When it would have.
    until: Timestamp,
    /// Whether the store knows.
    told: bool,
}

impl Ended {
    /// Notes that are kept in `shared`, too.
    pub(super) fn new(shared: Arc<dyn Notes>) -> Self {
        Self { shared, known: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// Notes an end. It holds in this process at once, whatever becomes of the store; what the
    /// store was not told now, it is told as soon as it answers somebody.
    pub(super) async fn note(&self, id: BadgeId, until: Timestamp, now: Timestamp) {
        {
            let mut known = self.known();
            known.retain(|_, note| note.until > now);
            known.insert(id, Note { until, told: false });
        }
        self.changed.send_replace(());
        self.tell(now).await;
    }

    /// Whether the session has ended.
    ///
    /// # Errors
    /// When nobody can tell: another replica may have ended it.
    pub(super) async fn has(&self, id: &BadgeId, now: Timestamp) -> Result<bool, StoreError> {
        if self.known().contains_key(id) {
            return Ok(true);
        }
        let found = self.shared.values().read(&name(id), now).await?.is_some();
        self.tell(now).await;
        Ok(found)
    }

    /// Is ready when a session has ended in this process since the call.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    async fn tell(&self, now: Timestamp) {
        let untold: Vec<(BadgeId, Note)> = {
            let known = self.known();
            let untold = known.iter().filter(|(_, note)| !note.told);
            untold.map(|(id, note)| (*id, *note)).collect()
        };
        for (id, note) in untold {
            let lasting = clock::lasting(now, note.until);
            let value = Some(Bytes::from_static(b"1"));
            match self.shared.values().write(&name(&id), value, Some(lasting), now).await {
                Ok(()) => {
                    if let Some(note) = self.known().get_mut(&id) {
                        note.told = true;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the other replicas do not know yet that an operator has signed out");
                    return;
                }
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<BadgeId, Note>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(id: &BadgeId) -> String {
    format!("operator-ended:{}", hex::encode(id))
}
