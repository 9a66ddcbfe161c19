//! Wrong tokens, counted: guessing takes for ever.
//!
//! One address can be kept out for a while, everybody never: who brings the right token comes in
//! however many strangers guess.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// The time over which is counted.
const WINDOW: Duration = Duration::from_secs(60);

/// How many wrong tokens are borne within a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guesses {
    /// Of one address.
    pub of_one: usize,
    /// Of all; what goes beyond is answered without being counted.
    pub of_all: usize,
}

/// Counts failures of this process. Never holds more addresses than failures are let through.
#[derive(Debug)]
pub(super) struct Limiter {
    most: Guesses,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: Count,
    addresses: HashMap<Option<IpAddr>, Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    since: Option<Instant>,
    failures: usize,
}

impl Count {
    /// The time until `most` more failures fit in; `None`: now.
    fn full(&self, most: usize, now: Instant) -> Option<Duration> {
        let left = WINDOW.checked_sub(now.duration_since(self.since?))?;
        (self.failures >= most && !left.is_zero()).then_some(left)
    }

    fn add(&mut self, now: Instant) {
        let fresh = self.since.is_none_or(|since| now.duration_since(since) >= WINDOW);
        *self = Self {
            since: if fresh { Some(now) } else { self.since },
            failures: if fresh { 1 } else { self.failures.saturating_add(1) },
        };
    }
}

impl Limiter {
    pub(super) fn new(most: Guesses) -> Self {
        Self { most, counts: Mutex::default() }
    }

    /// Whether somebody at `address` may try at `now`.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn check(&self, address: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let counts = self.counts();
        let of_one = counts.addresses.get(&network(address));
        of_one.and_then(|count| count.full(self.most.of_one, now)).map_or(Ok(()), Err)
    }

    /// Counts a failure.
    ///
    /// # Errors
    /// How long to wait, where too many were counted already: this one is not.
    pub(super) fn failed(&self, address: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let mut counts = self.counts();
        if let Some(wait) = counts.all.full(self.most.of_all, now) {
            return Err(wait);
        }
        counts.all.add(now);
        counts.addresses.retain(|_, count| count.full(0, now).is_some());
        counts.addresses.entry(network(address)).or_default().add(now);
        Ok(())
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What one person has: an IPv4 address, or a /64 of IPv6.
fn network(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(|address| match address.to_canonical() {
        IpAddr::V6(address) => {
            let host = u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !host))
        }
        v4 @ IpAddr::V4(_) => v4,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_ONE: usize = 10;
    const OF_ALL: usize = 100;

    fn limiter() -> Limiter {
        Limiter::new(Guesses { of_one: OF_ONE, of_all: OF_ALL })
    }

    fn address(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn an_address_has_ten_tries_a_minute() {
        let limiter = limiter();
        let start = Instant::now();
        for _ in 0..OF_ONE {
            assert_eq!(limiter.check(address("192.0.2.1"), start), Ok(()));
            assert_eq!(limiter.failed(address("192.0.2.1"), start), Ok(()));
        }
        assert_eq!(limiter.check(address("192.0.2.1"), start), Err(WINDOW));
        assert_eq!(limiter.check(address("::ffff:192.0.2.1"), start), Err(WINDOW));
        assert_eq!(limiter.check(address("192.0.2.2"), start), Ok(()));
        let later = start + Duration::from_secs(59);
        assert_eq!(limiter.check(address("192.0.2.1"), later), Err(Duration::from_secs(1)));
        assert_eq!(limiter.check(address("192.0.2.1"), start + WINDOW), Ok(()));
    }

    #[test]
    fn a_network_of_one_person_counts_as_one() {
        let limiter = limiter();
        let start = Instant::now();
        for host in 0..OF_ONE {
            assert!(limiter.failed(address(&format!("2001:db8::{host}")), start).is_ok());
        }
        assert!(limiter.check(address("2001:db8::ffff"), start).is_err());
        assert_eq!(limiter.check(address("2001:db8:0:1::1"), start), Ok(()));
    }

    #[test]
    fn many_addresses_together_are_held_up_keep_nobody_out_and_leave_nothing_behind() {
        let limiter = limiter();
        let start = Instant::now();
        for host in 0..OF_ALL {
            assert!(limiter.failed(address(&format!("10.0.0.{host}")), start).is_ok());
        }
        assert_eq!(limiter.failed(address("192.0.2.1"), start), Err(WINDOW));
        assert_eq!(limiter.counts().addresses.len(), OF_ALL);
        assert_eq!(limiter.check(address("192.0.2.1"), start), Ok(()), "it may have the token");
        assert_eq!(limiter.failed(address("192.0.2.1"), start + WINDOW), Ok(()));
        assert_eq!(limiter.counts().addresses.len(), 1);
    }
}
