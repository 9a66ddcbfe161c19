//! nginx's `auth_request`: `X-Original-URL` tells the whole URL, or `X-Original-URI` path and
//! query. A client may send either itself, so where both are there they must agree, and the URL
//! must be about the host that the check itself names: a proxy that sets path and query alone
//! passes on what its client says of the host.

use super::{DialectError, Original, UNTOLD, method, split_target, trusted_value};
use crate::decision::Reason;
use crate::facts::{Found, Headers, Known};
use crate::origin::Origin;
use crate::target::{Authority, Scheme, Target};

const URL: Known = Known::XOriginalUrl;
const URI: Known = Known::XOriginalUri;

/// The URL of the original request.
///
/// # Errors
/// Neither header is there, or one is repeated, unreadable or from an untrusted peer, or they
/// name different hosts, paths or queries.
pub fn target(headers: &(impl Headers + ?Sized), origin: &Origin) -> Result<Target, DialectError> {
    original(&Found::among(headers), origin).map(|original| original.target)
}

/// The original request.
pub(super) fn original<'h>(
    headers: &Found<'h, impl Headers + ?Sized>,
    origin: &Origin,
) -> Result<Original<'h>, DialectError> {
    let uri = trusted_value(headers, URI, origin)?;
    let (target, source) = match (trusted_value(headers, URL, origin)?, uri) {
        (None, None) => return Err(DialectError::missing(URL)),
        (None, Some(uri)) => {
            let (path, query) = split_target(uri, URI.name())?;
            let authority = origin.authority.clone();
            (Target { scheme: origin.scheme, authority, path, query }, URI)
        }
        (Some(url), uri) => {
            let (scheme, authority, own_uri) = split_url(url, origin)?;
            if uri.is_some_and(|uri| uri != own_uri || !names_host_of(&authority, scheme, origin)) {
                let header = URI.name();
                return Err(DialectError { reason: Reason::HeadersDisagree, header });
            }
            let (path, query) = split_target(own_uri, URL.name())?;
            (Target { scheme, authority, path, query }, URL)
        }
    };
    let method = match method(headers, Known::XOriginalMethod, origin)? {
        Some(method) => Some(method),
        None => method(headers, Known::XForwardedMethod, origin)?,
    };
    Ok(Original {
        target,
        method: method.unwrap_or(UNTOLD),
        host_claimed: uri.is_some(),
        source: source.name(),
    })
}

/// Whether the URL's host is the one that the check came in under. A port counts where both name
/// one: nginx' `$host` has none.
fn names_host_of(authority: &Authority, scheme: Scheme, origin: &Origin) -> bool {
    [&origin.authority, &origin.host].into_iter().any(|own| {
        own.host == authority.host
            && own.port.is_none_or(|port| port == authority.port_or_default(scheme))
    })
}

/// Scheme, host, and the rest from the path on.
fn split_url<'u>(
    url: &'u str,
    origin: &Origin,
) -> Result<(Scheme, Authority, &'u str), DialectError> {
    let split = || {
        // No scheme has a colon in it.
        let (scheme, rest) = url.split_at(url.bytes().position(|byte| byte == b':')?);
        let (scheme, rest) = (Scheme::parse(scheme)?, rest.strip_prefix("://")?);
        let (authority, uri) = rest.split_at(rest.bytes().position(|byte| byte == b'/')?);
        let authority = origin.authority.parse_like(authority)?;
        Some((scheme, authority.without_default_port(scheme), uri))
    };
    split().ok_or(DialectError::malformed(URL.name()))
}
