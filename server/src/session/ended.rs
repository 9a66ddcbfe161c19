//! Keys of sessions that have ended lately. A key never comes back, so that one that stands here
//! is refused whatever a store says: one that lost its last writes in a fail-over may say it.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::id::SessionKey;

/// How long a key is remembered: longer than a store takes to fail over or to be restarted from
/// its last save.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// Keys remembered at most (about 10 MB).
const CAPACITY: usize = 100_000;

/// Changes whenever keys are forgotten before their time, or everything is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

/// The keys, bounded.
#[derive(Debug, Default)]
pub struct EndedKeys {
    keys: Mutex<Keys>,
    epoch: AtomicU64,
}

#[derive(Debug, Default)]
struct Keys {
    known: HashSet<SessionKey>,
    in_order: VecDeque<(Instant, SessionKey)>,
}

impl EndedKeys {
    /// Remembers keys that ended at `at`, and forgets what is too old.
    pub fn add(&self, ended: impl Iterator<Item = SessionKey>, at: Instant) {
        let mut keys = self.lock();
        for key in ended {
            if keys.known.insert(key) {
                keys.in_order.push_back((at, key));
            }
        }
        if keys.in_order.len() > CAPACITY {
            // Before any key leaves: whoever reads one of them now must not enter it.
            self.begin_epoch();
        }
        while let Some((ended, key)) = keys.in_order.front().copied()
            && (keys.in_order.len() > CAPACITY || at.saturating_duration_since(ended) > REMEMBERED)
        {
            keys.in_order.pop_front();
            keys.known.remove(&key);
        }
    }

    /// Whether the session under `key` is known to have ended.
    #[must_use]
    pub fn contains(&self, key: &SessionKey) -> bool {
        self.lock().known.contains(key)
    }

    /// All that is remembered.
    #[must_use]
    pub fn all(&self) -> Vec<SessionKey> {
        self.lock().in_order.iter().map(|(_, key)| *key).collect()
    }

    /// What is read from now on is of a new epoch.
    pub fn begin_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// The present epoch.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::SeqCst))
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> SessionKey {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        SessionKey(bytes)
    }

    #[test]
    fn a_key_is_remembered_for_its_time() {
        let (ended, start) = (EndedKeys::default(), Instant::now());
        ended.add([key(1)].into_iter(), start);
        ended.add([key(2)].into_iter(), start + REMEMBERED);
        assert!(ended.contains(&key(1)) && ended.contains(&key(2)));
        let epoch = ended.epoch();
        ended.add([].into_iter(), start + REMEMBERED + Duration::from_secs(1));
        assert!(!ended.contains(&key(1)));
        assert_eq!(ended.all(), [key(2)]);
        assert_eq!(ended.epoch(), epoch, "in good time: nobody reads for a quarter of an hour");
    }

    #[test]
    fn too_many_begin_a_new_epoch_before_the_oldest_is_forgotten() {
        let (ended, start) = (EndedKeys::default(), Instant::now());
        ended.add((0..u32::try_from(CAPACITY).unwrap()).map(key), start);
        let epoch = ended.epoch();
        assert!(ended.contains(&key(0)));
        ended.add([key(u32::MAX)].into_iter(), start);
        assert!(!ended.contains(&key(0)) && ended.contains(&key(1)));
        assert_ne!(ended.epoch(), epoch);
    }
}
