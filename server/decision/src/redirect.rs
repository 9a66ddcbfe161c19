//! Where a browser may be sent after signing in (contract 6): never to somebody else's site.
//!
//! What is accepted is given back byte for byte, as an absolute URL. The reading is far stricter
//! than a browser's: whatever browsers repair (backslashes, tabs, missing slashes) is refused.

use serde::Serialize;
use url::Url;

use crate::endpoint;
use crate::facts::Endpoint;
use crate::provider::{Mode, Provider};
use crate::target::{Authority, Scheme};

mod query;

pub use query::return_parameter;

/// Longest return target in bytes. It travels in the state of the sign-in.
pub const MAX_BYTES: usize = 8 * 1024;

/// Why a return target is not honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// Nothing is there.
    #[error("the return target is empty")]
    Empty,
    /// Longer than [`MAX_BYTES`].
    #[error("the return target is too long")]
    TooLong,
    /// Blanks, control characters, backslashes or characters that URLs do not have.
    #[error("the return target has characters that a URL cannot have")]
    Characters,
    /// Neither a path nor `http://…` or `https://…`.
    #[error("the return target is neither a path nor an http or https URL")]
    Scheme,
    /// The host cannot be read: user info, empty, malformed.
    #[error("the host of the return target cannot be read")]
    Host,
    /// The host is not one that this provider serves.
    #[error("the return target is on a host that this provider does not serve")]
    ForeignHost,
    /// One of the outpost's own paths: start, callback, sign-out.
    #[error("the return target is a path of the outpost itself")]
    OwnPath,
}

/// The host and scheme that a request came in on, if it was routed to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHost<'a> {
    /// Scheme as far as known.
    pub scheme: Scheme,
    /// Host as the client named it.
    pub authority: &'a Authority,
}

/// Judges a return target, already decoded. The answer is an absolute URL: `rd` itself, or `rd`
/// on the request's host if it is a bare path.
///
/// # Errors
/// Why it is refused; [`fallback`] is where to go instead.
pub fn return_target(
    rd: &str,
    provider: &Provider,
    request: RequestHost<'_>,
) -> Result<String, Refused> {
    check_characters(rd)?;
    if rd.starts_with('/') {
        // `//host` would be another host to a browser.
        if rd.starts_with("//") {
            return Err(Refused::Scheme);
        }
        check_path(rd, provider)?;
        let there = format!("{}{rd}", own_origin(provider, request));
        check_as_browsers_read(&there, provider)?;
        return Ok(there);
    }
    let (scheme, rest) = split_scheme(rd).ok_or(Refused::Scheme)?;
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(host_end);
    let authority = Authority::parse(host).ok_or(Refused::Host)?;
    // The same name with a final dot is another origin to a browser.
    if host.ends_with('.') || host.contains(".:") {
        return Err(Refused::Host);
    }
    if !is_permitted(scheme, &authority, provider, request) {
        return Err(Refused::ForeignHost);
    }
    check_path(rest, provider)?;
    check_as_browsers_read(rd, provider)?;
    Ok(rd.to_owned())
}

/// Judges the return target in the raw query of `/start`. `None` when there is none.
///
/// # Errors
/// As [`return_target`].
pub fn return_target_from_query(
    raw_query: Option<&str>,
    provider: &Provider,
    request: RequestHost<'_>,
) -> Result<Option<String>, Refused> {
    match raw_query.and_then(return_parameter) {
        None => Ok(None),
        Some(rd) => return_target(&rd, provider, request).map(Some),
    }
}

/// Where to go when no return target is honoured: the external host.
#[must_use]
pub fn fallback(provider: &Provider) -> String {
    format!("{}{}/", provider.external.origin(), provider.external.path)
}

fn check_characters(rd: &str) -> Result<(), Refused> {
    if rd.is_empty() {
        return Err(Refused::Empty);
    }
    if rd.len() > MAX_BYTES {
        return Err(Refused::TooLong);
    }
    if rd.bytes().all(is_url_byte) { Ok(()) } else { Err(Refused::Characters) }
}

/// Visible ASCII, without what no browser leaves in a URL and without the backslash, which
/// browsers read as a slash.
pub(crate) const fn is_url_byte(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && !matches!(byte, b'\\' | b'"' | b'<' | b'>')
}

fn split_scheme(rd: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = rd.split_once("://")?;
    if scheme.eq_ignore_ascii_case("https") {
        Some((Scheme::Https, rest))
    } else if scheme.eq_ignore_ascii_case("http") {
        Some((Scheme::Http, rest))
    } else {
        None
    }
}

fn is_permitted(
    scheme: Scheme,
    authority: &Authority,
    provider: &Provider,
    request: RequestHost<'_>,
) -> bool {
    let same = |other_scheme: Scheme, other: &Authority| {
        scheme == other_scheme
            && authority.host == other.host
            && authority.port_or_default(scheme) == other.port_or_default(other_scheme)
    };
    let external = &provider.external;
    match (provider.mode, &provider.cookie_domain) {
        (Mode::ForwardDomain, Some(domain)) if authority.is_within(domain) => true,
        (Mode::ForwardDomain, Some(_)) => same(external.scheme, &external.authority),
        _ => same(external.scheme, &external.authority) || same(request.scheme, request.authority),
    }
}

/// The origin for bare paths: the request's, but by the name that browsers know it by; the
/// external host's if the request's host is not one of the provider's own.
fn own_origin(provider: &Provider, request: RequestHost<'_>) -> String {
    let external = &provider.external;
    let named = request.authority;
    let is_external = named.host == external.authority.host
        && named.port_or_default(request.scheme)
            == external.authority.port_or_default(external.scheme);
    let default_named = named.host == external.authority.host
        && named.port.is_none()
        && external.authority.port.is_none();
    if is_external || default_named || !is_permitted(request.scheme, named, provider, request) {
        external.origin()
    } else {
        format!("{}://{named}", request.scheme.as_str())
    }
}

/// Refuses what would only lead back to us: a loop, or a sign-out that nobody asked for.
fn check_path(path_and_rest: &str, provider: &Provider) -> Result<(), Refused> {
    let target = path_and_rest.split('#').next().unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    check_endpoint(path, query, provider)
}

/// The same for what a browser makes of the whole URL: it takes dot segments out, escaped ones too,
/// and so comes from a path that is nobody's to one of ours.
fn check_as_browsers_read(url: &str, provider: &Provider) -> Result<(), Refused> {
    let url = Url::parse(url).map_err(|_| Refused::Host)?;
    check_endpoint(url.path(), url.query(), provider)
}

fn check_endpoint(path: &str, query: Option<&str>, provider: &Provider) -> Result<(), Refused> {
    match endpoint::classify(path, query, provider.own_paths()) {
        // Pages of ours that do nothing.
        Endpoint::Application | Endpoint::Static => Ok(()),
        _ => Err(Refused::OwnPath),
    }
}

#[cfg(test)]
mod tests;
