//! The latest events, for operators: bounded and lossy, so that no request ever waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

use super::event::RequestEvent;

/// A ring of the latest events. A writer takes the next slot; if that very slot is being read or
/// written, the event is dropped and counted.
#[derive(Debug)]
pub struct Journal {
    slots: Box<[Mutex<Option<Entry>>]>,
    next: AtomicU64,
    dropped: AtomicU64,
}

/// An event and its place in the sequence of all.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counts up from 0 over all events, dropped ones too.
    pub sequence: u64,
    /// The event.
    pub event: Arc<RequestEvent>,
}

/// What the journal held at one moment.
#[derive(Clone, Debug, Default)]
pub struct JournalView {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Events seen since the start.
    pub seen: u64,
    /// Events that were lost because their slot was busy.
    pub dropped: u64,
}

impl Journal {
    /// A journal of the latest `capacity` events (at least one).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            slots: (0..capacity.max(1)).map(|_| Mutex::new(None)).collect(),
            next: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Keeps an event, in place of the oldest one. Never waits.
    pub fn record(&self, event: Arc<RequestEvent>) {
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Entry { sequence, event };
        let kept = self.slot(sequence).is_some_and(|slot| match slot.try_lock() {
            Ok(mut held) => keep(&mut held, entry),
            Err(TryLockError::Poisoned(poisoned)) => keep(&mut poisoned.into_inner(), entry),
            Err(TryLockError::WouldBlock) => false,
        });
        if !kept {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The latest `limit` events. Each slot is locked only to clone a pointer out of it.
    #[must_use]
    pub fn view(&self, limit: usize) -> JournalView {
        let mut entries: Vec<Entry> = self
            .slots
            .iter()
            .filter_map(|slot| match slot.lock() {
                Ok(held) => held.clone(),
                Err(poisoned) => poisoned.into_inner().clone(),
            })
            .collect();
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.sequence));
        entries.truncate(limit);
        JournalView { entries, seen: self.next.load(Ordering::Relaxed), dropped: self.dropped() }
    }

    /// Events that were lost because their slot was busy.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn slot(&self, sequence: u64) -> Option<&Mutex<Option<Entry>>> {
        let count = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        self.slots.get(usize::try_from(sequence % count).unwrap_or_default())
    }
}

/// Puts an entry into its slot unless a later one overtook it.
fn keep(slot: &mut Option<Entry>, entry: Entry) -> bool {
    if slot.as_ref().is_some_and(|held| held.sequence > entry.sequence) {
        return false;
    }
    *slot = Some(entry);
    true
}

#[cfg(test)]
mod tests {
    use super::super::finish::tests::event;
    use super::*;

    fn sequences(view: &JournalView) -> Vec<u64> {
        view.entries.iter().map(|entry| entry.sequence).collect()
    }

    #[test]
    fn keeps_the_latest() {
        let journal = Journal::new(3);
        assert!(journal.view(10).entries.is_empty());
        for _ in 0..5 {
            journal.record(Arc::new(event()));
        }
        let view = journal.view(10);
        assert_eq!(sequences(&view), [4, 3, 2]);
        assert_eq!((view.seen, view.dropped), (5, 0));
        assert_eq!(sequences(&journal.view(1)), [4]);
    }

    #[test]
    fn a_busy_slot_costs_the_event_and_is_counted() {
        let journal = Journal::new(2);
        let busy = journal.slots[0].lock().unwrap();
        journal.record(Arc::new(event()));
        journal.record(Arc::new(event()));
        drop(busy);
        let view = journal.view(10);
        assert_eq!(sequences(&view), [1]);
        assert_eq!((view.seen, view.dropped), (2, 1));
    }

    #[test]
    fn an_overtaken_event_does_not_displace_a_later_one() {
        let event = Arc::new(event());
        let mut slot = Some(Entry { sequence: 9, event: Arc::clone(&event) });
        assert!(!keep(&mut slot, Entry { sequence: 7, event }));
        assert_eq!(slot.map(|entry| entry.sequence), Some(9));
    }

    #[test]
    fn many_writers_and_a_reader_lose_count_of_nothing() {
        let journal = Journal::new(64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        journal.record(Arc::new(event()));
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..200 {
                    let view = journal.view(usize::MAX);
                    assert!(
                        view.entries.is_sorted_by(|left, right| left.sequence > right.sequence)
                    );
                }
            });
        });
        let view = journal.view(usize::MAX);
        assert_eq!(view.seen, 2000);
        assert!(view.entries.len() <= 64);
    }
}
