//! Requests by outcome, in columns of ten seconds.

use outpost_dashboard::model::{Outcome, Traffic, TrafficColumn};
use outpost_decision::time::Timestamp;

use super::cell::{Cell, in_ring, turn};
use super::{WINDOW, place};

/// Seconds of a column.
const STEP: u32 = 10;

/// Columns that are shown.
const SHOWN: u32 = (WINDOW / STEP as i64) as u32;

/// Columns that are kept: more than are shown, so that whoever comes a little late finds theirs.
const KEPT: usize = 96;

/// The columns: a ring.
#[derive(Debug)]
pub(super) struct Columns(Box<[[Cell; Outcome::ALL.len()]]>);

impl Default for Columns {
    fn default() -> Self {
        Self((0..KEPT).map(|_| Default::default()).collect())
    }
}

impl Columns {
    /// Counts a request that ended at `at`.
    pub(super) fn add(&self, at: Timestamp, outcome: Outcome) {
        let turn = turn(at, STEP);
        if let Some(cell) = in_ring(&self.0, turn).and_then(|column| column.get(place(outcome))) {
            cell.add(turn);
        }
    }

    /// The last 15 minutes, the column that is still being filled included.
    pub(super) fn traffic(&self, now: Timestamp) -> Traffic {
        let columns = self.latest(now, SHOWN).map(|(turn, cells)| TrafficColumn {
            at: i64::from(turn) * i64::from(STEP),
            allowed: cells[place(Outcome::Allowed)].count(turn),
            sign_in: cells[place(Outcome::SignIn)].count(turn),
            denied: cells[place(Outcome::Denied)].count(turn),
            failed: cells[place(Outcome::Failed)].count(turn),
        });
        Traffic { step: STEP, columns: columns.collect() }
    }

    /// Requests a second over as many full columns, and what there is of the one being filled.
    pub(super) fn rate(&self, now: Timestamp, full: u32) -> f64 {
        let count: u64 = self
            .latest(now, full + 1)
            .flat_map(|(turn, cells)| cells.iter().map(move |cell| cell.count(turn)))
            .sum();
        // The second that has just begun counts: something may have happened in it.
        let begun = now.0.rem_euclid(i64::from(STEP)) + 1;
        let seconds = i64::from(full) * i64::from(STEP) + begun;
        float(count) / float(u64::try_from(seconds).unwrap_or(1))
    }

    /// Requests that failed, in as many full columns and the one being filled.
    pub(super) fn failed(&self, now: Timestamp, full: u32) -> u64 {
        let failed = place(Outcome::Failed);
        self.latest(now, full + 1).map(|(turn, cells)| cells[failed].count(turn)).sum()
    }

    /// The latest columns with their turns, oldest first.
    fn latest(
        &self,
        now: Timestamp,
        count: u32,
    ) -> impl Iterator<Item = (u32, &[Cell; Outcome::ALL.len()])> {
        let last = turn(now, STEP);
        let turns = last.saturating_sub(count.saturating_sub(1))..=last;
        turns.filter_map(|turn| Some((turn, in_ring(&self.0, turn)?)))
    }
}

/// Counts of requests are far below where this is inexact.
#[expect(clippy::cast_precision_loss, reason = "see above")]
const fn float(count: u64) -> f64 {
    count as f64
}
