//! The `Host` of requests to the operators' listeners.

use actix_web::http::header::{self, HeaderMap};
use outpost_decision::target::Authority;

/// What `Host` names, if there is exactly one and it is a host.
pub(super) fn only_host(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST);
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    Authority::parse(host.to_str().ok()?)
}

/// Whether `host` (brackets allowed) is an address of loopback.
pub(super) fn is_loopback_address(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
