//! Figures of logouts that core sends over the back channel.

use prometheus::{IntCounter, IntCounterVec};

use super::names::{BACK_CHANNEL_ENDED, BACK_CHANNEL_LOGOUTS, Maker};

/// What became of a logout over the back channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutOutcome {
    /// The sessions have ended, where there were any.
    Done,
    /// It was none that counts.
    Refused,
    /// The session store or core's keys were away.
    Unavailable,
}

/// Logouts and the sessions that they ended.
#[derive(Debug)]
pub(super) struct LogoutFigures {
    logouts: IntCounterVec,
    ended: IntCounter,
}

impl LogoutFigures {
    pub(super) fn new(make: &Maker<'_>) -> Result<Self, prometheus::Error> {
        Ok(Self {
            logouts: make.counters(&BACK_CHANNEL_LOGOUTS)?,
            ended: make.counter(&BACK_CHANNEL_ENDED)?,
        })
    }

    pub(super) fn count(&self, outcome: LogoutOutcome, ended: usize) {
        let outcome = match outcome {
            LogoutOutcome::Done => "done",
            LogoutOutcome::Refused => "refused",
            LogoutOutcome::Unavailable => "unavailable",
        };
        self.logouts.with_label_values(&[outcome]).inc();
        self.ended.inc_by(u64::try_from(ended).unwrap_or(u64::MAX));
    }
}
