//! Forward-auth dialects: how each reverse proxy tells the original URL (contract 7).

use serde::Serialize;

use crate::decision::Reason;
use crate::target::Target;

/// A reverse proxy's way of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `auth_request` of nginx.
    Nginx,
    /// `forwardAuth` of Traefik.
    Traefik,
    /// `forward_auth` of Caddy.
    Caddy,
    /// `ext_authz` of Envoy.
    Envoy,
}

impl Dialect {
    /// The last part of the endpoint's path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
        }
    }
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
}

/// Why the original request cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialectError {
    /// The reason for the decision.
    pub reason: Reason,
    /// The header concerned.
    pub header: &'static str,
}
