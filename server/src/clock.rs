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
