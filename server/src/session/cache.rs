//! Sessions that this replica has just seen, opened: the way past the store.
//!
//! The one rule: a session that was revoked between the moment its record was read and the
//! moment it is entered here is not entered. Whoever reads takes a [`Ticket`] first; whoever
//! revokes enters the key among the [`EndedKeys`] and then removes it; entering looks at both
//! under the lock that removing needs.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use outpost_decision::time::Timestamp;

use super::ended::{EndedKeys, Epoch};
use super::id::{PartOfKey, SessionKey};
use super::record::Session;

/// Shards; keys are hashes and spread evenly.
const SHARDS: usize = 64;

/// A bounded cache of opened sessions.
#[derive(Debug)]
pub struct SessionCache {
    shards: Box<[RwLock<Shard>]>,
    shard_capacity: usize,
    ended: EndedKeys,
    /// Sessions that the store is being asked about. Few: a mark at each would cost more.
    confirming: Arc<Mutex<HashSet<SessionKey>>>,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<SessionKey, Entry, BuildHasherDefault<PartOfKey>>,
    /// The clock: whoever was not used since the hand passed last goes first.
    hand: VecDeque<SessionKey>,
}

#[derive(Debug)]
struct Entry {
    session: Arc<Session>,
    confirmed: Instant,
    seen: Timestamp,
    used: AtomicBool,
}

/// A session from the cache.
#[derive(Debug)]
pub struct Cached {
    /// The session.
    pub session: Arc<Session>,
    /// When the store last said that it stands.
    pub confirmed: Instant,
    /// When the store was last told of its use.
    pub seen: Timestamp,
}

/// The right to ask the store whether a cached session stands; others go on meanwhile.
#[derive(Debug)]
pub struct Confirming {
    key: SessionKey,
    all: Arc<Mutex<HashSet<SessionKey>>>,
}

/// What is known before a record is read.
#[derive(Clone, Copy, Debug)]
pub struct Ticket(Epoch);

