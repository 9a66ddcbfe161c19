//! Peers whose forwarding headers are not believed: of each, it is logged once, and kept for the
//! doctor.
//!
//! Most often it is the operator's own proxy at an address that nobody has named.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use outpost_decision::doctor;
use outpost_decision::origin::Origin;
use outpost_decision::time::Timestamp;

/// How many peers are told of. Anybody may send such headers; the log is not theirs to fill.
const PEERS: usize = 1024;

/// The peers told of so far. Cheap to clone; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Unbelieved {
    peers: Arc<RwLock<HashMap<IpAddr, Seen>>>,
}

/// What one peer did.
#[derive(Debug)]
struct Seen {
    peer_trusted: bool,
    headers: Vec<&'static str>,
    first: Timestamp,
    last: AtomicI64,
    count: AtomicU64,
}

impl Unbelieved {
    /// Logs the headers of `origin` that were ignored, if this is the first time for `peer`.
    pub fn note(&self, peer: IpAddr, origin: &Origin, now: Timestamp) {
        if origin.ignored.is_empty() || !self.is_first(peer, origin, now) {
            return;
        }
        let setting = match origin.peer_trusted {
            true => "listen.forwarded",
            false => "listen.trusted_proxy_cidrs",
        };
        tracing::info!(
            %peer,
            headers = origin.ignored.join(", "),
            setting,
            "forwarding headers of a peer are ignored; if it is a proxy of yours, change the setting"
        );
    }

    /// Every peer, as it was last seen.
    #[must_use]
    pub fn seen(&self) -> Vec<doctor::Unbelieved> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        peers
            .iter()
            .map(|(peer, seen)| doctor::Unbelieved {
                peer: *peer,
                peer_trusted: seen.peer_trusted,
                headers: seen.headers.clone(),
                first: seen.first,
                last: Timestamp(seen.last.load(Ordering::Relaxed)),
                count: seen.count.load(Ordering::Relaxed),
            })
            .collect()
    }

    /// Whether nothing was said of `peer` yet, and there is room to remember that something is.
    /// Waits for nobody: while somebody reads, one request more or less is not counted.
    fn is_first(&self, peer: IpAddr, origin: &Origin, now: Timestamp) -> bool {
        let knows = |peers: &HashMap<IpAddr, Seen>| match peers.get(&peer) {
            Some(seen) => {
                seen.last.store(now.0, Ordering::Relaxed);
                seen.count.fetch_add(1, Ordering::Relaxed);
                true
            }
            None => peers.len() >= PEERS,
        };
        if self.peers.try_read().map_or(true, |peers| knows(&peers)) {
            return false;
        }
        let Ok(mut peers) = self.peers.try_write() else { return false };
        if knows(&peers) {
            return false;
        }
        let seen = Seen {
            peer_trusted: origin.peer_trusted,
            headers: origin.ignored.clone(),
            first: now,
            last: AtomicI64::new(now.0),
            count: AtomicU64::new(1),
        };
        peers.insert(peer, seen);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use outpost_decision::facts::Peer;
    use outpost_decision::origin::{Trust, TrustedNetworks, resolve};

    use super::*;

    fn origin(peer: IpAddr) -> Origin {
        let trust = Trust::from(TrustedNetworks::parse("127.0.0.0/8").unwrap());
        let headers = [("host", "app.test"), ("x-forwarded-for", "192.0.2.7")];
        resolve(&Peer { address: peer, tls: false }, &headers[..], None, &trust).unwrap()
    }

    #[test]
    fn each_peer_is_told_of_once_and_no_more_than_there_is_room_for() {
        let unbelieved = Unbelieved::default();
        let first = |number: u32| {
            let peer = IpAddr::from(Ipv4Addr::from(0x0a00_0000 + number));
            unbelieved.is_first(peer, &origin(peer), Timestamp(i64::from(number)))
        };
        let most = u32::try_from(PEERS).unwrap();
        for round in [true, false] {
            let told = (0..most - 1).filter(|number| first(*number)).count();
            assert_eq!(told, if round { PEERS - 1 } else { 0 });
        }
        assert!(first(most));
        assert!(!first(most + 1), "full");
        assert_eq!(unbelieved.seen().len(), PEERS);
        let twice = unbelieved.seen().into_iter().find(|seen| seen.first == Timestamp(7)).unwrap();
        assert_eq!((twice.count, twice.headers), (2, vec!["X-Forwarded-For"]));
    }
}
