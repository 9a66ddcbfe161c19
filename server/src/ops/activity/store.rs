//! What the session store has done lately.

use std::time::Duration;

use arc_swap::ArcSwapOption;
use outpost_dashboard::model::{Outcome, Speed};
use outpost_decision::time::Timestamp;

use super::columns::Columns;
use super::histogram::Histogram;
use super::{failed, requests};

/// Questions to the session store over the last 15 minutes.
#[derive(Debug, Default)]
pub struct StoreActivity {
    columns: Columns,
    durations: Histogram,
    last_failure: ArcSwapOption<(i64, String)>,
}

impl StoreActivity {
    /// The store has answered after `took`. `waits`: it was asked to wait for news, which says
    /// nothing about its speed.
    pub fn answered(&self, now: Timestamp, took: Duration, waits: bool) {
        self.columns.add(now, Outcome::Allowed);
        if !waits {
            self.durations.add(now, took);
        }
    }

    /// The store has not answered, or could not do what it was asked for.
    pub fn failed(&self, now: Timestamp, message: String) {
        self.columns.add(now, Outcome::Failed);
        self.last_failure.store(Some(std::sync::Arc::new((now.0, message))));
    }

    /// Questions over the last 15 minutes, and how many of them failed.
    #[must_use]
    pub fn operations(&self, now: Timestamp) -> (u64, u64) {
        let traffic = self.columns.traffic(now);
        (requests(&traffic), failed(&traffic))
    }

    /// How long answers took over the last 15 minutes.
    #[must_use]
    pub fn speed(&self, now: Timestamp) -> Option<Speed> {
        self.durations.speed(now)
    }

    /// When it last failed, and what was said; since the start.
    #[must_use]
    pub fn last_failure(&self) -> Option<(i64, String)> {
        self.last_failure.load().as_deref().cloned()
    }
}
