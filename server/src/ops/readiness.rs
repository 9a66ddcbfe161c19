//! Readiness, apart from liveness: a process that serves may still have nothing to serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::drain::Drain;
use crate::publish::Published;
use crate::snapshot::Snapshot;

/// What decides whether traffic should come here. Cheap to clone.
///
/// A lost link to core does not count: what is loaded goes on being served, and if it did count,
/// an outage of core would take every replica out of service at once.
#[derive(Clone, Debug)]
pub struct Readiness {
    snapshot: Published<Snapshot>,
    store: StoreReach,
    drain: Drain,
    listening: Arc<AtomicBool>,
}

/// Whether the session store can be reached, as whoever asked it last has found. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct StoreReach {
    lost: Arc<AtomicBool>,
}

impl StoreReach {
    /// The store is there, or is not.
    pub fn set(&self, reachable: bool) {
        // Every request says so: nothing is written while nothing changes.
        if self.lost.load(Ordering::Relaxed) == reachable {
            self.lost.store(!reachable, Ordering::Relaxed);
        }
    }

    /// Whether it was there when it was last asked.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !self.lost.load(Ordering::Relaxed)
    }
}

/// Whether traffic should come, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Nothing is missing.
    pub ready: bool,
    /// What is missing.
    pub missing: Vec<Missing>,
}

/// One thing that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Its stable name.
    pub what: &'static str,
    /// What is wrong.
    pub explanation: &'static str,
    /// What to do about it; empty where it passes by itself.
    pub remedy: &'static str,
}

const CONFIGURATION: Missing = Missing {
    what: "configuration",
    explanation: "No configuration has been received from core yet.",
    remedy: "Check AUTHENTIK_HOST and AUTHENTIK_TOKEN, and that core is up.",
};
const LISTENERS: Missing =
    Missing { what: "listeners", explanation: "The listeners are not open yet.", remedy: "" };
const DRAINING: Missing = Missing {
    what: "draining",
    explanation: "The outpost is shutting down and finishes what is under way.",
    remedy: "",
};
const STORE: Missing = Missing {
    what: "session_store",
    explanation: "The session store cannot be reached.",
    remedy: "Check the session store; it is retried by itself.",
};

impl Readiness {
    /// Not ready: nothing listens yet.
    #[must_use]
    pub fn new(snapshot: Published<Snapshot>, store: StoreReach, drain: Drain) -> Self {
        Self { snapshot, store, drain, listening: Arc::default() }
    }

    /// The listeners are open.
    pub fn listening(&self) {
        self.listening.store(true, Ordering::Relaxed);
    }

    /// What is missing now.
    #[must_use]
    pub fn report(&self) -> Report {
        let missing: Vec<Missing> = [
            (!self.snapshot.load().is_loaded(), CONFIGURATION),
            (!self.listening.load(Ordering::Relaxed), LISTENERS),
            (self.store.lost.load(Ordering::Relaxed), STORE),
            (self.drain.phase().is_ending(), DRAINING),
        ]
        .into_iter()
        .filter_map(|(applies, missing)| applies.then_some(missing))
        .collect();
        Report { ready: missing.is_empty(), missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drain::Departure;
    use crate::publish::published;

    #[test]
    fn ready_when_nothing_is_missing() {
        let (publisher, snapshot) = published(Snapshot::default());
        let store = StoreReach::default();
        let departure = Departure::new();
        let readiness = Readiness::new(snapshot, store.clone(), departure.drain());
        let missing = || -> Vec<&str> {
            let report = readiness.report();
            assert_eq!(report.ready, report.missing.is_empty());
            report.missing.iter().map(|missing| missing.what).collect()
        };
        assert_eq!(missing(), ["configuration", "listeners"]);
        readiness.listening();
        assert_eq!(missing(), ["configuration"]);
        publisher.publish(Snapshot { generation: 1, ..Snapshot::default() });
        assert!(missing().is_empty());
        store.set(false);
        assert_eq!(missing(), ["session_store"]);
        store.set(true);
        departure.leave();
        assert_eq!(missing(), ["draining"]);
    }
}
