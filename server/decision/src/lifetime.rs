//! How long sessions last, and when they are to be renewed (contract 9, and the limits that
//! operators set on top).

use std::collections::BTreeMap;

use crate::time::Timestamp;

/// How long a browser keeps the cookie of a session that may be renewed without a limit, in
/// seconds (30 days). The server's side ends it earlier; the cookie must only not be in the way.
const RENEWABLE_COOKIE_SECONDS: i64 = 30 * 24 * 3600;

/// A renewal begins at the earliest when this part of the token's lifetime is left.
const LATEST_PART: i64 = 5;

/// Limits of a session on top of its token's own end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// Seconds without a request; `None`: no such limit.
    pub idle: Option<i64>,
    /// Seconds since the sign-in; `None`: no such limit.
    pub max: Option<i64>,
}

/// The limits of every application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of applications without limits of their own.
    pub default: Lifetime,
    /// By slug.
    pub applications: BTreeMap<String, Lifetime>,
}

/// What follows from the limits for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it ends, if it is not renewed.
    pub expires: Timestamp,
    /// The longest that renewals may stretch it.
    pub ends_by: Option<Timestamp>,
    /// Seconds without a request after which it ends.
    pub idle_seconds: Option<i64>,
}

impl Lifetimes {
    /// The limits of the application with this slug.
    #[must_use]
    pub fn of(&self, slug: &str) -> Lifetime {
        self.applications.get(slug).copied().unwrap_or(self.default)
    }
}

impl Lifetime {
    /// A session that begins at `now` with a token that ends at `exp`.
    #[must_use]
    pub fn begin(self, now: Timestamp, exp: Timestamp) -> Span {
        let ends_by = self.max.map(|max| now.plus(max));
        Span { expires: renewed(exp, ends_by), ends_by, idle_seconds: self.idle }
    }
}

impl Span {
    /// `Max-Age` of the session's cookie, in seconds from `now`. That of a `renewable` session
    /// outlives its first token.
    #[must_use]
    pub fn cookie_seconds(&self, renewable: bool, now: Timestamp) -> i64 {
        let until = match (renewable, self.ends_by) {
            (false, _) => self.expires,
            (true, Some(ends_by)) => ends_by.min(now.plus(RENEWABLE_COOKIE_SECONDS)),
            (true, None) => now.plus(RENEWABLE_COOKIE_SECONDS),
        };
        now.seconds_until(until)
    }
}

/// When a session ends whose token ends at `exp`, as it begins and after each renewal.
#[must_use]
pub fn renewed(exp: Timestamp, ends_by: Option<Timestamp>) -> Timestamp {
    ends_by.map_or(exp, |ends_by| exp.min(ends_by))
}

/// Whether it is time at `now` to renew a session that ends at `expires`: within `before` seconds
/// of its end, or within a fifth of its token's `lifetime` where that is shorter, so that tokens
/// of a few minutes are not renewed all the time. Never when a renewal could not stretch it.
#[must_use]
pub fn is_renewal_due(
    now: Timestamp,
    expires: Timestamp,
    ends_by: Option<Timestamp>,
    lifetime: i64,
    before: i64,
) -> bool {
    let stretchable = ends_by.is_none_or(|ends_by| expires < ends_by);
    let window = before.min(lifetime / LATEST_PART);
    stretchable && now < expires && now.seconds_until(expires) <= window
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1000);
    const MONTH: i64 = RENEWABLE_COOKIE_SECONDS;

    #[test]
    fn a_session_ends_with_its_token_or_earlier_by_its_limits() {
        // idle, max, exp; expires, ends_by; Max-Age without and with renewals
        let cases = [
            (None, None, 1300, 1300, None, 300, MONTH),
            (Some(60), None, 1300, 1300, None, 300, MONTH),
            (None, Some(3600), 1300, 1300, Some(4600), 300, 3600),
            (Some(60), Some(100), 1300, 1100, Some(1100), 100, 100),
            (None, Some(300), 1300, 1300, Some(1300), 300, 300),
            (None, Some(MONTH * 2), 1300, 1300, Some(1000 + MONTH * 2), 300, MONTH),
            (None, None, 900, 900, None, 0, MONTH),
            (None, Some(i64::MAX), i64::MAX, i64::MAX, Some(i64::MAX), i64::MAX - 1000, MONTH),
        ];
        for (idle, max, exp, expires, ends_by, age, renewable_age) in cases {
            let span = Lifetime { idle, max }.begin(NOW, Timestamp(exp));
            let expected = Span {
                expires: Timestamp(expires),
                ends_by: ends_by.map(Timestamp),
                idle_seconds: idle,
            };
            assert_eq!(span, expected, "{idle:?} {max:?} {exp}");
            assert_eq!(span.cookie_seconds(false, NOW), age, "{span:?}");
            assert_eq!(span.cookie_seconds(true, NOW), renewable_age, "{span:?}");
        }
    }

    #[test]
    fn renewals_stretch_a_session_up_to_its_limit() {
        for (exp, ends_by, expires) in
            [(2000, None, 2000), (2000, Some(3000), 2000), (3001, Some(3000), 3000)]
        {
            assert_eq!(renewed(Timestamp(exp), ends_by.map(Timestamp)), Timestamp(expires));
        }
    }

    #[test]
    fn a_renewal_is_due_near_the_end_where_it_helps() {
        // seconds left, ends_by, lifetime of the token, before; due
        let cases = [
            (301, None, 86_400, 300, false),
            (300, None, 86_400, 300, true),
            (1, None, 86_400, 300, true),
            (0, None, 86_400, 300, false),
            (-1, None, 86_400, 300, false),
            (61, None, 300, 300, false),
            (60, None, 300, 300, true),
            (1, None, 4, 300, false),
            (100, Some(1100), 86_400, 300, false),
            (100, Some(1101), 86_400, 300, true),
            (100, None, 86_400, 0, false),
            (100, None, -5, 300, false),
        ];
        for (left, ends_by, lifetime, before, due) in cases {
            let expires = NOW.plus(left);
            let got = is_renewal_due(NOW, expires, ends_by.map(Timestamp), lifetime, before);
            assert_eq!(got, due, "{left} left, {ends_by:?}, {lifetime}, {before}");
        }
    }

    #[test]
    fn an_application_has_its_own_limits_or_those_of_all() {
        let own = Lifetime { idle: Some(1), max: None };
        let default = Lifetime { idle: None, max: Some(2) };
        let lifetimes = Lifetimes { default, applications: [("grafana".to_owned(), own)].into() };
        assert_eq!(lifetimes.of("grafana"), own);
        assert_eq!(lifetimes.of("wiki"), default);
    }
}
