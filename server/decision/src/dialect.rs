//! Forward-auth dialects: how each reverse proxy tells the original URL (contract 7).

use serde::Serialize;

use crate::decision::Reason;
use crate::facts::{Headers, Single};
use crate::origin::Origin;
use crate::target::{Authority, Scheme, Target};

pub mod caddy;
pub mod envoy;
pub mod nginx;
pub mod nginx_akprox;
pub mod traefik;

/// A reverse proxy's way of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `auth_request` of nginx.
    Nginx,
    /// `auth_request` of nginx as the 2021.5 outpost was asked (contract 16).
    NginxAkprox,
    /// `forwardAuth` of Traefik.
    Traefik,
    /// `forward_auth` of Caddy.
    Caddy,
    /// `ext_authz` of Envoy.
    Envoy,
}

impl Dialect {
    /// Whether nginx asks: it passes no redirect on, and understands 401 alone.
    #[must_use]
    pub const fn is_nginx(self) -> bool {
        matches!(self, Self::Nginx | Self::NginxAkprox)
    }

    /// The last part of the endpoint's path; for the 2021.5 one, its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::NginxAkprox => "akprox_nginx",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
        }
    }

    /// The original request that a check by this dialect is about.
    ///
    /// `asked` is the check itself; its path matters to Envoy only. Envoy's original host is the
    /// check's own, so `Original::target` and not [`Origin::authority`] names the host to route by.
    ///
    /// # Errors
    /// Headers that are missing, repeated, unreadable, contradictory or from an untrusted peer.
    pub fn original(
        self,
        headers: &(impl Headers + ?Sized),
        asked: &Asked<'_>,
        origin: &Origin,
    ) -> Result<Original, DialectError> {
        match self {
            Self::Nginx => nginx::original(headers, origin),
            Self::NginxAkprox => nginx_akprox::original(headers, origin),
            Self::Traefik => traefik::original(headers, origin),
            Self::Caddy => caddy::original(headers, origin),
            Self::Envoy => envoy::original(asked, origin),
        }
    }
}

/// The request by which a reverse proxy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path and query, byte for byte.
    pub path_and_query: &'a str,
}

/// The original request as a dialect tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Its URL.
    pub target: Target,
    /// Its method, where the proxy reports it; `GET` otherwise.
    pub method: String,
    /// The header (or the path) the URL came from.
    pub source: &'static str,
    /// Whether the reverse proxy may be passing on what its client says of the host: what routing
    /// finds must then fit the request's own host (`Ruleset::may_ask_about`).
    pub host_claimed: bool,
}

/// Why the original request cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialectError {
    /// The reason for the decision.
    pub reason: Reason,
    /// The header concerned.
    pub header: &'static str,
}

impl DialectError {
    const fn missing(header: &'static str) -> Self {
        Self { reason: Reason::HeadersMissing, header }
    }

    const fn malformed(header: &'static str) -> Self {
        Self { reason: Reason::HeaderMalformed, header }
    }
}

/// The only value of a header; an empty one counts as missing.
///
/// # Errors
/// A value that is repeated, unreadable, or from a peer that is not trusted.
fn trusted_value<'a>(
    headers: &'a (impl Headers + ?Sized),
    name: &'static str,
    origin: &Origin,
) -> Result<Option<&'a str>, DialectError> {
    let value = match headers.single(name) {
        Single::Missing | Single::One("") => return Ok(None),
        _ if !origin.peer_trusted => {
            return Err(DialectError { reason: Reason::PeerUntrusted, header: name });
        }
        Single::One(text) => text,
        Single::Repeated => {
            return Err(DialectError { reason: Reason::HeaderRepeated, header: name });
        }
        Single::NotText => return Err(DialectError::malformed(name)),
    };
    Ok(Some(value))
}

/// The method that `name` reports, if it does.
fn method(
    headers: &(impl Headers + ?Sized),
    name: &'static str,
    origin: &Origin,
) -> Result<Option<String>, DialectError> {
    match trusted_value(headers, name, origin)? {
        None => Ok(None),
        Some(text) if is_token(text) => Ok(Some(text.to_owned())),
        Some(_) => Err(DialectError::malformed(name)),
    }
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Takes path and query of an origin-form request target apart, changing no byte. What cannot
/// stand in a request line (blanks, control characters, a fragment), and a backslash in the
/// path, which browsers never send, is refused.
fn split_target(
    text: &str,
    header: &'static str,
) -> Result<(String, Option<String>), DialectError> {
    // In ASCII all blanks but the one are control characters.
    let is_readable = match text.is_ascii() {
        true => !text.bytes().any(|b| b == b'#' || b == b' ' || b.is_ascii_control()),
        false => !text.chars().any(|c| c == '#' || c.is_control() || c.is_whitespace()),
    };
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    if !(text.starts_with('/') && is_readable) || path.contains('\\') {
        return Err(DialectError::malformed(header));
    }
    Ok((path.to_owned(), query.map(str::to_owned)))
}

/// What Traefik and Caddy send alike: `X-Forwarded-Proto`, `-Host` and `-Uri`, once each.
fn forwarded(headers: &(impl Headers + ?Sized), origin: &Origin) -> Result<Original, DialectError> {
    let required = |name| {
        trusted_value(headers, name, origin)
            .and_then(|value| value.ok_or(DialectError::missing(name)))
    };
    let uri = required("X-Forwarded-Uri")?;
    let host = required("X-Forwarded-Host")?;
    let proto = required("X-Forwarded-Proto")?;

    let scheme = Scheme::parse(proto).ok_or(DialectError::malformed("X-Forwarded-Proto"))?;
    let authority = Authority::parse(host).ok_or(DialectError::malformed("X-Forwarded-Host"))?;
    let (path, query) = split_target(uri, "X-Forwarded-Uri")?;
    Ok(Original {
        target: Target { scheme, authority: authority.without_default_port(scheme), path, query },
        method: method(headers, "X-Forwarded-Method", origin)?.unwrap_or_else(|| "GET".to_owned()),
        source: "X-Forwarded-Uri",
        host_claimed: false,
    })
}

#[cfg(test)]
mod tests;