impl SessionCache {
    /// A cache for about `capacity` sessions; 0 keeps none.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            shard_capacity: capacity.div_ceil(SHARDS),
            ended: EndedKeys::default(),
            confirming: Arc::default(),
        }
    }

    /// What is cached under `key`.
    #[must_use]
    pub fn get(&self, key: &SessionKey) -> Option<Cached> {
        let shard = self.read(key);
        let entry = shard.entries.get(key)?;
        // Written only where it changes: readers of one session share its cache line.
        if !entry.used.load(Ordering::Relaxed) {
            entry.used.store(true, Ordering::Relaxed);
        }
        Some(Cached {
            session: Arc::clone(&entry.session),
            confirmed: entry.confirmed,
            seen: entry.seen,
        })
    }

    /// The right to ask whether a cached session stands; `None` while somebody else does.
    #[must_use]
    pub fn claim(&self, key: &SessionKey) -> Option<Confirming> {
        let mut all = self.confirming.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(*key).then(|| Confirming { key: *key, all: Arc::clone(&self.confirming) })
    }

    /// To be taken before a record is read that is to be entered.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        Ticket(self.ended.epoch())
    }

    /// Enters a session read after `ticket` was taken, which the store said to stand at
    /// `confirmed`. Returns whether it may be used: not when it was revoked meanwhile.
    pub fn enter(
        &self,
        key: SessionKey,
        session: &Arc<Session>,
        seen: Timestamp,
        confirmed: Instant,
        ticket: Ticket,
    ) -> bool {
        if self.shard_capacity == 0 {
            return !self.ended.contains(&key);
        }
        let mut shard = self.write(&key);
        // In this order: a key leaves the ended ones only after the epoch has changed.
        if self.ended.contains(&key) {
            return false;
        }
        if self.ended.epoch() != ticket.0 {
            return true; // Nobody knows what happened meanwhile: used once, and read again.
        }
        let newer = shard
            .entries
            .get(&key)
            .is_some_and(|there| there.session.generation > session.generation);
        if newer {
            return true;
        }
        let entry =
            Entry { session: Arc::clone(session), confirmed, seen, used: AtomicBool::new(false) };
        if shard.entries.insert(key, entry).is_none() {
            shard.hand.push_back(key);
            shard.make_room(self.shard_capacity);
        }
        true
    }

    /// The store said at `confirmed` that the version `generation` stands, and was told of a use
    /// at `seen`.
    pub fn confirm(&self, key: &SessionKey, generation: u64, seen: Timestamp, confirmed: Instant) {
        let mut shard = self.write(key);
        if let Some(entry) = shard.entries.get_mut(key)
            && entry.session.generation == generation
        {
            entry.confirmed = entry.confirmed.max(confirmed);
            entry.seen = entry.seen.max(seen);
        }
    }

    /// Forgets a session; it may be read again.
    pub fn forget(&self, key: &SessionKey) {
        self.write(key).entries.remove(key);
    }

    /// Forgets the sessions that `meant` picks, and says which. Looks at all: for the rare cases
    /// in which the store cannot say.
    pub fn forget_where(&self, meant: impl Fn(&SessionKey, &Session) -> bool) -> Vec<SessionKey> {
        let mut forgotten = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.entries.retain(|key, entry| {
                let goes = meant(key, &entry.session);
                if goes {
                    forgotten.push(*key);
                }
                !goes
            });
        }
        forgotten
    }

    /// These sessions have ended, for good.
    pub fn end(&self, keys: impl Iterator<Item = SessionKey> + Clone, at: Instant) {
        self.ended.add(keys.clone(), at);
        for key in keys {
            self.forget(&key);
        }
    }

    /// Forgets everything, and what is being read at this moment as well: something may have
    /// ended that nobody told of.
    pub fn doubt(&self) {
        self.ended.begin_epoch();
        self.forget_where(|_, _| true);
    }

    /// What is known to have ended lately.
    #[must_use]
    pub const fn ended(&self) -> &EndedKeys {
        &self.ended
    }

    /// Number of sessions cached.
    #[must_use]
    pub fn len(&self) -> usize {
        let length = |shard: &RwLock<Shard>| {
            shard.read().unwrap_or_else(PoisonError::into_inner).entries.len()
        };
        self.shards.iter().map(length).sum()
    }

    /// Whether nothing is cached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &SessionKey) -> &RwLock<Shard> {
        &self.shards[usize::from(key.0[0]) % SHARDS]
    }

    fn read(&self, key: &SessionKey) -> RwLockReadGuard<'_, Shard> {
        self.shard(key).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, key: &SessionKey) -> RwLockWriteGuard<'_, Shard> {
        self.shard(key).write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn make_room(&mut self, capacity: usize) {
        while self.entries.len() > capacity
            && let Some(key) = self.hand.pop_front()
        {
            match self.entries.get(&key) {
                Some(entry) if entry.used.swap(false, Ordering::Relaxed) => {
                    self.hand.push_back(key);
                }
                Some(_) => drop(self.entries.remove(&key)),
                None => {}
            }
        }
        // Keys that left by other ways are still under the hand.
        if self.hand.len() > 2 * capacity {
            let entries = &self.entries;
            self.hand.retain(|key| entries.contains_key(key));
        }
    }
}

impl Cached {
    /// Whether the session's own limits let it go on at `now`.
    #[must_use]
    pub fn lasts(&self, now: Timestamp) -> bool {
        let about = &self.session.about;
        about.expires > now && about.idle_until(self.seen).is_none_or(|until| until > now)
    }

    /// Whether the store should be asked again after `longest`, or earlier where the idle limit
    /// wants it to hear of the session's use.
    #[must_use]
    pub fn is_due(&self, at: Instant, longest: Duration) -> bool {
        let idle = self.session.about.idle_seconds.unwrap_or(i64::MAX).unsigned_abs();
        let every = longest.min(Duration::from_secs(idle) / 4);
        at.saturating_duration_since(self.confirmed) >= every
    }
}

impl Drop for Confirming {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

#[cfg(test)]
mod tests;
