//! Traefik's `forwardAuth`: `X-Forwarded-Proto`, `-Host` and `-Uri` tell the original URL,
//! `X-Forwarded-Method` its method.

use super::{DialectError, Original, forwarded};
use crate::facts::{Found, Headers};
use crate::origin::Origin;

/// The original request.
///
/// # Errors
/// A header that is missing, repeated, unreadable or from an untrusted peer.
pub(super) fn original<'h>(
    headers: &Found<'h, impl Headers + ?Sized>,
    origin: &Origin,
) -> Result<Original<'h>, DialectError> {
    forwarded(headers, origin)
}
