//! Traefik's `forwardAuth`: `X-Forwarded-Proto`, `-Host` and `-Uri` tell the original URL,
//! `X-Forwarded-Method` its method.

use super::{DialectError, Original, forwarded};
use crate::facts::Headers;
use crate::origin::Origin;

/// The original request.
///
/// # Errors
/// A header that is missing, repeated, unreadable or from an untrusted peer.
pub fn original(
    headers: &(impl Headers + ?Sized),
    origin: &Origin,
) -> Result<Original, DialectError> {
    forwarded(headers, origin)
}
