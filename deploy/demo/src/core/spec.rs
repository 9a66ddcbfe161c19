//! What the stand-in core is told to serve: providers, users and key pairs.

mod keypair;
mod user;

use serde_json::{Map, Value};
use uuid::Uuid;

pub use keypair::KeyPairSpec;
pub use user::UserSpec;

use super::{crypto, refresh_tokens::OFFLINE_ACCESS};

/// How an application is protected (`mode` in core's records).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The outpost proxies to the application.
    Proxy,
    /// A reverse proxy asks about one application.
    ForwardSingle,
    /// A reverse proxy asks about every host of a domain.
    ForwardDomain,
}

impl Mode {
    /// The value core sends.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::ForwardSingle => "forward_single",
            Self::ForwardDomain => "forward_domain",
        }
    }
}

/// With what a provider's tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// HS256, the key is the client secret; the JWKS is `{}`. Core's default for proxy providers.
    ClientSecret,
    /// RS256 with a 2048-bit key served in the JWKS.
    Rs256,
    /// ES256 with a P-256 key served in the JWKS.
    Es256,
}

impl Signing {
    /// The JOSE name of the algorithm.
    pub fn alg(self) -> &'static str {
        match self {
            Self::ClientSecret => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// One proxy provider and its application. Change what matters, keep the defaults of a new provider in core
/// for the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderSpec {
    /// Name of the provider; `/outposts/proxy/` is ordered by it.
    pub name: String,
    /// Slug of the application: part of the issuer.
    pub slug: String,
    /// Name of the application.
    pub application_name: String,
    /// `false`: no application is assigned, so the provider is missing from `/outposts/proxy/`.
    pub has_application: bool,
    /// Whether it is a proxy provider: an application of its own knows how to sign people in, and
    /// no outpost is told of it.
    pub is_proxy: bool,
    /// Whether its client has a secret: one that has none proves by PKCE alone whose code it is.
    pub is_confidential: bool,
    /// Mode of the provider.
    pub mode: Mode,
    /// URL under which browsers see the application.
    pub external_host: String,
    /// URL of the application, proxy mode only.
    pub internal_host: String,
    /// Whether the application's certificate is checked.
    pub internal_host_ssl_validation: bool,
    /// Domain of the cookie (domain mode), or empty.
    pub cookie_domain: String,
    /// OAuth2 client id, random by default.
    pub client_id: String,
    /// OAuth2 client secret, random by default.
    pub client_secret: String,
    /// Secret of the outpost's cookies, random by default.
    pub cookie_secret: String,
    /// Key pair to serve HTTPS with.
    pub certificate: Option<Uuid>,
    /// Unauthenticated paths, one regular expression a line.
    pub skip_path_regex: String,
    /// Whether the application gets basic authentication.
    pub basic_auth_enabled: bool,
    /// Attribute holding the application's user name.
    pub basic_auth_user_attribute: String,
    /// Attribute holding the application's password.
    pub basic_auth_password_attribute: String,
    /// Lifetime of tokens in seconds.
    pub access_token_validity: f64,
    /// Lifetime of refresh tokens in seconds.
    pub refresh_token_validity: f64,
    /// Whether failing header authentication is answered with 401.
    pub intercept_header_auth: bool,
    /// Scopes of the provider.
    pub scopes: Vec<String>,
    /// Extra claims by scope name, merged deeply into tokens that have the scope.
    pub scope_claims: Vec<(String, Value)>,
    /// With what tokens are signed.
    pub signing: Signing,
    /// Registered redirect URIs; `None`: those core computes from the external host.
    pub redirect_uris: Option<Vec<String>>,
    /// Where logout tokens are sent; `None`: nowhere.
    pub logout_uri: Option<String>,
    /// Keys put over the finished record, whatever they are. Not seen by the OAuth2 side.
    pub overrides: Map<String, Value>,
}

impl ProviderSpec {
    /// A provider in proxy mode.
    pub fn proxy(slug: &str, external_host: &str, internal_host: &str) -> Self {
        Self {
            internal_host: internal_host.to_owned(),
            ..Self::new(slug, Mode::Proxy, external_host)
        }
    }

    /// A provider in forward mode for one application.
    pub fn forward_single(slug: &str, external_host: &str) -> Self {
        Self::new(slug, Mode::ForwardSingle, external_host)
    }

    /// A provider in forward mode for a domain.
    pub fn forward_domain(slug: &str, external_host: &str, cookie_domain: &str) -> Self {
        Self {
            cookie_domain: cookie_domain.to_owned(),
            ..Self::new(slug, Mode::ForwardDomain, external_host)
        }
    }

    /// An OAuth2 provider that is no proxy provider, for an application at these redirect URIs. Its
    /// tokens are signed with a key.
    pub fn oauth2(slug: &str, redirect_uris: &[&str]) -> Self {
        Self {
            is_proxy: false,
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
            signing: Signing::Rs256,
            redirect_uris: Some(redirect_uris.iter().map(|&uri| uri.to_owned()).collect()),
            ..Self::new(slug, Mode::Proxy, "")
        }
    }

