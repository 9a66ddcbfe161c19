//! What can be made to go wrong, and where.

use std::time::Duration;

use super::http::Ask;

/// A place of core that can be observed and made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/api/v3/outposts/instances/`
    Instances,
    /// `/api/v3/outposts/proxy/`
    Providers,
    /// `/api/v3/outposts/instances/<uuid>/health/`
    Health,
    /// `/api/v3/root/config/`
    RootConfig,
    /// `/api/v3/crypto/certificatekeypairs/...`
    KeyPairs,
    /// `/api/v3/events/events/`
    Events,
    /// `/ws/outpost/<uuid>/`
    Websocket,
    /// `/application/o/authorize/`
    Authorize,
    /// `/application/o/token/`, for every grant but that of refresh tokens.
    Token,
    /// `/application/o/token/` with `grant_type=refresh_token`.
    Refresh,
    /// `/application/o/introspect/`
    Introspect,
    /// `/application/o/userinfo/`
    Userinfo,
    /// `/application/o/<slug>/jwks/`
    Jwks,
    /// `/application/o/<slug>/end-session/`
    EndSession,
    /// `/application/o/<slug>/.well-known/openid-configuration`
    Discovery,
    /// Everything else.
    Other,
}

impl Endpoint {
    /// Which endpoint a request belongs to.
    pub(crate) fn of(ask: &Ask) -> Self {
        match Self::of_path(&ask.path) {
            Self::Token if ask.form("grant_type") == Some("refresh_token") => Self::Refresh,
            endpoint => endpoint,
        }
    }

    /// Which endpoint a path below the base path belongs to, as far as paths tell.
    pub(crate) fn of_path(path: &str) -> Self {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        match segments.as_slice() {
            ["api", "v3", "outposts", "instances", _, "health"] => Self::Health,
            ["api", "v3", "outposts", "instances", ..] => Self::Instances,
            ["api", "v3", "outposts", "proxy"] => Self::Providers,
            ["api", "v3", "root", "config"] => Self::RootConfig,
            ["api", "v3", "crypto", "certificatekeypairs", ..] => Self::KeyPairs,
            ["api", "v3", "events", "events"] => Self::Events,
            ["ws", ..] => Self::Websocket,
            ["application", "o", "authorize"] => Self::Authorize,
            ["application", "o", "token"] => Self::Token,
            ["application", "o", "introspect"] => Self::Introspect,
            ["application", "o", "userinfo"] => Self::Userinfo,
            ["application", "o", _, "jwks"] => Self::Jwks,
            ["application", "o", _, "end-session"] => Self::EndSession,
            ["application", "o", _, ".well-known", "openid-configuration"] => Self::Discovery,
            _ => Self::Other,
        }
    }

    /// Whether the endpoint belongs to the REST API.
    pub fn is_rest(self) -> bool {
        use Endpoint::{Events, Health, Instances, KeyPairs, Providers, RootConfig};
        matches!(self, Instances | Providers | Health | RootConfig | KeyPairs | Events)
    }
}

/// What happens to a request instead of the right answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answered with this status and an HTML page, as a failing front server does.
    Status(u16),
    /// Answered with exactly this.
    Reply {
        /// Status code.
        status: u16,
        /// `Content-Type`.
        content_type: String,
        /// Body.
        body: String,
    },
    /// Not answered until the fault is cleared; then answered rightly.
    Hang,
    /// Answered rightly, this much later.
    Delay(Duration),
    /// Done rightly, but the connection ends in place of the answer.
    Lost,
}

impl Fault {
    /// A JSON answer.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Reply { status, content_type: "application/json".to_owned(), body: body.to_string() }
    }

    /// What the front server of a starting core answers: 200, and no `results`.
    pub fn starting() -> Self {
        Self::json(200, &serde_json::json!({"error": "authentik starting"}))
    }
}
