//! The latest events, for operators: bounded and lossy, so that no request ever waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use super::event::RequestEvent;

/// A ring of the latest events. A writer takes the next slot; if that very slot is being read or
/// written, the event is dropped and counted.
#[derive(Debug)]
pub struct Journal {
    slots: Box<[Mutex<Option<Entry>>]>,
    /// Number of the latest event.
    seen: AtomicU64,
    dropped: AtomicU64,
}

/// An event and its place in the sequence of all.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counts up from 1 over all events, dropped ones too.
    pub sequence: u64,
    /// The event.
    pub event: Arc<RequestEvent>,
}

impl Journal {
    /// A journal of the latest `capacity` events (at least one).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            slots: (0..capacity.max(1)).map(|_| Mutex::new(None)).collect(),
            seen: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Keeps an event, in place of the oldest one. Never waits.
    pub fn record(&self, event: Arc<RequestEvent>) {
        let sequence = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
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

    /// The events that are still there, newest first, down to the one after the event with the
    /// number `after` (0: all of them). Whoever asks for what is new looks at no more than that. A
    /// slot is locked only while a pointer is cloned out of it.
    pub fn newest(&self, after: u64) -> impl Iterator<Item = Entry> {
        let seen = self.seen();
        let kept = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        let oldest = seen.saturating_sub(kept).max(after) + 1;
        (oldest..=seen).rev().filter_map(|sequence| {
            let slot = self.slot(sequence)?.lock().unwrap_or_else(PoisonError::into_inner);
            // A slot whose event was dropped, or has been displaced meanwhile, holds another.
            slot.as_ref().filter(|entry| entry.sequence == sequence).cloned()
        })
    }

    /// The event with this id, of its decision or of its request, while it is there.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Entry> {
        self.newest(0).find(|Entry { event, .. }| {
            event.decision_id.as_deref() == Some(id) || *event.request_id == *id
        })
    }

    /// The events with these ids, each in its id's place, in one pass over what is there.
    #[must_use]
    pub fn find_all(&self, ids: &[&str]) -> Vec<Option<Entry>> {
        let mut found = vec![None; ids.len()];
        let mut missing = ids.len();
        for entry in self.newest(0) {
            if missing == 0 {
                break;
            }
            for (id, place) in ids.iter().zip(&mut found).filter(|(_, place)| place.is_none()) {
                let event = &entry.event;
                if event.decision_id.as_deref() == Some(*id) || *event.request_id == **id {
                    *place = Some(entry.clone());
                    missing -= 1;
                }
            }
        }
        found
    }

    /// Events since the start: the number of the latest one.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// How many events are kept.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.slots.len()
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

    fn sequences(journal: &Journal, after: u64) -> Vec<u64> {
        journal.newest(after).map(|entry| entry.sequence).collect()
    }

    fn fill(journal: &Journal, count: usize) {
        (0..count).for_each(|_| journal.record(Arc::new(event())));
    }

    #[test]
    fn keeps_the_latest() {
        let journal = Journal::new(3);
        assert_eq!(sequences(&journal, 0), [0; 0]);
        fill(&journal, 5);
        assert_eq!(sequences(&journal, 0), [5, 4, 3]);
        assert_eq!((journal.seen(), journal.dropped(), journal.capacity()), (5, 0, 3));
    }

    #[test]
    fn tells_only_what_is_new_to_whoever_says_what_they_know() {
        let journal = Journal::new(3);
        fill(&journal, 5);
        assert_eq!(sequences(&journal, 1), [5, 4, 3]);
        assert_eq!(sequences(&journal, 4), [5]);
        assert_eq!(sequences(&journal, 5), [0; 0]);
        assert_eq!(sequences(&journal, u64::MAX - 1), [0; 0], "the future");
    }

    #[test]
    fn finds_an_event_by_the_id_of_its_decision_or_request() {
        let journal = Journal::new(2);
        for number in 1..=3 {
            let id = Some(format!("d{number}").into());
            let request_id = format!("r{number}").into();
            journal.record(Arc::new(RequestEvent { decision_id: id, request_id, ..event() }));
        }
        let found = |id| journal.find(id).map(|entry| entry.sequence);
        assert_eq!(found("d3"), Some(3));
        assert_eq!(found("r2"), Some(2));
        assert_eq!(found("d1"), None, "displaced");
        assert_eq!(found(""), None);
        let all = journal.find_all(&["r2", "d1", "d3", "r2"]);
        let all: Vec<_> = all.iter().map(|it| it.as_ref().map(|entry| entry.sequence)).collect();
        assert_eq!(all, [Some(2), None, Some(3), Some(2)], "each in its place");
        assert!(journal.find_all(&[]).is_empty());
    }

    #[test]
    fn a_busy_slot_costs_the_event_and_is_counted() {
        let journal = Journal::new(2);
        let busy = journal.slots[1].lock().unwrap();
        fill(&journal, 2);
        drop(busy);
        assert_eq!(sequences(&journal, 0), [2]);
        assert_eq!((journal.seen(), journal.dropped()), (2, 1));
    }

    #[test]
    fn recording_goes_on_while_somebody_reads_and_holds_what_they_read() {
        let journal = Journal::new(4);
        fill(&journal, 4);
        let mut reading = journal.newest(0);
        let held = reading.next();
        fill(&journal, 4);
        assert_eq!(journal.dropped(), 0);
        assert_eq!(held.map(|entry| entry.sequence), Some(4));
        assert!(reading.next().is_none(), "displaced meanwhile");
        assert_eq!(sequences(&journal, 0), [8, 7, 6, 5]);
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
                scope.spawn(|| fill(&journal, 500));
            }
            scope.spawn(|| {
                for _ in 0..200 {
                    let seen = sequences(&journal, 0);
                    assert!(seen.is_sorted_by(|left, right| left > right));
                }
            });
        });
        assert_eq!(journal.seen(), 2000);
        assert!(sequences(&journal, 0).len() <= 64);
    }
}
