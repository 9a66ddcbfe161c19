//! nginx's `auth_request`: `X-Original-URL` tells the whole URL, or `X-Original-URI` path and
//! query. A client may send either itself, so where both are there they must agree, and the URL
//! must be about the host that the check itself names: a proxy that sets path and query alone
//! passes on what its client says of the host.

use super::{DialectError, Original, method, split_target, trusted_value};
use crate::decision::Reason;
use crate::facts::Headers;
use crate::origin::Origin;
use crate::target::{Authority, Scheme, Target};

const URL: &str = "X-Original-URL";
const URI: &str = "X-Original-URI";

/// The original request.
///
/// # Errors
/// Neither header is there, or one is repeated, unreadable or from an untrusted peer, or they
/// name different hosts, paths or queries.
pub fn original(
    headers: &(impl Headers + ?Sized),
    origin: &Origin,
) -> Result<Original, DialectError> {
    let uri = trusted_value(headers, URI, origin)?;
    let target = match (trusted_value(headers, URL, origin)?, uri) {
        (None, None) => return Err(DialectError::missing(URL)),
        (None, Some(uri)) => {
            let (path, query) = split_target(uri, URI)?;
            Target { scheme: origin.scheme, authority: origin.authority.clone(), path, query }
        }
        (Some(url), uri) => {
            let (scheme, authority, own_uri) = split_url(url)?;
            if uri.is_some_and(|uri| uri != own_uri || !names_host_of(&authority, scheme, origin)) {
                return Err(DialectError { reason: Reason::HeadersDisagree, header: URI });
            }
            let (path, query) = split_target(own_uri, URL)?;
            Target { scheme, authority, path, query }
        }
    };
    let method = match method(headers, "X-Original-Method", origin)? {
        Some(method) => Some(method),
        None => method(headers, "X-Forwarded-Method", origin)?,
    };
    Ok(Original {
        target,
        method: method.unwrap_or_else(|| "GET".to_owned()),
        host_claimed: uri.is_some(),
        source: if headers.nth(URL, 0).is_some_and(|value| !value.is_empty()) { URL } else { URI },
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
fn split_url(url: &str) -> Result<(Scheme, Authority, &str), DialectError> {
    let split = || {
        let (scheme, rest) = url.split_once("://")?;
        let scheme = Scheme::parse(scheme)?;
        let (authority, uri) = rest.split_at(rest.find('/')?);
        Some((scheme, Authority::parse(authority)?.without_default_port(scheme), uri))
    };
    split().ok_or(DialectError::malformed(URL))
}
