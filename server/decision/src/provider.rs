//! A compiled provider: everything a request needs to know, worked out once.

use secrecy::SecretString;
use serde::Serialize;
use url::Url;

use crate::endpoint::OwnPaths;
use crate::skip::SkipRules;
use crate::target::{Authority, Scheme};

/// What the outpost does for the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The outpost stands in front of the application and forwards to it.
    Proxy,
    /// A reverse proxy asks the outpost; one host.
    ForwardSingle,
    /// A reverse proxy asks the outpost; every host under a domain.
    ForwardDomain,
}

impl Mode {
    /// Core's name of the mode.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::ForwardSingle => "forward_single",
            Self::ForwardDomain => "forward_domain",
        }
    }
}

/// `external_host`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// Scheme browsers use.
    pub scheme: Scheme,
    /// Host and port browsers use.
    pub authority: Authority,
    /// Path below which the application lives, without a final slash; empty for none.
    pub path: String,
    /// Path below which core sends browsers back: the same as `path`, or the folder it lies in
    /// where the external host has no final slash. Without a final slash; empty for none.
    pub home: String,
    /// Whether `authority` is `*.domain`: every host with one more label (`Provider::at`).
    pub wildcard: bool,
}

impl External {
    /// `scheme://host[:port]`, without a path.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority)
    }
}

/// Core's OAuth2 endpoints, after host rewriting (contract 8, last item).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Issuer that tokens must name.
    pub issuer: String,
    /// Browser: sign in.
    pub authorization: Url,
    /// Back channel: codes and client credentials.
    pub token: Url,
    /// Back channel: introspection.
    pub introspection: Option<Url>,
    /// Browser: after sign-out.
    pub end_session: Option<Url>,
    /// Back channel: keys.
    pub jwks: Option<Url>,
    /// What the `X-authentik-meta-jwks` header says; the key set's URL as served.
    pub jwks_public: String,
    /// Host and scheme to claim on the back channel, where browsers use another host than we do:
    /// core derives the issuer from them (fixture README 2).
    pub back_channel: Option<BackChannel>,
}

/// Host and scheme that core is to believe it was asked under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackChannel {
    /// Value of `Host`.
    pub host: String,
    /// Value of `X-Forwarded-Proto`.
    pub scheme: Scheme,
}

/// How tokens of this provider are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signing {
    /// HS256 with the client secret.
    ClientSecret,
    /// An asymmetric algorithm with a key of the key set.
    KeySet,
}

/// The session cookie of a provider (contract 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSpec {
    /// `authentik_proxy_<8 hex>`.
    pub name: String,
    /// `Domain`, where set.
    pub domain: Option<String>,
    /// `Path`: the part of the host that the application has for itself; `/` for all of it.
    pub path: String,
    /// `Secure`, when browsers come over TLS.
    pub secure: bool,
}

/// Basic authentication towards the application (contract 10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicAuthSpec {
    /// User attribute that holds the user name; empty: the e-mail address.
    pub user_attribute: String,
    /// User attribute that holds the password.
    pub password_attribute: String,
}

/// A compiled provider. Immutable; a new configuration makes a new one.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Core's key.
    pub pk: i64,
    /// Name in core.
    pub name: String,
    /// Slug of the application.
    pub application_slug: String,
    /// Name of the application.
    pub application_name: String,
    /// What is done for it.
    pub mode: Mode,
    /// Where browsers see it.
    pub external: External,
    /// Upstream of proxy mode; `None` otherwise.
    pub internal: Option<Url>,
    /// Whether the upstream's certificate is checked.
    pub verify_upstream: bool,
    /// OAuth2 client.
    pub client_id: String,
    /// OAuth2 secret.
    pub client_secret: SecretString,
    /// Key of the state signature.
    pub cookie_secret: SecretString,
    /// Core's endpoints.
    pub endpoints: Endpoints,
    /// How tokens are signed.
    pub signing: Signing,
    /// Scopes, sorted, joined by a blank.
    pub scope: String,
    /// Unauthenticated paths.
    pub skip: SkipRules,
    /// The session cookie.
    pub cookie: CookieSpec,
    /// Domain of `forward_domain`, lower case, without a leading dot.
    pub cookie_domain: Option<String>,
    /// Basic authentication to the application.
    pub basic_auth: Option<BasicAuthSpec>,
    /// Whether failed header authentication is answered by us.
    pub intercept_header_auth: bool,
    /// Lifetime of the cookie before sign-in is known, in seconds.
    pub access_token_validity: i64,
    /// Keypair uuid for TLS.
    pub certificate: Option<String>,
    /// `<external_host>/outpost.goauthentik.io/callback?X-authentik-auth-callback=true`.
    pub redirect_uri: String,
    /// Whether the paths and headers of the 2021.5 outpost are served as well (contract 16).
    pub akprox: bool,
}

impl Provider {
    /// Where the outpost's own paths lie on this provider's hosts.
    #[must_use]
    pub fn own_paths(&self) -> OwnPaths<'_> {
        OwnPaths { base: &self.external.path, home: &self.external.home, akprox: self.akprox }
    }

    /// The provider as it stands on `host`: one with a wildcard host becomes the provider of just
    /// that host, so that callbacks, cookies and return targets stay on it. `None` where it is
    /// one with a single host, and serves every request as it is.
    #[must_use]
    pub fn at(&self, host: &Authority) -> Option<Self> {
        if !self.external.wildcard {
            return None;
        }
        let mut provider = self.clone();
        let named = host.clone().without_default_port(self.external.scheme);
        let (_, rest) = self.redirect_uri.split_once("://")?;
        let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
        provider.redirect_uri = format!("{}://{named}{path}", self.external.scheme.as_str());
        provider.external.authority = named;
        provider.external.wildcard = false;
        Some(provider)
    }
}
