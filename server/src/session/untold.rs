//! Sessions of core that have ended while the store could not be told. Whoever told us tells again
//! until the store knows; until then they are over in this replica.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::record::Record;
use super::store::Selection;

/// Their ids in core.
#[derive(Debug, Default)]
pub(super) struct Untold(Mutex<HashSet<String>>);

impl Untold {
    /// The store could not be told that these have ended. Kept for sessions of core alone: of
    /// others whoever asked is told to ask again.
    pub(super) fn add(&self, selection: &Selection) {
        if let Selection::CoreSession(sid) = selection {
            self.ids().insert(sid.clone());
        }
    }

    /// The store knows that these have ended.
    pub(super) fn remove(&self, selection: &Selection) {
        if let Selection::CoreSession(sid) = selection {
            self.ids().remove(sid);
        }
    }

    /// Whether the store has this only because it was not told.
    pub(super) fn means(&self, record: &Record) -> bool {
        record.about.sid.as_ref().is_some_and(|sid| self.ids().contains(sid))
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
