//! Whether what this replica knows of its sessions is up to date.
//!
//! Replicas that share a store hear of each other's revocations through the store's log. A cache
//! is believed only while the log has been read to its end within [`TRUST`]; a replica that was
//! cut off, paused or busy finds that out by itself, without being told. Time is the monotonic
//! clock: it goes on while a process is stopped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long after the log was asked for its end the answer is believed. No replica serves a
/// session from its cache longer than this after another has ended it.
pub const TRUST: Duration = Duration::from_secs(2);

/// How current this replica is.
#[derive(Debug)]
pub struct Currency {
    began: Instant,
    /// Nanoseconds after `began` at which the log was last asked for its end and told all, and
    /// one; 0: never.
    confirmed: AtomicU64,
    /// The store's answers were doubted after that.
    doubted: AtomicU64,
    shared: bool,
    grace: Duration,
}

impl Currency {
    /// For a store that replicas share (or not: then there is nobody to miss anything of).
    /// `grace`: how long cached sessions go on while the store is away.
    #[must_use]
    pub fn new(shared: bool, grace: Duration, at: Instant) -> Self {
        let (confirmed, doubted) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { began: at, confirmed, doubted, shared, grace }
    }

    /// All that was ended before `asked` is known here.
    pub fn confirm(&self, asked: Instant) {
        self.confirmed.fetch_max(self.stamp(asked), Ordering::SeqCst);
    }

    /// Nothing is known for certain until the next [`Currency::confirm`] with a later time.
    pub fn doubt(&self, at: Instant) {
        self.doubted.fetch_max(self.stamp(at), Ordering::SeqCst);
    }

    /// Whether the cache may be believed.
    #[must_use]
    pub fn is_current(&self, at: Instant) -> bool {
        !self.shared || self.within(at, TRUST)
    }

    /// Whether cached sessions may go on although the store does not answer.
    #[must_use]
    pub fn is_in_grace(&self, at: Instant) -> bool {
        self.shared && !self.grace.is_zero() && self.within(at, self.grace.max(TRUST))
    }

    fn within(&self, at: Instant, span: Duration) -> bool {
        let confirmed = self.confirmed.load(Ordering::SeqCst);
        if confirmed == 0 || confirmed <= self.doubted.load(Ordering::SeqCst) {
            return false;
        }
        let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.stamp(at).saturating_sub(confirmed) < span
    }

    fn stamp(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.began);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_replica_is_current_only_for_a_while_after_it_read_the_log() {
        let start = Instant::now();
        let currency = Currency::new(true, 60 * SECOND, start);
        assert!(!currency.is_current(start), "nothing was read yet");
        assert!(!currency.is_in_grace(start));
        currency.confirm(start + SECOND);
        assert!(currency.is_current(start + SECOND));
        assert!(currency.is_current(start + SECOND + TRUST / 2));
        assert!(!currency.is_current(start + SECOND + TRUST));
        assert!(currency.is_in_grace(start + 60 * SECOND));
        assert!(!currency.is_in_grace(start + 61 * SECOND));
        currency.confirm(start);
        assert!(currency.is_current(start + 2 * SECOND), "a late confirmation takes nothing back");
    }

    #[test]
    fn doubt_ends_both_until_the_log_is_read_again() {
        let start = Instant::now();
        let currency = Currency::new(true, 60 * SECOND, start);
        currency.confirm(start + SECOND);
        currency.doubt(start + 2 * SECOND);
        assert!(!currency.is_current(start + 2 * SECOND));
        assert!(!currency.is_in_grace(start + 2 * SECOND));
        currency.confirm(start + SECOND + SECOND / 2);
        assert!(!currency.is_current(start + 2 * SECOND), "asked before the doubt");
        currency.confirm(start + 3 * SECOND);
        assert!(currency.is_current(start + 3 * SECOND));
    }

    #[test]
    fn no_grace_is_none() {
        let start = Instant::now();
        let currency = Currency::new(true, Duration::ZERO, start);
        currency.confirm(start);
        assert!(currency.is_current(start + SECOND));
        assert!(!currency.is_in_grace(start + SECOND));
    }

    #[test]
    fn who_has_the_store_alone_misses_nothing() {
        let start = Instant::now();
        let currency = Currency::new(false, 60 * SECOND, start);
        assert!(currency.is_current(start + 1000 * SECOND));
        assert!(!currency.is_in_grace(start), "a store that is this process is not away");
    }
}
