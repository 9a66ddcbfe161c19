//! nginx's `auth_request` as published for the 2021.5 outpost: the check names the host and nothing
//! else. Which path is asked for is not known, so that none is public.
//!
//! `X-Original-URL` and `X-Original-URI` are not looked at, although nginx' ingress sends the one:
//! plain nginx was not told to set either, and passes on what its client says.

use super::{DialectError, Original, UNTOLD, method, trusted_value};
use crate::facts::{Found, Headers, Known};
use crate::origin::Origin;
use crate::target::Target;

/// The original request, as far as it is told.
///
/// # Errors
/// A header that is repeated, unreadable or from an untrusted peer.
pub(super) fn original<'h>(
    headers: &Found<'h, impl Headers + ?Sized>,
    origin: &Origin,
) -> Result<Original<'h>, DialectError> {
    // Where it is not believed, `Host` is that of the outpost itself: say what is wrong.
    trusted_value(headers, Known::XForwardedHost, origin)?;
    let target = Target {
        scheme: origin.scheme,
        authority: origin.authority.clone(),
        path: Target::UNKNOWN_PATH.to_owned(),
        query: None,
    };
    let method = method(headers, Known::XOriginalMethod, origin)?;
    Ok(Original {
        target,
        method: method.unwrap_or(UNTOLD),
        source: origin.source,
        host_claimed: false,
    })
}
