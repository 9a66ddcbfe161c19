//! How long to wait before trying again: exponential, bounded, spread by chance.

use std::time::Duration;

/// The waits between attempts. Each attempt may wait up to twice as long as the one before, and
/// waits at least half of what it may: a fleet that lost its core at the same moment does not
/// come back at the same moment, and nobody hammers.
///
/// With the default (contract 4): 1 to 2 s, 2 to 4 s, 4 to 8 s and so on, up to 2.5 to 5 minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// No wait is shorter.
    pub shortest: Duration,
    /// No wait is longer.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { shortest: Duration::from_secs(1), longest: Duration::from_secs(300) }
    }
}

impl Backoff {
    /// The wait before the attempt that follows `failures` failed ones (0 counts as the first
    /// wait). `random` is a uniformly random word; it picks the point in the range.
    #[must_use]
    pub fn delay(&self, failures: u32, random: u32) -> Duration {
        let doublings = failures.min(31);
        let ceiling = self.shortest.saturating_mul(2_u32.saturating_pow(doublings + 1));
        let ceiling = ceiling.min(self.longest).max(self.shortest);
        let floor = (ceiling / 2).max(self.shortest);
        floor + part_of(ceiling - floor, random)
    }
}

/// A point between nothing and `whole`, picked by a uniformly random word.
#[must_use]
pub fn part_of(whole: Duration, random: u32) -> Duration {
    let nanoseconds = (whole.as_nanos() * u128::from(random)) >> 32;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)).min(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn doubles_from_one_second_to_five_minutes() {
        let backoff = Backoff::default();
        let lows: Vec<u64> = (0..10).map(|n| backoff.delay(n, 0).as_secs()).collect();
        assert_eq!(lows, [1, 2, 4, 8, 16, 32, 64, 128, 150, 150]);
        let highs: Vec<u128> = (0..10).map(|n| backoff.delay(n, u32::MAX).as_millis()).collect();
        assert_eq!(
            highs,
            [1_999, 3_999, 7_999, 15_999, 31_999, 63_999, 127_999, 255_999, 299_999, 299_999]
        );
    }

    #[test]
    fn a_longest_wait_under_the_shortest_does_not_panic() {
        let odd = Backoff { shortest: Duration::from_secs(3), longest: Duration::from_secs(1) };
        assert_eq!(odd.delay(5, u32::MAX), Duration::from_secs(3));
    }

    #[test]
    fn nothing_is_nothing() {
        let none = Backoff { shortest: Duration::ZERO, longest: Duration::ZERO };
        assert_eq!(none.delay(u32::MAX, u32::MAX), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn stays_in_bounds_and_never_shrinks(
            failures in any::<u32>(), random in any::<u32>(), other in any::<u32>()
        ) {
            let backoff = Backoff::default();
            let now = backoff.delay(failures, random);
            prop_assert!(now >= backoff.shortest && now <= backoff.longest);
            // Two waits later even the luckiest draw is not shorter than the unluckiest now,
            // unless the bound is reached.
            let later = backoff.delay(failures.saturating_add(2), other);
            prop_assert!(later >= now || later >= backoff.longest / 2);
        }

        #[test]
        fn a_part_is_at_most_the_whole(seconds in 0_u64..1_000_000, random in any::<u32>()) {
            let whole = Duration::from_secs(seconds);
            prop_assert!(part_of(whole, random) <= whole);
        }
    }
}
