//! Envoy's `ext_authz`: the original path and query follow our prefix, method and `Host` of the
//! check are those of the original request.
//!
//! Nothing here needs a trusted peer: all of it is the request itself. `X-Forwarded-Host` is not
//! looked at, since Envoy passes on what the client sent under that name.

use super::{Asked, DialectError, Original, target_of};
use crate::endpoint::behind_envoy_prefix;
use crate::origin::Origin;
use crate::target::Target;

const SOURCE: &str = "path";

/// The original request.
///
/// # Errors
/// The path of the check lacks the prefix, or what follows it is no path.
pub(super) fn original<'r>(
    asked: &Asked<'r>,
    origin: &Origin,
) -> Result<Original<'r>, DialectError> {
    let path = match behind_envoy_prefix(asked.path) {
        // The prefix alone is a check of the root.
        Some("") => "/",
        Some(rest) => rest,
        None => return Err(DialectError::malformed(SOURCE)),
    };
    let (path, query) = target_of(path, asked.query, SOURCE)?;
    Ok(Original {
        target: Target { scheme: origin.scheme, authority: origin.host.clone(), path, query },
        method: asked.method,
        source: SOURCE,
        host_claimed: false,
    })
}
