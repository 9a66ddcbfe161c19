//! Figures for people: short, and as wide after a change as before it, as far as that goes.

/// A count with its thousands apart: `1,234,567`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// [`count`] with a noun that follows it: `1 session`, `2 sessions`.
#[must_use]
pub fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// Something a second: `0`, `0.3`, `12.5`, `1,204`.
#[must_use]
pub fn rate(value: f64) -> String {
    if !value.is_finite() || value <= 0.0 {
        "0".to_owned()
    } else if value < 0.05 {
        "< 0.1".to_owned()
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        count(whole(value))
    }
}

/// Milliseconds: `0.42 ms`, `8.1 ms`, `340 ms`, `2.4 s`.
#[must_use]
pub fn millis(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        "unknown".to_owned()
    } else if value < 0.995 {
        format!("{value:.2} ms")
    } else if value < 9.95 {
        format!("{value:.1} ms")
    } else if value < 999.5 {
        format!("{value:.0} ms")
    } else {
        format!("{:.1} s", value / 1000.0)
    }
}

/// A part of a whole in percent: `0 %`, `< 0.1 %`, `2.5 %`, `100 %`. Never rounds to none or all.
#[must_use]
pub fn percent(part: u64, all: u64) -> String {
    if part == 0 || all == 0 {
        return "0 %".to_owned();
    }
    if part >= all {
        return "100 %".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
    let value = part as f64 * 100.0 / all as f64;
    if value < 0.1 {
        "< 0.1 %".to_owned()
    } else if value > 99.9 {
        "> 99.9 %".to_owned()
    } else {
        format!("{value:.1} %")
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "finite, above 0")]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (value, expected) in
            [(0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(count(value), expected);
        }
        assert_eq!(counted(1, "session", "sessions"), "1 session");
        assert_eq!(counted(0, "session", "sessions"), "0 sessions");
    }

    #[test]
    fn rates_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (-1.0, "0"),
            (f64::NAN, "0"),
            (f64::INFINITY, "0"),
            (0.01, "< 0.1"),
            (0.25, "0.2"),
            (12.34, "12.3"),
            (99.94, "99.9"),
            (99.96, "100"),
            (12_040.2, "12,040"),
        ] {
            assert_eq!(rate(value), expected, "{value}");
        }
    }

    #[test]
    fn durations_keep_two_digits_that_matter() {
        for (value, expected) in [
            (0.0, "0.00 ms"),
            (0.424, "0.42 ms"),
            (0.999, "1.0 ms"),
            (8.14, "8.1 ms"),
            (9.96, "10 ms"),
            (340.4, "340 ms"),
            (999.6, "1.0 s"),
            (61_000.0, "61.0 s"),
            (f64::NAN, "unknown"),
        ] {
            assert_eq!(millis(value), expected, "{value}");
        }
    }

    #[test]
    fn a_part_is_never_rounded_to_none_or_all() {
        for (part, all, expected) in [
            (0, 0, "0 %"),
            (0, 10, "0 %"),
            (1, 100_000, "< 0.1 %"),
            (1, 40, "2.5 %"),
            (99_999, 100_000, "> 99.9 %"),
            (10, 10, "100 %"),
        ] {
            assert_eq!(percent(part, all), expected, "{part} of {all}");
        }
    }
}
