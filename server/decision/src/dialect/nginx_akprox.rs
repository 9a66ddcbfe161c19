//! nginx's `auth_request` as published for the 2021.5 outpost: the check names the host and nothing
//! else. Which path is asked for is not known, so that none is public.
//!
//! `X-Original-URL` and `X-Original-URI` are not looked at, although nginx' ingress sends the one:
//! plain nginx was not told to set either, and passes on what its client says.

use super::{DialectError, Original, method, trusted_value};
use crate::facts::Headers;
use crate::origin::Origin;
use crate::target::Target;

const HOST: &str = "X-Forwarded-Host";

/// The original request, as far as it is told.
///
/// # Errors
/// A header that is repeated, unreadable or from an untrusted peer.
pub fn original(
    headers: &(impl Headers + ?Sized),
    origin: &Origin,
) -> Result<Original, DialectError> {
    // Where it is not believed, `Host` is that of the outpost itself: say what is wrong.
    trusted_value(headers, HOST, origin)?;
    let target = Target {
        scheme: origin.scheme,
        authority: origin.authority.clone(),
        path: Target::UNKNOWN_PATH.to_owned(),
        query: None,
    };
    let method = method(headers, "X-Original-Method", origin)?;
    Ok(Original {
        target,
        method: method.unwrap_or_else(|| "GET".to_owned()),
        source: origin.source,
        host_claimed: false,
    })
}
