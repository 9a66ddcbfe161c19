//! Which of the outpost's own jobs a raw path and query ask for (contract 6).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::OUTPOST_PREFIX;
use crate::dialect::Dialect;
use crate::facts::Endpoint;
use crate::path;

/// Query parameter that makes any path a callback.
pub const CALLBACK_PARAMETER: &str = "X-authentik-auth-callback";
/// Query parameter that makes any path a sign-out.
pub const LOGOUT_PARAMETER: &str = "X-authentik-logout";

/// Classifies a request by its raw path and query.
///
/// `base` is the path of the provider's external host (no final slash, empty for none): the
/// prefix counts both below it and at the root, since reverse proxies ask at the root.
/// The prefix is compared byte for byte, on a segment boundary, and only in paths that read in
/// one way ([`path::view`]); what follows `/auth/envoy` is another request's path and is free.
/// Paths of ours win over the query.
#[must_use]
pub fn classify(raw_path: &str, query: Option<&str>, base: &str) -> Endpoint {
    let own = below_prefix(raw_path, base);
    if own.is_some_and(|rest| envoy_rest(rest).is_some()) {
        return Endpoint::Auth(Dialect::Envoy);
    }
    let own = own.filter(|_| path::view(raw_path).is_plain()).map(own_endpoint);
    match own {
        Some(known) if known != Endpoint::Unknown => known,
        _ if has_marker(query, CALLBACK_PARAMETER) => Endpoint::Callback,
        _ if has_marker(query, LOGOUT_PARAMETER) => Endpoint::SignOut,
        Some(unknown) => unknown,
        None => Endpoint::Application,
    }
}

fn own_endpoint(rest: &str) -> Endpoint {
    match rest {
        "/ping" => Endpoint::Ping,
        "/start" => Endpoint::Start,
        "/callback" => Endpoint::Callback,
        "/sign_out" => Endpoint::SignOut,
        "/backchannel_logout" => Endpoint::BackchannelLogout,
        "/auth/nginx" => Endpoint::Auth(Dialect::Nginx),
        "/auth/traefik" => Endpoint::Auth(Dialect::Traefik),
        "/auth/caddy" => Endpoint::Auth(Dialect::Caddy),
        _ if rest == "/static" || rest.starts_with("/static/") => Endpoint::Static,
        _ => Endpoint::Unknown,
    }
}

/// What follows the outpost's prefix in `path`: empty or beginning with `/`.
fn below_prefix<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    let strip = |path: &'a str| {
        path.strip_prefix(OUTPOST_PREFIX).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    strip(path).or_else(|| path.strip_prefix(base).and_then(strip))
}

fn envoy_rest(rest: &str) -> Option<&str> {
    rest.strip_prefix("/auth/envoy").filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The original path and query behind Envoy's prefix, byte for byte, if the request target (path
/// and query) has that prefix.
#[must_use]
pub fn behind_envoy_prefix<'a>(path_and_query: &'a str, base: &str) -> Option<&'a str> {
    let path_end = path_and_query.find('?').unwrap_or(path_and_query.len());
    let rest = envoy_rest(below_prefix(&path_and_query[..path_end], base)?)?;
    Some(&path_and_query[path_end - rest.len()..])
}

/// Whether the first `name` parameter says `true`, in any case. Core appends errors to a
/// redirect address that has a query with a second question mark, so `true?error=…` counts.
fn has_marker(query: Option<&str>, name: &str) -> bool {
    let Some(query) = query else { return false };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| decoded(key) == name)
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
