//! A count that begins anew with each stretch of time, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use outpost_decision::time::Timestamp;

/// A count of one turn: the number of the turn in the upper half, the count in the lower. Whoever
/// comes first in a later turn begins anew, so that counts of turns long over need no clearing.
#[derive(Debug, Default)]
pub(super) struct Cell(AtomicU64);

impl Cell {
    /// One more in `turn`. What comes too late, when a later turn has begun here, is not counted.
    pub(super) fn add(&self, turn: u32) {
        let mut held = self.0.load(Ordering::Relaxed);
        loop {
            if turn_of(held) == turn {
                self.0.fetch_add(1, Ordering::Relaxed);
                return;
            }
            if turn_of(held) > turn {
                return;
            }
            let first = (u64::from(turn) << 32) | 1;
            let swapped =
                self.0.compare_exchange_weak(held, first, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return,
                Err(now) => held = now,
            }
        }
    }

    /// How many there were in `turn`, as long as no later one has begun here.
    pub(super) fn count(&self, turn: u32) -> u64 {
        let held = self.0.load(Ordering::Relaxed);
        if turn_of(held) == turn { held & u64::from(u32::MAX) } else { 0 }
    }
}

const fn turn_of(held: u64) -> u32 {
    (held >> 32) as u32
}

/// The number of the turn of `seconds` that a moment lies in, counted from 1970.
pub(super) fn turn(at: Timestamp, seconds: u32) -> u32 {
    u32::try_from(at.0 / i64::from(seconds)).unwrap_or_default()
}

/// The cell of a turn, in a ring of them.
pub(super) fn in_ring<T>(ring: &[T], turn: u32) -> Option<&T> {
    let at = usize::try_from(turn).unwrap_or_default().checked_rem(ring.len())?;
    ring.get(at)
}
