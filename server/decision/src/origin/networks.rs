//! The networks whose forwarding headers are believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

/// A list of networks. IPv4-mapped IPv6 addresses and networks count as IPv4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedNetworks {
    networks: Vec<IpNet>,
}

/// An item of a list of networks that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{item:?} is no network; write an address range such as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidNetwork {
    /// The item as written.
    pub item: String,
}

impl Default for TrustedNetworks {
    /// Loopback, private and link-local networks (contract 2).
    fn default() -> Self {
        let v4 = |a, b, length| IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), length);
        Self {
            networks: vec![
                v4(127, 0, 8),
                v4(10, 0, 8),
                v4(172, 16, 12),
                v4(192, 168, 16),
                IpNet::new_assert(IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
                IpNet::new_assert(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
            ],
        }
    }
}

impl TrustedNetworks {
    /// Trusts nobody.
    #[must_use]
    pub const fn none() -> Self {
        Self { networks: Vec::new() }
    }

    /// Reads a comma separated list of networks; a bare address is a network of one. Blank items
    /// are nothing.
    ///
    /// # Errors
    /// Every item that cannot be read, not just the first.
    pub fn parse(text: &str) -> Result<Self, Vec<InvalidNetwork>> {
        let mut networks = Vec::new();
        let mut invalid = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let network = item.parse::<IpNet>().or_else(|_| {
                item.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()))
            });
            match network {
                Ok(network) => networks.push(canonical(network)),
                Err(_) => invalid.push(InvalidNetwork { item: item.to_owned() }),
            }
        }
        if invalid.is_empty() { Ok(Self { networks }) } else { Err(invalid) }
    }

    /// Whether `address` is in one of the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        // Bits that differ come after those that a network has in common.
        self.networks.iter().any(|network| match (network, address) {
            (IpNet::V4(network), IpAddr::V4(address)) => {
                let differing = address.to_bits() ^ network.addr().to_bits();
                differing.leading_zeros() >= network.prefix_len().into()
            }
            (IpNet::V6(network), IpAddr::V6(address)) => {
                let differing = address.to_bits() ^ network.addr().to_bits();
                differing.leading_zeros() >= network.prefix_len().into()
            }
            _ => false,
        })
    }

    /// The networks, in the order given.
    #[must_use]
    pub fn as_slice(&self) -> &[IpNet] {
        &self.networks
    }
}

impl From<Vec<IpNet>> for TrustedNetworks {
    fn from(networks: Vec<IpNet>) -> Self {
        Self { networks: networks.into_iter().map(canonical).collect() }
    }
}

/// `::ffff:10.0.0.0/104` means 10.0.0.0/8.
fn canonical(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V4(_) => None,
        IpNet::V6(v6) => v6.prefix_len().checked_sub(96).zip(v6.addr().to_ipv4_mapped()),
    };
    mapped
        .and_then(|(length, address)| Ipv4Net::new(address, length).ok())
        .map_or(network, IpNet::V4)
}
