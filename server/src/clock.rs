//! The wall clock, read in the shell only: the pure crate gets time as an argument.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use outpost_decision::time::Timestamp;

/// Now, in whole seconds; a clock before 1970 is 1970.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp(i64::try_from(since_epoch().as_secs()).unwrap_or(i64::MAX))
}

/// Now, as fine as the system tells it, for traces; a clock before 1970 is 1970.
#[must_use]
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// How far apart the clocks of two replicas may be.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);

/// How long a note must last so that until `end` every replica finds it, by whichever clock.
#[must_use]
pub fn lasting(now: Timestamp, end: Timestamp) -> Duration {
    let left = u64::try_from(now.seconds_until(end)).unwrap_or_default();
    Duration::from_secs(left).saturating_add(CLOCKS_DIFFER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_outlasts_what_it_is_about_on_a_replica_whose_clock_is_late() {
        for (end, seconds) in [(130, 90), (100, 60), (50, 60), (i64::MIN, 60)] {
            assert_eq!(lasting(Timestamp(100), Timestamp(end)), Duration::from_secs(seconds));
        }
    }
}
