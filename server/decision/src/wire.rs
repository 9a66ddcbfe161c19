//! Records as authentik core sends them (contract 3; fixtures 01, 02, 03).
//!
//! Tolerant by design: unknown fields are ignored, missing ones take the value core would mean.
//! Nothing is judged here; [`crate::compile`] does that.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// One page of a paginated list (`pagination.next` is 0 at the end); `R` is what its results are read as.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<R> {
    /// Where the next page is.
    #[serde(default)]
    pub pagination: Pagination,
    /// The records. Required: an answer without it is a failure whatever its status says.
    pub results: R,
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
    pub refresh_interval_s: Option<f64>,
    /// Options of contract 13.
    #[serde(default, deserialize_with = "null_default")]
    pub config: Map<String, Value>,
    /// `goauthentik.io/outposts/embedded` for the embedded outpost.
    #[serde(default)]
    pub managed: Option<String>,
}

impl OutpostRecord {
    /// The refresh interval in seconds: 300 where core says nothing usable, never under 30. A core
    /// that does not say it in seconds says it in the option `refresh_interval` (`minutes=5`).
    #[must_use]
    pub fn refresh_interval_seconds(&self) -> u64 {
        let option = || self.option("refresh_interval").and_then(time_span_seconds);
        match self.refresh_interval_s.or_else(option) {
            Some(seconds) if seconds > 0.0 && seconds.is_finite() => (seconds as u64).max(30),
            _ => 300,
        }
    }

    /// Whether this is the embedded outpost (contract 3).
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.managed.as_deref() == Some("goauthentik.io/outposts/embedded")
    }

    /// Whether an option of `config` is on: `true`, or a text that says so.
    #[must_use]
    pub fn switch(&self, name: &str) -> bool {
        match self.config.get(name) {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
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
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ErrorReporting {
    /// Off unless core says so.
    #[serde(default, deserialize_with = "null_default")]
    pub enabled: bool,
    /// Where to, when on.
    #[serde(default, deserialize_with = "null_default")]
    pub sentry_dsn: String,
    /// Environment name for the reports.
    #[serde(default, deserialize_with = "null_default")]
    pub environment: String,
    /// Whether reports may name people: users, addresses.
    #[serde(default, deserialize_with = "null_default")]
    pub send_pii: bool,
    /// Part of the requests whose traces core would like as well.
    #[serde(default, deserialize_with = "null_default")]
    pub traces_sample_rate: f64,
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

/// A span of time as core writes it: `hours=1;minutes=30`. `None` when it cannot be read.
fn time_span_seconds(text: &str) -> Option<f64> {
    text.split(';').filter(|part| !part.trim().is_empty()).try_fold(0.0, |sum, part| {
        let (unit, count) = part.split_once('=')?;
        let unit = match unit.trim().to_ascii_lowercase().as_str() {
            "microseconds" => 1e-6,
            "milliseconds" => 1e-3,
            "seconds" => 1.0,
            "minutes" => 60.0,
            "hours" => 3_600.0,
            "days" => 86_400.0,
            "weeks" => 604_800.0,
            _ => return None,
        };
        Some(sum + unit * count.trim().parse::<f64>().ok()?)
    })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_refresh_interval_is_read_in_seconds_or_as_the_option_writes_it() {
        for (seconds, option, expected) in [
            (json!(60), json!("minutes=5"), 60),
            (json!(60.9), json!(null), 60),
            (json!(1), json!(null), 30),
            (json!(0), json!("minutes=7"), 300),
            (json!(-5), json!("minutes=7"), 300),
            (json!(null), json!("minutes=7"), 420),
            (json!(null), json!("hours=1;minutes=30;"), 5400),
            (json!(null), json!("Minutes = 2"), 120),
            (json!(null), json!("weeks=1"), 604_800),
            (json!(null), json!("seconds=5"), 30),
            (json!(null), json!("minutes=-7"), 300),
            (json!(null), json!("minutes=nan"), 300),
            (json!(null), json!("minutes"), 300),
            (json!(null), json!("fortnights=1"), 300),
            (json!(null), json!(""), 300),
            (json!(null), json!(5), 300),
            (json!(null), json!(null), 300),
        ] {
            let record: OutpostRecord = serde_json::from_value(json!({
                "pk": "p", "refresh_interval_s": seconds, "config": {"refresh_interval": option},
            }))
            .unwrap();
            assert_eq!(record.refresh_interval_seconds(), expected, "{seconds} {option}");
        }
        let record: OutpostRecord = serde_json::from_value(json!({"pk": "p"})).unwrap();
        assert_eq!(record.refresh_interval_seconds(), 300);
    }

    #[test]
    fn switches_are_on_only_when_core_says_so() {
        for (value, on) in [
            (json!(true), true),
            (json!("true"), true),
            (json!("True"), true),
            (json!(false), false),
            (json!("false"), false),
            (json!("yes"), false),
            (json!(1), false),
            (json!(null), false),
        ] {
            let record: OutpostRecord =
                serde_json::from_value(json!({"pk": "p", "config": {"it": value}})).unwrap();
            assert_eq!(record.switch("it"), on, "{value}");
            assert!(!record.switch("another"));
        }
    }

    #[test]
    fn error_reporting_is_off_where_core_does_not_ask_for_it() {
        for (answer, enabled, pii) in [
            (json!({}), false, false),
            (json!({"error_reporting": {}}), false, false),
            (json!({"error_reporting": {"enabled": null, "sentry_dsn": null}}), false, false),
            (
                json!({"error_reporting": {
                    "enabled": true, "sentry_dsn": "https://k@host/1", "environment": "customer",
                    "send_pii": true, "traces_sample_rate": 0.1, "what_the_future_brings": [1],
                }}),
                true,
                true,
            ),
        ] {
            let config: GlobalConfig = serde_json::from_value(answer).unwrap();
            assert_eq!(config.error_reporting.enabled, enabled);
            assert_eq!(config.error_reporting.send_pii, pii);
        }
    }
}
