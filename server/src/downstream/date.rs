//! The `Date` of answers.

use std::cell::Cell;
use std::time::{Duration, UNIX_EPOCH};

use outpost_decision::time::Timestamp;

use crate::clock;

/// The date as answers tell it (RFC 9110 6.6.1), written once a second.
#[derive(Debug)]
pub(super) struct Date(Cell<(Timestamp, [u8; 29])>);

impl Date {
    pub(super) fn new() -> Self {
        let now = clock::now();
        Self(Cell::new((now, written(now))))
    }

    /// That of now.
    pub(super) fn now(&self) -> [u8; 29] {
        let now = clock::now();
        let (at, text) = self.0.get();
        if at == now {
            return text;
        }
        let text = written(now);
        self.0.set((now, text));
        text
    }
}

fn written(at: Timestamp) -> [u8; 29] {
    let seconds = u64::try_from(at.0).unwrap_or_default();
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    // Always as long, until the year 9999.
    date.into_bytes().try_into().unwrap_or(*b"Thu, 01 Jan 1970 00:00:00 GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_that_of_its_second() {
        assert_eq!(&written(Timestamp(784_111_777)), b"Sun, 06 Nov 1994 08:49:37 GMT");
        let date = Date::new();
        date.0.set((Timestamp(0), written(Timestamp(0))));
        let (before, now, after) = (clock::now(), date.now(), clock::now());
        assert!((before.0..=after.0).any(|second| now == written(Timestamp(second))));
    }
}
