//! A revocation log in memory, for several outposts within one process.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::session::id::SessionKey;
use crate::session::store::{EndedSession, LogEntries, LogPosition, RevocationLog, StoreError};

/// Entries kept at most.
const CAPACITY: usize = 100_000;

/// The log. A position is the number of entries there ever were before it.
#[derive(Debug, Default)]
pub(super) struct MemoryLog {
    entries: Mutex<Entries>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    kept: VecDeque<EndedSession>,
    keys: HashSet<SessionKey>,
    dropped: usize,
}

impl MemoryLog {
    /// Whether the session under `key` is known to have ended.
    pub(super) fn has(&self, key: &SessionKey) -> bool {
        self.lock().keys.contains(key)
    }

    pub(super) fn append(&self, ended: &[EndedSession]) {
        let mut entries = self.lock();
        for session in ended {
            entries.keys.insert(session.key);
            entries.kept.push_back(*session);
        }
        while entries.kept.len() > CAPACITY
            && let Some(oldest) = entries.kept.pop_front()
        {
            entries.keys.remove(&oldest.key);
            entries.dropped += 1;
        }
        drop(entries);
        self.arrived.notify_waiters();
    }

    fn after(&self, position: usize) -> LogEntries {
        let entries = self.lock();
        let ended = entries.kept.iter().skip(position.saturating_sub(entries.dropped));
        LogEntries {
            ended: ended.copied().collect(),
            continuous: position >= entries.dropped,
            next: LogPosition((entries.dropped + entries.kept.len()).to_string()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RevocationLog for MemoryLog {
    async fn end_of_log(&self) -> Result<LogPosition, StoreError> {
        Ok(self.after(usize::MAX).next)
    }

    async fn read_log(
        &self,
        position: &LogPosition,
        wait: Duration,
    ) -> Result<LogEntries, StoreError> {
        let position = position
            .0
            .parse()
            .map_err(|_| StoreError::Unavailable("not a position of this log".into()))?;
        let arrived = self.arrived.notified();
        let entries = self.after(position);
        if !entries.ended.is_empty() || !entries.continuous {
            return Ok(entries);
        }
        // Nothing came in time: that is an answer, too.
        let _ = tokio::time::timeout(wait, arrived).await;
        Ok(self.after(position))
    }
}
