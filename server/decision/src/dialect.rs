//! Forward-auth dialects: how each reverse proxy tells the original URL (contract 7).

use serde::Serialize;

use crate::decision::Reason;
use crate::facts::{Found, Headers, Known, Single};
use crate::origin::Origin;
use crate::target::{Scheme, Target};

mod caddy;
mod envoy;
pub mod nginx;
mod nginx_akprox;
mod traefik;

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
    pub(crate) fn original<'r>(
        self,
        headers: &Found<'r, impl Headers + ?Sized>,
        asked: &Asked<'r>,
        origin: &Origin,
    ) -> Result<Original<'r>, DialectError> {
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
pub(crate) struct Asked<'r> {
    /// Its method.
    pub(crate) method: &'r str,
    /// Its path, byte for byte.
    pub(crate) path: &'r str,
    /// Its query, byte for byte, without the question mark.
    pub(crate) query: Option<&'r str>,
}

/// The original request as a dialect tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Original<'r> {
    /// Its URL.
    pub(crate) target: Target,
    /// Its method, where the proxy reports it; `GET` otherwise.
    pub(crate) method: &'r str,
    /// The header (or the path) the URL came from.
    pub(crate) source: &'static str,
    /// Whether the reverse proxy may be passing on what its client says of the host: what routing
    /// finds must then fit the request's own host (`Ruleset::may_ask_about`).
    pub(crate) host_claimed: bool,
}

/// The method of a request whose reverse proxy does not report it.
const UNTOLD: &str = "GET";

/// Why the original request cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialectError {
    /// The reason for the decision.
    pub reason: Reason,
    /// The header concerned.
    pub header: &'static str,
}

impl DialectError {
    const fn missing(known: Known) -> Self {
        Self { reason: Reason::HeadersMissing, header: known.name() }
    }

    const fn malformed(header: &'static str) -> Self {
        Self { reason: Reason::HeaderMalformed, header }
    }
}

/// The only value of a header; an empty one counts as missing.
///
/// # Errors
/// A value that is repeated, unreadable, or from a peer that is not trusted.
fn trusted_value<'h>(
    headers: &Found<'h, impl Headers + ?Sized>,
    known: Known,
    origin: &Origin,
) -> Result<Option<&'h str>, DialectError> {
    let fault = |reason| Err(DialectError { reason, header: known.name() });
    match headers.single(known) {
        Single::Missing | Single::One("") => Ok(None),
        _ if !origin.peer_trusted => fault(Reason::PeerUntrusted),
        Single::One(text) => Ok(Some(text)),
        Single::Repeated => fault(Reason::HeaderRepeated),
        Single::NotText => fault(Reason::HeaderMalformed),
    }
}

/// The method that a header reports, if it does.
fn method<'h>(
    headers: &Found<'h, impl Headers + ?Sized>,
    known: Known,
    origin: &Origin,
) -> Result<Option<&'h str>, DialectError> {
    match trusted_value(headers, known, origin)? {
        Some(text) if !is_token(text) => Err(DialectError::malformed(known.name())),
        told => Ok(told),
    }
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Takes path and query of an origin-form request target apart, changing no byte.
fn split_target(
    text: &str,
    header: &'static str,
) -> Result<(String, Option<String>), DialectError> {
    match text.as_bytes().iter().position(|byte| *byte == b'?') {
        Some(mark) => target_of(&text[..mark], Some(&text[mark + 1..]), header),
        None => target_of(text, None, header),
    }
}

/// Path and query of an original URL. What cannot stand in a request line (blanks, control
/// characters, a fragment), and a backslash in the path, which browsers never send, is refused.
fn target_of(
    path: &str,
    query: Option<&str>,
    header: &'static str,
) -> Result<(String, Option<String>), DialectError> {
    if !path.starts_with('/')
        || path.as_bytes().contains(&b'\\')
        || !(is_readable(path) && query.is_none_or(is_readable))
    {
        return Err(DialectError::malformed(header));
    }
    Ok((path.to_owned(), query.map(str::to_owned)))
}

/// Whether a text has no blank, control character or `#`.
fn is_readable(text: &str) -> bool {
    // Nearly every one is this plain. All bytes are looked at, many at a time.
    let is_plain = |byte: u8| (b'!'..=b'~').contains(&byte) & (byte != b'#');
    text.bytes().fold(true, |all, byte| all & is_plain(byte))
        || !text.chars().any(|c| c == '#' || c.is_control() || c.is_whitespace())
}

/// What Traefik and Caddy send alike: `X-Forwarded-Proto`, `-Host` and `-Uri`, once each.
fn forwarded<'h>(
    headers: &Found<'h, impl Headers + ?Sized>,
    origin: &Origin,
) -> Result<Original<'h>, DialectError> {
    const URI: Known = Known::XForwardedUri;
    const HOST: Known = Known::XForwardedHost;
    const PROTO: Known = Known::XForwardedProto;
    let required =
        |known| trusted_value(headers, known, origin)?.ok_or(DialectError::missing(known));
    let (uri, host, proto) = (required(URI)?, required(HOST)?, required(PROTO)?);

    let scheme = Scheme::parse(proto).ok_or(DialectError::malformed(PROTO.name()))?;
    let authority = origin.authority.parse_like(host);
    let authority = authority.ok_or(DialectError::malformed(HOST.name()))?;
    let (path, query) = split_target(uri, URI.name())?;
    Ok(Original {
        target: Target { scheme, authority: authority.without_default_port(scheme), path, query },
        method: method(headers, Known::XForwardedMethod, origin)?.unwrap_or(UNTOLD),
        source: URI.name(),
        host_claimed: false,
    })
}

#[cfg(test)]
mod tests;
