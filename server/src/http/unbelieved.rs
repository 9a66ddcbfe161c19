//! Peers whose forwarding headers are not believed: of each, it is logged once.
//!
//! Most often it is the operator's own proxy at an address that nobody has named.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

use outpost_decision::origin::Origin;

/// How many peers are told of. Anybody may send such headers; the log is not theirs to fill.
const PEERS: usize = 1024;

/// The peers told of so far.
#[derive(Debug, Default)]
pub struct Unbelieved {
    peers: RwLock<HashSet<IpAddr>>,
}

impl Unbelieved {
    /// Logs the headers of `origin` that were ignored, if this is the first time for `peer`.
    pub fn note(&self, peer: IpAddr, origin: &Origin) {
        if origin.ignored.is_empty() || !self.is_first(peer) {
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

    /// Whether nothing was said of `peer` yet, and there is room to remember that something is.
    fn is_first(&self, peer: IpAddr) -> bool {
        let knows = |peers: &HashSet<IpAddr>| peers.contains(&peer) || peers.len() >= PEERS;
        if knows(&self.peers.read().unwrap_or_else(PoisonError::into_inner)) {
            return false;
        }
        let mut peers = self.peers.write().unwrap_or_else(PoisonError::into_inner);
        !knows(&peers) && peers.insert(peer)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn each_peer_is_told_of_once_and_no_more_than_there_is_room_for() {
        let unbelieved = Unbelieved::default();
        let peer = |number: usize| {
            let number = u32::try_from(number).unwrap();
            IpAddr::from(Ipv4Addr::from(number))
        };
        for _ in 0..2 {
            let told = (0..PEERS - 1).filter(|number| unbelieved.is_first(peer(*number))).count();
            assert!(told == PEERS - 1 || told == 0, "{told}");
        }
        assert!(unbelieved.is_first(peer(PEERS)));
        assert!(!unbelieved.is_first(peer(PEERS + 1)), "full");
        assert_eq!(unbelieved.peers.read().unwrap().len(), PEERS);
    }
}
