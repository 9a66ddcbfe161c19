//! Limits on what one client may have of this process, and what is counted at each: a leaf that
//! connections, requests and figures share.
//!
//! A client is an IPv4 address, or a /64 of IPv6: what one person has. Addresses of trusted networks
//! are not counted: whoever comes from there without saying for whom stands for many.

mod connections;
mod per_minute;

use std::net::{IpAddr, Ipv6Addr};

use prometheus::{IntCounterVec, IntGauge};

pub use connections::{Admission, Admitted};
pub use per_minute::PerMinute;

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `limits.connections_per_address`.
    ConnectionsPerAddress,
    /// `limits.header_lines`, or a head that is larger than can be answered with a page.
    RequestHead,
    /// `limits.header_bytes`.
    HeaderBytes,
    /// `limits.cookie_bytes`.
    CookieBytes,
    /// `limits.sign_ins_per_minute`.
    SignIns,
    /// `header_auth.failures_per_minute`.
    HeaderAuthFailures,
    /// Sign-ins under way in one browser.
    FlowsPerBrowser,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 7] = [
        Self::ConnectionsPerAddress,
        Self::RequestHead,
        Self::HeaderBytes,
        Self::CookieBytes,
        Self::SignIns,
        Self::HeaderAuthFailures,
        Self::FlowsPerBrowser,
    ];

    /// Its name in figures.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::RequestHead => "request_head",
            Self::HeaderBytes => "header_bytes",
            Self::CookieBytes => "cookie_bytes",
            Self::SignIns => "sign_ins_per_minute",
            Self::HeaderAuthFailures => "header_auth_failures",
            Self::FlowsPerBrowser => "flows_per_browser",
        }
    }
}

/// How often each limit was reached, and how many connections there are.
#[derive(Clone, Debug)]
pub struct LimitFigures {
    reached: IntCounterVec,
    connections: IntGauge,
}

impl LimitFigures {
    /// Figures; `reached` has the one label `limit`. Each limit is there before it is reached.
    #[must_use]
    pub fn new(reached: IntCounterVec, connections: IntGauge) -> Self {
        for limit in Limit::ALL {
            reached.with_label_values(&[limit.code()]);
        }
        Self { reached, connections }
    }

    /// Something was refused, or taken away, at a limit.
    pub fn reached(&self, limit: Limit) {
        self.reached.with_label_values(&[limit.code()]).inc();
    }

    /// Counts a connection until what it returns is dropped.
    #[must_use]
    pub fn connection(&self) -> Open {
        self.connections.inc();
        Open(self.connections.clone())
    }
}

/// A connection that counts as long as this exists.
#[derive(Debug)]
pub struct Open(IntGauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What one person has of an address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let host = u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !host))
        }
        address @ IpAddr::V4(_) => address,
    }
}
