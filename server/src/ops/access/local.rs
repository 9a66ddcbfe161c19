//! Judging requests by where they come from: whether a program on this machine sends one by itself,
//! and whether a page of another site makes a browser send it. Forwarding headers are never
//! believed.

use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, Version};
use outpost_decision::target::{Authority, Scheme};

use super::{Asking, Refusal};
use crate::ops::host::{is_loopback_address, only_host};

/// Marks of a proxy in between.
pub(super) const FORWARDED: [&str; 11] = [
    "cf-connecting-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
];

/// Decides on a call of the API where nobody is asked who they are.
pub(super) fn call(asking: Asking<'_>) -> Result<(), Refusal> {
    let host = nearby(asking)?;
    if !same_site(asking.headers, &host) {
        return Err(Refusal::Site);
    }
    if !asking.reads() && !is_json(asking.headers) {
        return Err(Refusal::ContentType);
    }
    Ok(())
}

/// The `Host` of a request that a program on this machine sends by itself.
pub(super) fn nearby(asking: Asking<'_>) -> Result<Authority, Refusal> {
    let Asking { peer, version, headers, .. } = asking;
    if !peer.is_some_and(|peer| peer.to_canonical().is_loopback()) {
        return Err(Refusal::Peer);
    }
    if FORWARDED.iter().any(|name| headers.contains_key(*name)) {
        return Err(Refusal::Forwarded);
    }
    // What nginx speaks to an application unless it is told otherwise, and without any mark.
    if version < Version::HTTP_11 {
        return Err(Refusal::Version);
    }
    let host = only_host(headers).ok_or(Refusal::Host)?;
    if !is_loopback(&host) {
        return Err(Refusal::Host);
    }
    Ok(host)
}

/// Whether a host is this machine by a name that no DNS server decides.
pub(super) fn is_loopback(host: &Authority) -> bool {
    *host.host == *"localhost" || is_loopback_address(&host.host)
}

/// Whether a browser that asks for a page does so by itself: it is not another site's script, image
/// or frame. A link on another site may lead to a page; no site sees then what it says.
pub(super) fn may_read(method: &Method, headers: &HeaderMap, host: &Authority) -> bool {
    let reads = *method == Method::GET || *method == Method::HEAD;
    reads && is_navigation(headers) || same_site(headers, host)
}

/// Whether a browser goes to the page itself, in a window.
pub(super) fn is_navigation(headers: &HeaderMap) -> bool {
    let only = |name: &str, value: &str| {
        let mut all = headers.get_all(name);
        matches!((all.next(), all.next()), (Some(only), None) if only == value)
    };
    !headers.contains_key(header::ORIGIN)
        && only("sec-fetch-mode", "navigate")
        && only("sec-fetch-dest", "document")
}

/// Whether no browser says that the request is another site's. Other ports of this machine are
/// other sites: anybody may serve pages there.
pub(super) fn same_site(headers: &HeaderMap, host: &Authority) -> bool {
    headers.get_all(header::ORIGIN).all(|origin| {
        origin.to_str().ok().and_then(read_origin).is_some_and(|(scheme, named)| {
            named.without_default_port(scheme) == host.clone().without_default_port(scheme)
        })
    }) && headers.get_all("sec-fetch-site").all(|site| site == "same-origin" || site == "none")
}

/// Scheme and host of an `Origin`.
pub(super) fn read_origin(origin: &str) -> Option<(Scheme, Authority)> {
    let (scheme, rest) = origin.split_once("://")?;
    Some((Scheme::parse(scheme)?, Authority::parse(rest)?))
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE);
    let (Some(named), None) = (types.next(), types.next()) else { return false };
    let essence = named.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