    fn new(slug: &str, mode: Mode, external_host: &str) -> Self {
        Self {
            name: slug.to_owned(),
            slug: slug.to_owned(),
            application_name: slug.to_owned(),
            has_application: true,
            is_proxy: true,
            is_confidential: true,
            mode,
            external_host: external_host.to_owned(),
            internal_host: String::new(),
            internal_host_ssl_validation: true,
            cookie_domain: String::new(),
            client_id: crypto::random_text(40),
            client_secret: crypto::random_text(128),
            cookie_secret: crypto::random_text(32),
            certificate: None,
            skip_path_regex: String::new(),
            basic_auth_enabled: false,
            basic_auth_user_attribute: String::new(),
            basic_auth_password_attribute: String::new(),
            access_token_validity: 86_400.0,
            refresh_token_validity: 30.0 * 86_400.0,
            intercept_header_auth: true,
            scopes: ["openid", "email", "profile", "ak_proxy", "entitlements"]
                .map(str::to_owned)
                .to_vec(),
            scope_claims: Vec::new(),
            signing: Signing::ClientSecret,
            redirect_uris: None,
            logout_uri: None,
            overrides: Map::new(),
        }
    }

    /// Sets the provider's name (the default is the slug).
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// Sets the application's name (the default is the slug).
    #[must_use]
    pub fn application(mut self, name: &str) -> Self {
        self.application_name = name.to_owned();
        self
    }

    /// Leaves the provider without an application.
    #[must_use]
    pub fn without_application(mut self) -> Self {
        self.has_application = false;
        self
    }

    /// Makes its client a public one, without a secret.
    #[must_use]
    pub fn public(mut self) -> Self {
        self.is_confidential = false;
        self
    }

    /// Sets the unauthenticated paths.
    #[must_use]
    pub fn skip(mut self, regexes: &str) -> Self {
        self.skip_path_regex = regexes.to_owned();
        self
    }

    /// Sets how tokens are signed.
    #[must_use]
    pub fn signed_with(mut self, signing: Signing) -> Self {
        self.signing = signing;
        self
    }

    /// Sets the lifetime of tokens, in seconds.
    #[must_use]
    pub fn validity(mut self, seconds: f64) -> Self {
        self.access_token_validity = seconds;
        self
    }

    /// Adds the scope `offline_access`: who asks for it gets refresh tokens.
    #[must_use]
    pub fn offline_access(mut self) -> Self {
        if !self.scopes.iter().any(|known| known == OFFLINE_ACCESS) {
            self.scopes.push(OFFLINE_ACCESS.to_owned());
        }
        self
    }

    /// Sets the lifetime of refresh tokens, in seconds.
    #[must_use]
    pub fn refresh_validity(mut self, seconds: f64) -> Self {
        self.refresh_token_validity = seconds;
        self
    }

    /// Serves HTTPS with this key pair.
    #[must_use]
    pub fn certificate(mut self, keypair: Uuid) -> Self {
        self.certificate = Some(keypair);
        self
    }

    /// Gives the application basic authentication from these user attributes.
    #[must_use]
    pub fn basic_auth(mut self, user_attribute: &str, password_attribute: &str) -> Self {
        self.basic_auth_enabled = true;
        self.basic_auth_user_attribute = user_attribute.to_owned();
        self.basic_auth_password_attribute = password_attribute.to_owned();
        self
    }

    /// Sets whether failing header authentication is answered with 401.
    #[must_use]
    pub fn intercept(mut self, on: bool) -> Self {
        self.intercept_header_auth = on;
        self
    }

    /// Adds a scope whose mapping contributes `claims` (merged deeply, as core does with `ak_proxy`).
    #[must_use]
    pub fn scope_mapping(mut self, scope: &str, claims: Value) -> Self {
        if !self.scopes.iter().any(|known| known == scope) {
            self.scopes.push(scope.to_owned());
        }
        self.scope_claims.push((scope.to_owned(), claims));
        self
    }

    /// Puts a key over the finished record (raw JSON, wrong types included).
    #[must_use]
    pub fn raw(mut self, key: &str, value: Value) -> Self {
        self.overrides.insert(key.to_owned(), value);
        self
    }

    /// The redirect URIs core registers: the callback joined to the external host (which drops a last path
    /// segment without a slash) and the external host itself, both with the callback query.
    pub fn registered_redirect_uris(&self) -> Vec<String> {
        if let Some(uris) = &self.redirect_uris {
            return uris.clone();
        }
        const QUERY: &str = "X-authentik-auth-callback=true";
        let joined = url::Url::parse(&self.external_host)
            .and_then(|base| base.join("outpost.goauthentik.io/callback"))
            .map_or_else(|_| self.external_host.clone(), String::from);
        vec![format!("{joined}?{QUERY}"), format!("{}?{QUERY}", self.external_host)]
    }
}
