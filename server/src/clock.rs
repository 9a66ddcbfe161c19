//! The wall clock, read in the shell only: the pure crate gets time as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use outpost_decision::time::Timestamp;

/// Now, in whole seconds; a clock before 1970 is 1970.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
