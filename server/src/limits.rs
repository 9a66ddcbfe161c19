//! Limits on what others may have of this process, and what is counted at each: a leaf that
//! connections, requests, the link to core, operators' pages and figures share.
//!
//! A client is an IPv4 address, or a /64 of IPv6: what one person has. Addresses of trusted networks
//! are not counted: whoever comes from there without saying for whom stands for many.

mod connections;
mod per_minute;

use std::net::{IpAddr, Ipv6Addr};

use prometheus::{IntCounter, IntCounterVec, IntGauge};

pub use connections::{Admission, Admitted};
pub use per_minute::{Counted, PerMinute};

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
    /// `limits.failed_codes_per_minute`.
    FailedCodes,
    /// `header_auth.failures_per_minute`.
    HeaderAuthFailures,
    /// `header_auth.capacity`: a result that still counted has gone.
    HeaderResults,
    /// `limits.counted_clients`: a client whose minute was not over is forgotten.
    CountedClients,
    /// `limits.flows_per_browser`.
    FlowsPerBrowser,
    /// `limits.logout_form_bytes`.
    LogoutForm,
    /// `limits.core_answer_bytes`.
    CoreAnswer,
    /// `limits.core_page_bytes`.
    CorePage,
    /// `limits.core_key_set_bytes`.
    CoreKeySet,
    /// `limits.core_message_bytes`.
    CoreMessage,
    /// `dashboard.viewers`.
    Viewers,
    /// What a viewer's browser may say, which is a word.
    ViewerMessage,
    /// `admin.failures_per_minute`, or `admin.failures_per_minute_of_all`.
    OperatorTokens,
}

impl Limit {
    /// Every limit, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::ConnectionsPerAddress,
        Self::RequestHead,
        Self::HeaderBytes,
        Self::CookieBytes,
        Self::SignIns,
        Self::FailedCodes,
        Self::HeaderAuthFailures,
        Self::HeaderResults,
        Self::CountedClients,
        Self::FlowsPerBrowser,
        Self::LogoutForm,
        Self::CoreAnswer,
        Self::CorePage,
        Self::CoreKeySet,
        Self::CoreMessage,
        Self::Viewers,
        Self::ViewerMessage,
        Self::OperatorTokens,
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
            Self::FailedCodes => "failed_codes_per_minute",
            Self::HeaderAuthFailures => "header_auth_failures",
            Self::HeaderResults => "header_auth_results",
            Self::CountedClients => "counted_clients",
            Self::FlowsPerBrowser => "flows_per_browser",
            Self::LogoutForm => "logout_form",
            Self::CoreAnswer => "core_answer",
            Self::CorePage => "core_page",
            Self::CoreKeySet => "core_key_set",
            Self::CoreMessage => "core_message",
            Self::Viewers => "viewers",
            Self::ViewerMessage => "viewer_message",
            Self::OperatorTokens => "operator_tokens",
        }
    }
}

/// How often each limit was reached, and how many connections there are.
#[derive(Clone, Debug)]
pub struct LimitFigures {
    reached: [IntCounter; Limit::ALL.len()],
    connections: IntGauge,
}

impl LimitFigures {
    /// Figures; `reached` has the one label `limit`. Each limit is there before it is reached.
    #[must_use]
    pub fn new(reached: &IntCounterVec, connections: IntGauge) -> Self {
        let reached = Limit::ALL.map(|limit| reached.with_label_values(&[limit.code()]));
        Self { reached, connections }
    }

    /// Figures that nobody reads.
    #[cfg(test)]
    pub(crate) fn unread() -> Self {
        let reached =
            IntCounterVec::new(prometheus::Opts::new("reached", "x"), &["limit"]).unwrap();
        Self::new(&reached, IntGauge::new("open", "x").unwrap())
    }

    /// Something was refused, or taken away, at a limit.
    pub fn reached(&self, limit: Limit) {
        self.reached[limit as usize].inc();
    }

    /// How often that was so.
    #[must_use]
    pub fn count(&self, limit: Limit) -> u64 {
        self.reached[limit as usize].get()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_a_figure_of_its_own() {
        let figures = LimitFigures::unread();
        for (number, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, number, "{limit:?}");
            figures.reached(limit);
            assert_eq!(figures.count(limit), 1, "{limit:?}");
        }
    }
}
