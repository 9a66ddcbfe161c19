//! Figures of gaps of the link to core, and of the sessions checked after them.

use prometheus::{IntCounter, IntCounterVec, IntGauge};

use super::InFlight;
use super::names::{CORE_GAPS, Maker, RECHECKS, RECHECKS_WAITING};

/// What became of the check of a session with core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecheckOutcome {
    /// Core vouches for it.
    Active,
    /// Core has ended it, and so have we.
    Ended,
    /// Core did not answer, or with something that makes no sense.
    CoreAway,
    /// The session store did not.
    StoreAway,
    /// Too many wait.
    TurnedAway,
}

/// Gaps and checks.
#[derive(Debug)]
pub struct RecheckFigures {
    checks: IntCounterVec,
    waiting: IntGauge,
    gaps: IntCounter,
}

impl RecheckFigures {
    pub(super) fn new(make: &Maker<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            checks: make.counters(&RECHECKS)?,
            waiting: make.gauge(&RECHECKS_WAITING)?,
            gaps: make.counter(&CORE_GAPS)?,
        })
    }

    /// A session was to be checked with core.
    pub fn checked(&self, outcome: RecheckOutcome) {
        let outcome = match outcome {
            RecheckOutcome::Active => "active",
            RecheckOutcome::Ended => "ended",
            RecheckOutcome::CoreAway => "core_away",
            RecheckOutcome::StoreAway => "store_away",
            RecheckOutcome::TurnedAway => "turned_away",
        };
        self.checks.with_label_values(&[outcome]).inc();
    }

    /// Counts a check as waiting until what it returns is dropped.
    #[must_use]
    pub fn begun(&self) -> InFlight {
        self.waiting.inc();
        InFlight(self.waiting.clone())
    }

    /// Nobody was connected to core for a while.
    pub fn gap(&self) {
        self.gaps.inc();
    }
}
