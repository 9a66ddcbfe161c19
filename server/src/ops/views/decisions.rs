//! Decisions, from the journal.

use outpost_dashboard::model::{DecisionFilter, DecisionPage, Decisions};

use super::Views;
use crate::clock;

impl Views {
    /// The latest decisions that fit `filter`, at most `limit`; only those made after the one
    /// with the number `after`, where given.
    #[must_use]
    pub fn decisions(
        &self,
        filter: &DecisionFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Decisions {
        let _ = (after, limit);
        Decisions { now: clock::now().0, filter: filter.clone(), ..Decisions::default() }
    }

    /// The decision with this id, while the journal still has it.
    #[must_use]
    pub fn decision(&self, id: &str) -> Option<DecisionPage> {
        let _ = id;
        None
    }
}
