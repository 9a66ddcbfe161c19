//! Which of the outpost's own jobs a raw path and query ask for (contract 6).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::OUTPOST_PREFIX;
use crate::dialect::Dialect;
use crate::facts::Endpoint;
use crate::path;

mod akprox;

pub use akprox::AKPROX_PREFIX;

/// Query parameter that makes any path a callback.
pub const CALLBACK_PARAMETER: &str = "X-authentik-auth-callback";
/// Query parameter that makes any path a sign-out.
pub const LOGOUT_PARAMETER: &str = "X-authentik-logout";

/// Where the outpost's own paths lie on a host. Paths have no final slash; empty for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnPaths<'a> {
    /// Path of the provider's external host.
    pub base: &'a str,
    /// Path below which core sends browsers back.
    pub home: &'a str,
    /// Whether `/akprox` counts as well (contract 16).
    pub akprox: bool,
}

impl OwnPaths<'_> {
    /// Those at the root of every host.
    #[must_use]
    pub const fn at_root(akprox: bool) -> Self {
        Self { base: "", home: "", akprox }
    }
}

/// Classifies a request by its raw path and query.
///
/// The prefix counts below the provider's own path and at the root, since reverse proxies ask at
/// the root. It is compared byte for byte, on a segment boundary, and only in paths that read in
/// one way ([`path::view`]); what follows `/auth/envoy` is another request's path and is free.
/// Paths of ours win over the query.
#[must_use]
pub fn classify(raw_path: &str, query: Option<&str>, paths: OwnPaths<'_>) -> Endpoint {
    // The whole path is known here, and known to read in one way.
    if let Some(endpoint) = raw_path.strip_prefix(OUTPOST_PREFIX).and_then(endpoint_at) {
        return endpoint;
    }
    if paths.akprox && akprox::asked_by_nginx(raw_path) {
        return Endpoint::Auth(Dialect::NginxAkprox);
    }
    let own = below_prefix(raw_path, paths);
    if own.is_some_and(|rest| envoy_rest(rest).is_some()) {
        return Endpoint::Auth(Dialect::Envoy);
    }
    let old = || akprox::below_prefix(raw_path).filter(|_| paths.akprox);
    let own = match own {
        Some(rest) if rest == "/static" || rest.starts_with("/static/") => Some(Endpoint::Static),
        Some(rest) => Some(endpoint_at(rest).unwrap_or(Endpoint::Unknown)),
        None => old().map(|rest| akprox::endpoint(rest, query)),
    };
    let own = own.filter(|_| path::view(raw_path).is_plain());
    match own {
        Some(known) if known != Endpoint::Unknown => known,
        _ => marked(query).or(own).unwrap_or(Endpoint::Application),
    }
}

/// The endpoint that is at just this place below the prefix.
fn endpoint_at(rest: &str) -> Option<Endpoint> {
    match rest {
        "/ping" => Some(Endpoint::Ping),
        "/start" => Some(Endpoint::Start),
        "/callback" => Some(Endpoint::Callback),
        "/sign_out" => Some(Endpoint::SignOut),
        "/backchannel_logout" => Some(Endpoint::BackchannelLogout),
        "/auth/nginx" => Some(Endpoint::Auth(Dialect::Nginx)),
        "/auth/traefik" => Some(Endpoint::Auth(Dialect::Traefik)),
        "/auth/caddy" => Some(Endpoint::Auth(Dialect::Caddy)),
        _ => None,
    }
}

/// What follows the outpost's prefix in `path`: empty or beginning with `/`.
fn below_prefix<'a>(path: &'a str, paths: OwnPaths<'_>) -> Option<&'a str> {
    // Nearly all providers have neither path.
    let bases = [paths.base, paths.home].into_iter().filter(|base| !base.is_empty());
    std::iter::once("")
        .chain(bases)
        .find_map(|base| strip(path.strip_prefix(base)?, OUTPOST_PREFIX))
}

/// What follows `prefix`, on a segment boundary.
fn strip<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path can be one of the outpost's own at all, wherever that may lie: without this, no
/// [`classify`] says so of the path alone.
#[must_use]
pub fn may_be_own(path: &str, akprox: bool) -> bool {
    path.contains(OUTPOST_PREFIX) || (akprox && path.contains(AKPROX_PREFIX))
}

/// Whether `path` is one of the outpost's own that lies just below `home`.
#[must_use]
pub fn is_at_home(path: &str, home: &str) -> bool {
    path.strip_prefix(home).is_some_and(|rest| {
        strip(rest, OUTPOST_PREFIX).is_some()
            || (home.is_empty() && akprox::below_prefix(rest).is_some())
    })
}

fn envoy_rest(rest: &str) -> Option<&str> {
    rest.strip_prefix("/auth/envoy").filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The original path behind Envoy's prefix, byte for byte, if the path has that prefix.
pub(crate) fn behind_envoy_prefix(path: &str) -> Option<&str> {
    envoy_rest(strip(path, OUTPOST_PREFIX)?)
}

/// What the query makes of any path.
fn marked(query: Option<&str>) -> Option<Endpoint> {
    // Nearly no query has what all markers have, as it is or in escapes.
    let query = query.filter(|query| query.contains("X-authentik-") || query.contains('%'))?;
    if has_marker(query, CALLBACK_PARAMETER) {
        Some(Endpoint::Callback)
    } else if has_marker(query, LOGOUT_PARAMETER) {
        Some(Endpoint::SignOut)
    } else {
        None
    }
}

/// Whether the first `name` parameter says `true`, in any case. Core appends errors to a
/// redirect address that has a query with a second question mark, so `true?error=…` counts.
fn has_marker(query: &str, name: &str) -> bool {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name || (key.contains('%') && decoded(key) == name))
        .is_some_and(|(_, value)| {
            let value = decoded(value);
            let word = value.split('?').next().unwrap_or_default();
            word.eq_ignore_ascii_case("true")
        })
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests;
