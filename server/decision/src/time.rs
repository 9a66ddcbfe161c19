//! A point in time as an argument: the pure crate never reads a clock.

use serde::{Deserialize, Serialize};

/// Seconds since the Unix epoch (RFC 7519 `NumericDate`, whole seconds).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment plus `seconds`, saturating at the ends of the range.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Whole seconds from `self` until `later`; 0 when `later` has passed.
    #[must_use]
    pub const fn seconds_until(self, later: Self) -> i64 {
        let left = later.0.saturating_sub(self.0);
        if left < 0 { 0 } else { left }
    }
}
