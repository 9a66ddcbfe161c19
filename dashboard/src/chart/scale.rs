//! How high a chart is.

use crate::number;

/// The top of a chart, and what its axis says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Top {
    /// The value at the top, above 0.
    pub(super) value: f64,
    /// What stands at the top.
    pub(super) whole: String,
    /// What stands half way up.
    pub(super) half: String,
}

impl Top {
    /// A top for counts up to `max`: a round number whose half is whole.
    pub(super) fn of_counts(max: u64) -> Self {
        let mut unit: u64 = 1;
        let top = loop {
            let fits = [2, 4, 6, 8, 10].into_iter().map(|step: u64| step.saturating_mul(unit));
            if let Some(top) = fits.into_iter().find(|top| *top >= max) {
                break top;
            }
            match unit.checked_mul(10) {
                Some(next) => unit = next,
                None => break max,
            }
        };
        Self { value: float(top), whole: number::count(top), half: number::count(top / 2) }
    }

    /// A top for rates up to `max`: counts a second, or tenths while there are few.
    pub(super) fn of_rates(max: f64) -> Self {
        if max > 1.0 {
            return Self::of_counts(ceil(max));
        }
        let tenths =
            [2_u8, 4, 6, 8, 10].into_iter().find(|tenths| f64::from(*tenths) / 10.0 >= max);
        let value = f64::from(tenths.unwrap_or(10)) / 10.0;
        Self { value, whole: format!("{value:.1}"), half: format!("{:.1}", value / 2.0) }
    }

    /// How far up `value` is, in parts of `parts`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 and parts"
    )]
    pub(super) fn height(&self, value: f64, parts: u32) -> u32 {
        let share = (value / self.value).clamp(0.0, 1.0);
        (share * f64::from(parts)).round() as u32
    }
}

#[expect(clippy::cast_precision_loss, reason = "drawn, not reckoned with")]
pub(super) const fn float(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn ceil(value: f64) -> u64 {
    value.ceil() as u64
}
