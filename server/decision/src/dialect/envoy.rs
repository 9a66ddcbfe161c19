//! Envoy's `ext_authz`: the original path and query follow our prefix, method and `Host` of the
//! check are those of the original request.
//!
//! Nothing here needs a trusted peer: all of it is the request itself. `X-Forwarded-Host` is not
//! looked at, since Envoy passes on what the client sent under that name.

use super::{Asked, DialectError, Original, split_target};
use crate::endpoint::behind_envoy_prefix;
use crate::origin::Origin;
use crate::target::Target;

const SOURCE: &str = "path";

/// The original request.
///
/// # Errors
/// The path of the check lacks the prefix, or what follows it is no path.
pub fn original(asked: &Asked<'_>, origin: &Origin) -> Result<Original, DialectError> {
    let rest = behind_envoy_prefix(asked.path_and_query).ok_or(DialectError::malformed(SOURCE))?;
    let (path, query) = if rest.starts_with('/') {
        split_target(rest, SOURCE)?
    } else {
        // The prefix alone is a check of the root.
        split_target(&format!("/{rest}"), SOURCE)?
    };
    Ok(Original {
        target: Target { scheme: origin.scheme, authority: origin.host.clone(), path, query },
        method: asked.method.to_owned(),
        source: SOURCE,
        host_claimed: false,
    })
}
