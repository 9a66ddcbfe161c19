//! Times, counted by size: a figure is known to 1.6 % of itself, whatever it is.

use std::time::Duration;

use serde_json::{Value, json};

/// Parts of each power of two.
const PARTS: u64 = 64;

/// Counts of times.
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    most: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; 64 * PARTS as usize], total: 0, most: 0 }
    }

    pub(crate) fn add(&mut self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(place(nanoseconds)) {
            *count += 1;
        }
        self.total += 1;
        self.most = self.most.max(nanoseconds);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.most = self.most.max(other.most);
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// The time below which this share lies, in microseconds.
    fn quantile(&self, share: f64) -> f64 {
        let wanted = (share * self.total as f64).ceil() as u64;
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted.max(1) {
                return beginning(place + 1).min(self.most) as f64 / 1000.0;
            }
        }
        0.0
    }

    /// The usual ones, in microseconds.
    pub(crate) fn figures(&self) -> Value {
        json!({
            "p50": self.quantile(0.5), "p90": self.quantile(0.9), "p99": self.quantile(0.99),
            "p999": self.quantile(0.999), "most": self.most as f64 / 1000.0,
        })
    }
}

/// Where a time is counted: small ones each for itself, larger ones in parts of powers of two.
fn place(nanoseconds: u64) -> usize {
    let power = u64::from(63 - (nanoseconds | 1).leading_zeros());
    let low = u64::from(PARTS.trailing_zeros());
    let place = if power < low {
        nanoseconds
    } else {
        let shift = power - low;
        (shift + 1) * PARTS + ((nanoseconds >> shift) - PARTS)
    };
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// The smallest time that is counted there.
fn beginning(place: usize) -> u64 {
    let place = place as u64;
    if place < PARTS {
        return place;
    }
    let shift = place / PARTS - 1;
    (PARTS + place % PARTS) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_counted_where_it_belongs() {
        for nanoseconds in [0, 1, 63, 64, 65, 127, 128, 1000, 123_456, 999_999_999, u64::MAX / 2] {
            let place = place(nanoseconds);
            assert!(beginning(place) <= nanoseconds, "{nanoseconds}");
            assert!(nanoseconds < beginning(place + 1), "{nanoseconds}");
            let width = beginning(place + 1) - beginning(place);
            assert!(width <= 1.max(nanoseconds / PARTS), "{nanoseconds}: {width}");
        }
    }

    #[test]
    fn quantiles_are_those_of_a_sorted_list() {
        let mut histogram = Histogram::new();
        for microseconds in 1..=1000 {
            histogram.add(Duration::from_micros(microseconds));
        }
        for (share, expected) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = histogram.quantile(share);
            assert!((found / expected - 1.0).abs() < 0.02, "{share}: {found}");
        }
    }
}
