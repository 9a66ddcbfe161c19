//! How long something took, over the last 15 minutes: a histogram whose buckets grow with what
//! they hold, so that every duration is told to within some three percent.

use std::sync::OnceLock;
use std::time::Duration;

use outpost_dashboard::model::Speed;
use outpost_decision::time::Timestamp;

use super::WINDOW;
use super::cell::{Cell, in_ring, turn};

/// Seconds of a turn.
const STEP: u32 = 60;

/// Turns that are looked at.
const SHOWN: u32 = (WINDOW / STEP as i64) as u32;

/// Turns that are kept.
const KEPT: usize = 16;

/// Buckets between a duration and twice that: the width of one is a sixteenth of what it holds,
/// and its middle is off by half of that at most.
const PARTS: usize = 16;

/// Doublings, from 16 µs on: up to 134 seconds, which also stand for everything longer.
const OCTAVES: usize = 24;

/// Buckets of one octave over all turns.
type Octave = Box<[[Cell; PARTS]]>;

/// Durations lately. An octave takes room when the first duration falls into it.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    octaves: [OnceLock<Octave>; OCTAVES],
}

impl Histogram {
    /// Counts what ended at `at` and took this long.
    pub(super) fn add(&self, at: Timestamp, took: Duration) {
        let (octave, part) = bucket(took);
        let turn = turn(at, STEP);
        let Some(octave) = self.octaves.get(octave) else { return };
        let octave = octave.get_or_init(|| (0..KEPT).map(|_| Default::default()).collect());
        if let Some(cell) = in_ring(octave, turn).and_then(|parts| parts.get(part)) {
            cell.add(turn);
        }
    }

    /// Median and 99th percentile; `None` where nothing happened.
    pub(super) fn speed(&self, now: Timestamp) -> Option<Speed> {
        let last = turn(now, STEP);
        let turns = last.saturating_sub(SHOWN - 1)..=last;
        let mut counts: Vec<(f64, u64)> = Vec::new();
        let begun = self.octaves.iter().enumerate();
        for (octave, cells) in begun.filter_map(|(octave, cells)| Some((octave, cells.get()?))) {
            let mut parts = [0_u64; PARTS];
            for turn in turns.clone() {
                let Some(kept) = in_ring(cells, turn) else { continue };
                for (sum, cell) in parts.iter_mut().zip(kept) {
                    *sum += cell.count(turn);
                }
            }
            let seen = parts.into_iter().enumerate().filter(|(_, count)| *count > 0);
            counts.extend(seen.map(|(part, count)| (middle(octave, part), count)));
        }
        let total: u64 = counts.iter().map(|(_, count)| count).sum();
        let under = |hundredths: u64| {
            let rank = (total * hundredths).div_ceil(100);
            let mut passed = 0;
            let found = counts.iter().find(|(_, count)| {
                passed += count;
                passed >= rank
            });
            found.map(|(middle, _)| *middle)
        };
        (total > 0).then(|| under(50).zip(under(99)))?.map(|(p50, p99)| Speed { p50, p99 })
    }
}

/// Octave and part of a duration.
fn bucket(took: Duration) -> (usize, usize) {
    const LONGEST: u64 = (1 << 27) - 1;
    let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST).min(LONGEST);
    let index = |number: u64| usize::try_from(number).unwrap_or_default();
    match micros.checked_ilog2() {
        Some(power @ 4..) => (index(u64::from(power - 3)), index((micros >> (power - 4)) & 15)),
        _ => (0, index(micros)),
    }
}

/// The middle of a bucket, in milliseconds.
fn middle(octave: usize, part: usize) -> f64 {
    let part = u32::try_from(part).unwrap_or_default();
    let shift = u32::try_from(octave).unwrap_or_default().saturating_sub(1);
    let width = f64::from(1_u32 << shift);
    let lower = if octave == 0 { f64::from(part) } else { f64::from(16 + part) * width };
    // Whole microseconds: the narrowest buckets hold one each.
    let middle = lower + (width - 1.0) / 2.0;
    middle / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_told_to_within_four_percent() {
        let mut micros = 1_u64;
        while micros < 134_000_000 {
            let (octave, part) = bucket(Duration::from_micros(micros));
            assert!(octave < OCTAVES && part < PARTS, "{micros}: {octave} {part}");
            let told = middle(octave, part) * 1000.0;
            #[expect(clippy::cast_precision_loss, reason = "far below")]
            let error = (told - micros as f64).abs() / micros as f64;
            assert!(error <= 0.04, "{micros} told as {told}");
            micros = (micros + 1).max(micros * 101 / 100);
        }
    }

    #[test]
    fn what_takes_for_ever_counts_as_the_longest() {
        let longest = bucket(Duration::from_secs(134));
        assert_eq!(bucket(Duration::MAX), bucket(Duration::from_secs(3600)));
        assert_eq!(bucket(Duration::MAX).0, longest.0);
        assert_eq!(bucket(Duration::ZERO), (0, 0));
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let place = |micros| {
            let (octave, part) = bucket(Duration::from_micros(micros));
            octave * PARTS + part
        };
        for micros in 1..100_000 {
            let step = place(micros) - place(micros - 1);
            assert!(step <= 1, "{micros}");
        }
    }
}
