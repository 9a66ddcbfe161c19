//! Connections of one client at a time.

use std::net::IpAddr;
use std::sync::Arc;

use dashmap::DashMap;
use outpost_decision::origin::TrustedNetworks;

use super::{Limit, LimitFigures, network};

/// Who may open another connection. Holds an entry for each client that has one open, and no more.
#[derive(Clone)]
pub struct Admission {
    most: usize,
    spared: TrustedNetworks,
    open: Arc<DashMap<IpAddr, usize>>,
    /// What is counted.
    pub figures: LimitFigures,
}

/// A connection that counts as its client's for as long as this exists.
#[derive(Debug)]
pub struct Admitted {
    client: IpAddr,
    open: Arc<DashMap<IpAddr, usize>>,
}

impl Admission {
    /// At most `most` connections for a client (0: any number), but for those of `spared` networks.
    #[must_use]
    pub fn new(most: usize, spared: TrustedNetworks, figures: LimitFigures) -> Self {
        Self { most, spared, open: Arc::default(), figures }
    }

    /// Lets a connection in, or not: then `Err`. Nothing is counted for whoever has no limit.
    ///
    /// # Errors
    /// When the client has as many as it may have.
    pub fn admit(&self, client: Option<IpAddr>) -> Result<Option<Admitted>, Refused> {
        let Some(client) = client.filter(|_| self.most > 0) else { return Ok(None) };
        if self.spared.contains(client.to_canonical()) {
            return Ok(None);
        }
        let client = network(client);
        let mut count = self.open.entry(client).or_default();
        if *count >= self.most {
            self.figures.reached(Limit::ConnectionsPerAddress);
            return Err(Refused);
        }
        *count += 1;
        drop(count);
        Ok(Some(Admitted { client, open: Arc::clone(&self.open) }))
    }

    /// How many clients have connections that are counted.
    #[cfg(test)]
    fn clients(&self) -> usize {
        self.open.len()
    }
}

/// A client has as many connections as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its client has as many connections as limits.connections_per_address allows")]
pub struct Refused;

impl Drop for Admitted {
    fn drop(&mut self) {
        if let Some(mut count) = self.open.get_mut(&self.client) {
            *count = count.saturating_sub(1);
        }
        self.open.remove_if(&self.client, |_, count| *count == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(most: usize) -> Admission {
        let spared = TrustedNetworks::from(vec!["10.0.0.0/8".parse().unwrap()]);
        Admission::new(most, spared, LimitFigures::unread())
    }

    fn from(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_client_has_so_many_connections_and_others_have_theirs() {
        let admission = admission(2);
        let first = admission.admit(from("192.0.2.1")).unwrap();
        let _second = admission.admit(from("::ffff:192.0.2.1")).unwrap();
        assert_eq!(admission.admit(from("192.0.2.1")).unwrap_err(), Refused);
        let _other = admission.admit(from("192.0.2.2")).unwrap();
        drop(first);
        let again = admission.admit(from("192.0.2.1")).unwrap();
        assert!(again.is_some());
        assert_eq!(admission.clients(), 2);
        drop(again);
    }

    #[test]
    fn a_64_of_ipv6_is_one_client() {
        let admission = admission(1);
        let _first = admission.admit(from("2001:db8::1")).unwrap();
        assert_eq!(admission.admit(from("2001:db8::2:3")).unwrap_err(), Refused);
        assert!(admission.admit(from("2001:db8:0:1::1")).unwrap().is_some());
    }

    #[test]
    fn proxies_unix_sockets_and_everybody_without_a_limit_are_not_counted() {
        let limited = admission(1);
        let free = admission(0);
        for client in [from("10.1.2.3"), from("::ffff:10.1.2.3"), None] {
            assert!(limited.admit(client).unwrap().is_none());
            assert!(limited.admit(client).unwrap().is_none());
        }
        assert!(free.admit(from("192.0.2.1")).unwrap().is_none());
        assert_eq!(limited.clients() + free.clients(), 0);
    }

    #[test]
    fn clients_that_have_gone_leave_nothing_behind() {
        let admission = admission(3);
        for host in 0..=255_u8 {
            let address = IpAddr::from([192, 0, 2, host]);
            let held = [(); 3].map(|()| admission.admit(Some(address)).unwrap());
            assert!(admission.admit(Some(address)).is_err());
            drop(held);
        }
        assert_eq!(admission.clients(), 0);
    }
}
