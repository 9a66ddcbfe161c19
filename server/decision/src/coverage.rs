//! Which ends of sessions core has told somebody of, and which sessions are in doubt.
//!
//! Core tells every connected outpost that a session of its own has ended, and keeps no queue: what
//! it says while no replica is connected is lost (contract 4). One connected replica covers all,
//! since it ends sessions in the store they share. So the replicas keep one [`Coverage`] in that
//! store: until when nothing can have been lost, and before when sessions must have been
//! vouched for again. A moment that nobody covered is a *gap*; after it, sessions that core
//! vouched for before its end are asked about again.
//!
//! A connection proves its coverage by acks: core handles what one connection sends and gets in
//! order, so an ack says that everything before the *hello it answers* has arrived. What was seen
//! by clocks of two machines is only believed with [`CLOCKS_DIFFER`] between.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backoff::part_of;
use crate::time::Timestamp;

/// Version of the written form.
const VERSION: u8 = 1;

/// Seconds by which the clocks of replicas may differ (2), and times are rounded (1).
pub const CLOCKS_DIFFER: i64 = 3;

/// What one connection to core has heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hearing {
    /// Which connection of which instance; no two connections ever have the same.
    pub connection: String,
    /// When core first acknowledged it: it hears everything said from here on.
    pub since: Timestamp,
    /// When the last hello was sent that core has acknowledged: everything said until then has
    /// arrived. Never before `since`.
    pub until: Timestamp,
}

/// What all replicas together have heard. One value, written by compare-and-set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Everything that core said between the last gap and this moment has been heard.
    pub covered_until: Timestamp,
    /// Sessions that core vouched for before this moment are in doubt; 0: none are. Grows with
    /// each gap.
    pub recheck_before: Timestamp,
    /// When the last gap was noticed: the time to re-check runs from here.
    pub declared_at: Timestamp,
    /// When the last gap began. `None`: nothing was known before, as at the first start.
    #[serde(default)]
    pub gap_since: Option<Timestamp>,
    /// Sessions there were when the gap was noticed: over how many the checks are spread.
    #[serde(default)]
    pub sessions: u64,
    /// The connection that last added to it.
    #[serde(default)]
    connection: String,
}

/// The written form.
#[derive(Serialize, Deserialize)]
struct Versioned<C> {
    v: u8,
    #[serde(flatten)]
    coverage: C,
}

/// What is written is not to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A newer outpost wrote it: it must be left alone.
    Newer,
    /// Nobody's.
    Garbage,
}

/// What a connection adds to what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It continues the coverage.
    Covered(Coverage),
    /// It does not, but another one may still prove to: nothing changes yet.
    Waits,
    /// Nobody covered the time before it.
    Gap(Coverage),
}

impl Coverage {
    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let Versioned { v, coverage }: Versioned<serde_json::Value> =
            serde_json::from_slice(bytes).map_err(|_| Unreadable::Garbage)?;
        if v != VERSION {
            return Err(Unreadable::Newer);
        }
        serde_json::from_value(coverage).map_err(|_| Unreadable::Garbage)
    }

    /// For the store.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        // Numbers and a text: there is nothing that could not be written.
        serde_json::to_vec(&Versioned { v: VERSION, coverage: self }).unwrap_or_default()
    }

    /// The time to note for a session that core vouches for at `now`, if this coverage was known
    /// when core was asked: then the session is not in doubt, whatever clocks say.
    #[must_use]
    pub fn vouched(&self, now: Timestamp) -> Timestamp {
        now.max(self.recheck_before)
    }

    /// Whether a session that core vouched for at `verified` must be asked about again.
    #[must_use]
    pub fn doubts(&self, verified: Timestamp) -> bool {
        verified < self.recheck_before
    }

    /// Whether `hearing` overlaps with what is covered. A time in the future (a clock that was
    /// set back) covers nothing: else it would hide every gap until it has come.
    fn reaches(&self, hearing: &Hearing, now: Timestamp) -> bool {
        let overlaps = hearing.since.plus(CLOCKS_DIFFER) <= self.covered_until;
        self.connection == hearing.connection
            || overlaps && self.covered_until <= now.plus(CLOCKS_DIFFER)
    }
}

/// Adds what a connection has heard to what is known (`None`: nothing).
///
/// `patience` is how long after its begin to wait for another connection that may have covered
/// the time before it: nothing when no other replica can exist, else some hellos. A fleet in
/// which connections overlap by more than a hello and [`CLOCKS_DIFFER`] never has a gap.
#[must_use]
pub fn advance(
    known: Option<&Coverage>,
    hearing: &Hearing,
    now: Timestamp,
    patience: Duration,
) -> Progress {
    let connection = hearing.connection.clone();
    let heard_until = hearing.until.max(hearing.since);
    if let Some(known) = known {
        if known.reaches(hearing, now) {
            let covered_until = known.covered_until.max(heard_until);
            return Progress::Covered(Coverage { covered_until, connection, ..known.clone() });
        }
        let waited = hearing.since.seconds_until(now);
        if u64::try_from(waited).unwrap_or(0) < patience.as_secs() {
            return Progress::Waits;
        }
    }
    // Greater than the one before, so that a session that has been vouched for after that gap
    // (see `vouched`) is in doubt again.
    let after_the_last = known.map_or(Timestamp(0), |known| known.recheck_before.plus(1));
    Progress::Gap(Coverage {
        covered_until: heard_until,
        recheck_before: hearing.since.plus(CLOCKS_DIFFER).max(after_the_last),
        declared_at: now,
        gap_since: known.map(|known| known.covered_until),
        sessions: 0,
        connection,
    })
}

/// How checks are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Every session used is checked within this time after a gap.
    pub within: Duration,
    /// Checks a second; never zero.
    pub rate: usize,
}

/// What is to be done about a session that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// Nothing: core has vouched for it since the last gap.
    Fine,
    /// It is in doubt, and its turn has not come: it is served as it is.
    Later,
    /// Its turn has come.
    Now,
    /// The time within which it should have been checked is over: it is not served unchecked.
    Overdue,
}

/// Whether a session that core vouched for at `verified` is to be checked at `now`. `key` is a
/// hash: it gives each session its turn.
#[must_use]
pub fn due(
    key: &[u8; 32],
    verified: Timestamp,
    coverage: &Coverage,
    now: Timestamp,
    pace: Pace,
) -> Due {
    if !coverage.doubts(verified) {
        return Due::Fine;
    }
    let passed = Duration::from_secs(
        u64::try_from(coverage.declared_at.seconds_until(now)).unwrap_or(u64::MAX),
    );
    if passed >= pace.within {
        return Due::Overdue;
    }
    let rate = u64::try_from(pace.rate).unwrap_or(u64::MAX).max(1);
    let spread = pace.within.min(Duration::from_secs(coverage.sessions / rate));
    let [.., a, b, c, d] = *key;
    if passed < part_of(spread, u32::from_be_bytes([a, b, c, d])) { Due::Later } else { Due::Now }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
