//! The paths of the 2021.5 outpost (contract 16), as others of today's.

use super::strip;
use crate::dialect::Dialect;
use crate::facts::Endpoint;

/// The prefix that today's took the place of.
pub const AKPROX_PREFIX: &str = "/akprox";

/// What follows the old prefix in `path`: empty or beginning with `/`.
pub(super) fn below_prefix(path: &str) -> Option<&str> {
    strip(path, AKPROX_PREFIX)
}

/// What nginx asks for by `auth_request /akprox/auth?nginx`: to nginx that is all path, and it
/// writes the question mark as `%3F`.
pub(super) fn asked_by_nginx(raw_path: &str) -> bool {
    raw_path.strip_prefix("/akprox/auth%3").is_some_and(|rest| matches!(rest, "Fnginx" | "fnginx"))
}

/// What the old outpost did there. Who asks stood in the query: `/akprox/auth?nginx`.
pub(super) fn endpoint(rest: &str, query: Option<&str>) -> Endpoint {
    let asks = |name| query.is_some_and(|query| query.split('&').any(|part| part == name));
    match rest {
        "/ping" => Endpoint::Ping,
        "/start" => Endpoint::Start,
        "/callback" => Endpoint::Callback,
        "/sign_out" => Endpoint::SignOut,
        "/auth" if asks("nginx") => Endpoint::Auth(Dialect::NginxAkprox),
        "/auth" if asks("traefik") => Endpoint::Auth(Dialect::Traefik),
        _ => Endpoint::Unknown,
    }
}
