//! So many times a minute for each client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use outpost_decision::origin::TrustedNetworks;
use outpost_decision::time::Timestamp;

use super::{Limit, LimitFigures, network};

/// A minute, in seconds.
const WINDOW: i64 = 60;

/// Who is counted, and how many.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Most clients that are counted at a time, some 64 bytes each. Whoever comes from more places
    /// than that at once cannot be told apart from a crowd.
    pub most: usize,
    /// Networks that are not.
    pub spared: TrustedNetworks,
    /// Where it is noted that there were more.
    pub figures: LimitFigures,
}

/// Counts what clients do. A client's minute begins with the first time.
pub struct PerMinute {
    allowed: usize,
    of: Counted,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    of: HashMap<IpAddr, Count>,
    /// When those whose minute was over were last dropped.
    swept: Option<Timestamp>,
}

#[derive(Clone, Copy)]
struct Count {
    spent: usize,
    since: Timestamp,
}

impl Count {
    fn is_over(self, now: Timestamp) -> bool {
        // A clock that was put back ends a minute, too: nobody is kept out for long.
        !(0..WINDOW).contains(&self.since.seconds_until(now))
    }
}

impl PerMinute {
    /// So many times for each client (0: any number).
    #[must_use]
    pub fn new(allowed: usize, of: Counted) -> Self {
        Self { allowed, of, counts: Mutex::default() }
    }

    /// Once more for this client.
    ///
    /// # Errors
    /// When it has had all of its times: the seconds until it may again.
    pub fn spend(&self, client: IpAddr, now: Timestamp) -> Result<(), u32> {
        let Some(client) = self.counted(client) else { return Ok(()) };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if !counts.of.contains_key(&client) {
            self.make_room(&mut counts, now);
        }
        let count = counts.of.entry(client).or_insert(Count { spent: 0, since: now });
        if count.is_over(now) {
            *count = Count { spent: 0, since: now };
        }
        if count.spent >= self.allowed {
            return Err(left(*count, now));
        }
        count.spent += 1;
        Ok(())
    }

    /// Takes one time back that was spent in advance.
    pub fn refund(&self, client: IpAddr) {
        let Some(client) = self.counted(client) else { return };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.of.get_mut(&client) {
            count.spent = count.spent.saturating_sub(1);
        }
    }

    fn counted(&self, client: IpAddr) -> Option<IpAddr> {
        let counts = self.allowed > 0 && !self.of.spared.contains(client.to_canonical());
        counts.then(|| network(client))
    }

    /// Room for one more: those whose minute is over go, looked for once a second at most, and then
    /// whoever comes first.
    fn make_room(&self, counts: &mut Counts, now: Timestamp) {
        if counts.of.len() < self.of.most {
            return;
        }
        if counts.swept != Some(now) {
            counts.swept = Some(now);
            counts.of.retain(|_, count| !count.is_over(now));
        }
        if counts.of.len() >= self.of.most
            && let Some(first) = counts.of.keys().next().copied()
        {
            counts.of.remove(&first);
            self.of.figures.reached(Limit::CountedClients);
        }
    }
}

fn left(count: Count, now: Timestamp) -> u32 {
    u32::try_from(WINDOW - count.since.seconds_until(now)).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const MOST: usize = 1000;

    fn of(allowed: usize) -> PerMinute {
        let spared = TrustedNetworks::from(vec!["10.0.0.0/8".parse().unwrap()]);
        PerMinute::new(allowed, Counted { most: MOST, spared, figures: LimitFigures::unread() })
    }

    fn from(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_has_its_times_and_a_minute_later_again() {
        let limit = of(3);
        let start = Timestamp(1_000_000);
        for at in [0, 5, 59] {
            assert_eq!(limit.spend(from("192.0.2.1"), start.plus(at)), Ok(()));
        }
        assert_eq!(limit.spend(from("192.0.2.1"), start.plus(59)), Err(1));
        assert_eq!(limit.spend(from("::ffff:192.0.2.1"), start.plus(30)), Err(30));
        limit.refund(from("192.0.2.1"));
        assert_eq!(limit.spend(from("192.0.2.1"), start.plus(30)), Ok(()), "given back");
        assert_eq!(limit.spend(from("192.0.2.1"), start.plus(30)), Err(30));
        assert_eq!(limit.spend(from("192.0.2.2"), start.plus(59)), Ok(()), "others have theirs");
        assert_eq!(limit.spend(from("192.0.2.1"), start.plus(60)), Ok(()));
        assert_eq!(limit.spend(from("192.0.2.1"), start.plus(60)), Ok(()));
        assert_eq!(limit.spend(from("192.0.2.1"), start.plus(-3600)), Ok(()), "a clock put back");
    }

    #[test]
    fn a_64_of_ipv6_is_one_client() {
        let limit = of(2);
        let now = Timestamp(1_000_000);
        assert_eq!(limit.spend(from("2001:db8::1"), now), Ok(()));
        assert_eq!(limit.spend(from("2001:db8::ffff:2"), now), Ok(()));
        assert_eq!(limit.spend(from("2001:db8::3"), now), Err(60));
        assert_eq!(limit.spend(from("2001:db8:0:1::1"), now), Ok(()));
    }

    #[test]
    fn proxies_and_everybody_without_a_limit_are_not_counted() {
        let now = Timestamp(1_000_000);
        for (limit, client) in
            [(of(1), "10.1.2.3"), (of(1), "::ffff:10.1.2.3"), (of(0), "192.0.2.1")]
        {
            for _ in 0..5 {
                assert_eq!(limit.spend(from(client), now), Ok(()));
            }
            assert!(limit.counts.lock().unwrap().of.is_empty());
        }
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_room() {
        let limit = of(1);
        let now = Timestamp(1_000_000);
        let forgotten = || limit.of.figures.count(Limit::CountedClients);
        for client in 0..u32::try_from(MOST).unwrap() + 300 {
            // 192.0.0.0 and on.
            let address = IpAddr::V4(Ipv4Addr::from_bits(0xC000_0000 + client));
            assert_eq!(limit.spend(address, now), Ok(()));
            let beyond = u64::from(client + 1).saturating_sub(MOST as u64);
            assert_eq!(forgotten(), beyond, "none at the limit, and then one for each");
        }
        assert_eq!(limit.counts.lock().unwrap().of.len(), MOST);
        assert_eq!(limit.spend(from("198.51.100.1"), now.plus(60)), Ok(()));
        assert_eq!(limit.counts.lock().unwrap().of.len(), 1, "their minute is over");
        assert_eq!(forgotten(), 300, "whose minute is over is not forgotten too early");
    }
}
