//! Records as authentik core sends them (contract 3; fixtures 01, 02, 03).
//!
//! Tolerant by design: unknown fields are ignored, missing ones take the value core would mean.
//! Nothing is judged here; [`crate::compile`] does that.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// One page of a paginated list (`pagination.next` is 0 at the end).
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// Where the next page is.
    #[serde(default)]
    pub pagination: Pagination,
    /// The records. Required: an answer without it is a failure whatever its status says.
    pub results: Vec<T>,
}

/// The pagination part of a [`Page`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Pagination {
    /// Number of the next page, 0 when this is the last one. Core sends a float in some versions.
    #[serde(default)]
    pub next: f64,
}

/// The outpost record (`GET /outposts/instances/`).
#[derive(Clone, Debug, Deserialize)]
pub struct OutpostRecord {
    /// The outpost's uuid.
    pub pk: String,
    /// Its name in core.
    #[serde(default)]
    pub name: String,
    /// `proxy` for the outposts this program serves.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Seconds between refreshes; see [`OutpostRecord::refresh_interval_seconds`].
    #[serde(default)]
    pub refresh_interval_s: f64,
    /// Options of contract 13.
    #[serde(default, deserialize_with = "null_default")]
    pub config: Map<String, Value>,
    /// `goauthentik.io/outposts/embedded` for the embedded outpost.
    #[serde(default)]
    pub managed: Option<String>,
}

impl OutpostRecord {
    /// The refresh interval in seconds: 300 where core says nothing usable, never under 30.
    #[must_use]
    pub fn refresh_interval_seconds(&self) -> u64 {
        if self.refresh_interval_s <= 0.0 || !self.refresh_interval_s.is_finite() {
            300
        } else {
            (self.refresh_interval_s as u64).max(30)
        }
    }

    /// Whether this is the embedded outpost (contract 3).
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.managed.as_deref() == Some("goauthentik.io/outposts/embedded")
    }

    /// A string option of `config`; `None` when absent, null or empty.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.config.get(name).and_then(Value::as_str).filter(|value| !value.is_empty())
    }
}

/// Global configuration (`GET /root/config/`).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct GlobalConfig {
    /// Whether and where errors are to be reported.
    #[serde(default)]
    pub error_reporting: ErrorReporting,
}

/// Error reporting as core wants it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ErrorReporting {
    /// Off unless core says so.
    #[serde(default)]
    pub enabled: bool,
    /// Where to, when on.
    #[serde(default)]
    pub sentry_dsn: String,
    /// Environment name for the reports.
    #[serde(default)]
    pub environment: String,
}

/// One proxy provider (`ProxyOutpostConfig`, `GET /outposts/proxy/`).
#[derive(Clone, Debug, Deserialize)]
pub struct ProviderRecord {
    /// Core's key of the provider.
    pub pk: i64,
    /// Its name in core.
    #[serde(default)]
    pub name: String,
    /// Upstream of proxy mode.
    #[serde(default, deserialize_with = "null_default")]
    pub internal_host: String,
    /// Where browsers see the application.
    #[serde(default, deserialize_with = "null_default")]
    pub external_host: String,
    /// Whether the upstream's certificate is checked.
    #[serde(default = "yes")]
    pub internal_host_ssl_validation: bool,
    /// OAuth2 client id.
    #[serde(default, deserialize_with = "null_default")]
    pub client_id: String,
    /// OAuth2 client secret; also the HS256 key of tokens.
    #[serde(default = "no_secret")]
    pub client_secret: SecretString,
    /// Core's OAuth2 endpoints for this provider.
    #[serde(default, deserialize_with = "null_default")]
    pub oidc_configuration: OidcConfiguration,
    /// Key of the state signature.
    #[serde(default = "no_secret")]
    pub cookie_secret: SecretString,
    /// Keypair uuid for TLS.
    #[serde(default)]
    pub certificate: Option<String>,
    /// One Go regular expression a line.
    #[serde(default, deserialize_with = "null_default")]
    pub skip_path_regex: String,
    /// Whether to send basic authentication to the application.
    #[serde(default)]
    pub basic_auth_enabled: bool,
    /// User attribute that holds the password.
    #[serde(default, deserialize_with = "null_default")]
    pub basic_auth_password_attribute: String,
    /// User attribute that holds the user name.
    #[serde(default, deserialize_with = "null_default")]
    pub basic_auth_user_attribute: String,
    /// `proxy`, `forward_single` or `forward_domain`.
    #[serde(default, deserialize_with = "null_default")]
    pub mode: String,
    /// Domain of the cookie in `forward_domain`.
    #[serde(default, deserialize_with = "null_default")]
    pub cookie_domain: String,
    /// Lifetime of a token in seconds (a float on the wire).
    #[serde(default)]
    pub access_token_validity: Option<f64>,
    /// Whether failed header authentication is answered by us.
    #[serde(default = "yes")]
    pub intercept_header_auth: bool,
    /// Scopes, in an order that differs per core process.
    #[serde(default, deserialize_with = "null_default")]
    pub scopes_to_request: Vec<String>,
    /// Slug of the application.
    #[serde(default, deserialize_with = "null_default")]
    pub assigned_application_slug: String,
    /// Name of the application.
    #[serde(default, deserialize_with = "null_default")]
    pub assigned_application_name: String,
}

/// OAuth2 endpoints of a provider as core serves them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct OidcConfiguration {
    /// Issuer of tokens, with its final slash.
    #[serde(default)]
    pub issuer: String,
    /// Where browsers are sent to sign in.
    #[serde(default)]
    pub authorization_endpoint: String,
    /// Where codes become tokens.
    #[serde(default)]
    pub token_endpoint: String,
    /// Where bearer tokens are introspected.
    #[serde(default)]
    pub introspection_endpoint: String,
    /// Where browsers are sent after signing out.
    #[serde(default)]
    pub end_session_endpoint: String,
    /// Key set for asymmetric signatures.
    #[serde(default)]
    pub jwks_uri: String,
    /// Signature algorithms; `HS256` here means the client secret is the key.
    #[serde(default, deserialize_with = "null_default")]
    pub id_token_signing_alg_values_supported: Vec<String>,
}

/// Metadata of a certificate keypair.
#[derive(Clone, Debug, Deserialize)]
pub struct KeypairRecord {
    /// SHA-256 fingerprint; re-fetch only when it changes.
    #[serde(default)]
    pub fingerprint_sha256: Option<String>,
}

fn yes() -> bool {
    true
}

fn no_secret() -> SecretString {
    SecretString::from(String::new())
}

fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
