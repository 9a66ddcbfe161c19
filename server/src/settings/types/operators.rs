//! Operators: where they find their pages, and who they are.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// The operators' pages.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// Where they are served; empty when off. Loopback addresses, unless operators have to say
    /// who they are.
    pub listen: Vec<SocketAddr>,
    /// Where operators' browsers find them: an origin, without a path.
    pub url: Option<Url>,
    /// Signing in through core; `None`: not possible.
    pub sign_in: Option<OperatorSignIn>,
    /// How long operators stay signed in.
    pub session_lifetime: Duration,
    /// Pages that are kept up to date at a time.
    pub viewers: usize,
}

/// Signing in through core, at an application made for operators.
#[derive(Clone, Debug)]
pub struct OperatorSignIn {
    /// Slug of the application.
    pub application: String,
    /// Id of its OAuth2 client.
    pub client_id: String,
    /// Its secret; `None` for a public client.
    pub client_secret: Option<SecretString>,
    /// Members may look.
    pub view_group: Option<String>,
    /// Members may look and act.
    pub act_group: Option<String>,
}

/// Tokens of operators, for pages and API.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Whoever brings it may look and act.
    pub token: Option<SecretString>,
    /// Whoever brings it may look.
    pub view_token: Option<SecretString>,
    /// Wrong tokens of one client in a minute.
    pub failures_per_minute: usize,
    /// Wrong tokens of everybody that are counted in a minute.
    pub failures_per_minute_of_all: usize,
}

impl Admin {
    /// Whether there is a token at all.
    #[must_use]
    pub const fn has_token(&self) -> bool {
        self.token.is_some() || self.view_token.is_some()
    }
}
