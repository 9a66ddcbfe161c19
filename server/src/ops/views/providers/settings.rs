//! What a provider's configuration has compiled to, for people; secrets are there or not, and
//! nothing else is told of them.

use std::time::Duration;

use outpost_dashboard::model::Setting;
use outpost_decision::provider::{Provider, Signing};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::ops::masking::{MASK, mask_url};

/// Every setting of a provider, in the order in which one would ask for them.
pub(super) fn settings(provider: &Provider) -> Vec<Setting> {
    let endpoints = &provider.endpoints;
    let cookie = &provider.cookie;
    let optional = |url: Option<&Url>| url.map_or_else(none, |url| mask_url(url.as_str()));
    let mut all = vec![
        ("Mode", provider.mode.as_str().to_owned()),
        ("External host", format!("{}{}/", provider.external.origin(), provider.external.path)),
        (
            "Own paths below",
            format!("{}{}/", provider.external.path, outpost_decision::OUTPOST_PREFIX),
        ),
        ("Redirect URI", mask_url(&provider.redirect_uri)),
    ];
    if let Some(upstream) = &provider.internal {
        all.push(("Internal host", mask_url(upstream.as_str())));
        all.push(("Internal host's certificate is checked", yes(provider.verify_upstream)));
    }
    all.extend([
        ("Client ID", provider.client_id.clone()),
        ("Client secret", secret(&provider.client_secret)),
        ("Cookie secret", secret(&provider.cookie_secret)),
        ("Issuer", endpoints.issuer.clone()),
        ("Authorization endpoint", mask_url(endpoints.authorization.as_str())),
        ("Token endpoint", mask_url(endpoints.token.as_str())),
        ("Introspection endpoint", optional(endpoints.introspection.as_ref())),
        ("End-session endpoint", optional(endpoints.end_session.as_ref())),
        ("Key set", optional(endpoints.jwks.as_ref())),
        (
            "Host claimed when asking core",
            endpoints
                .back_channel
                .as_ref()
                .map_or_else(none, |it| format!("{}://{}", it.scheme.as_str(), it.host)),
        ),
        (
            "Tokens are signed with",
            match provider.signing {
                Signing::ClientSecret => "the client secret (HS256)".to_owned(),
                Signing::KeySet => "a key of the key set".to_owned(),
            },
        ),
        ("Scopes", provider.scope.clone()),
        ("Cookie", cookie.name.clone()),
        ("Cookie's domain", cookie.domain.clone().unwrap_or_else(none)),
        ("Cookie's path", cookie.path.clone()),
        ("Cookie over TLS only", yes(cookie.secure)),
        ("Cookie domain of the provider", provider.cookie_domain.clone().unwrap_or_else(none)),
        ("Lifetime of tokens", seconds(provider.access_token_validity)),
        ("Authorization header is intercepted", yes(provider.intercept_header_auth)),
    ]);
    match &provider.basic_auth {
        None => all.push(("Basic authentication to the application", none())),
        Some(basic) => all.extend([
            ("Basic authentication: attribute of the user name", basic.user_attribute.clone()),
            ("Basic authentication: attribute of the password", basic.password_attribute.clone()),
        ]),
    }
    all.extend([
        ("Certificate (keypair in core)", provider.certificate.clone().unwrap_or_else(none)),
        ("Paths and headers of 2021.5", yes(provider.akprox)),
    ]);
    all.into_iter().map(|(name, value)| Setting { name: name.to_owned(), value }).collect()
}

fn none() -> String {
    "none".to_owned()
}

fn yes(holds: bool) -> String {
    if holds { "yes" } else { "no" }.to_owned()
}

fn secret(secret: &SecretString) -> String {
    if secret.expose_secret().is_empty() { none() } else { MASK.to_owned() }
}

fn seconds(seconds: i64) -> String {
    let duration = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let (hours, minutes) = (duration.as_secs() / 3600, duration.as_secs() / 60 % 60);
    match (hours, minutes, duration.as_secs() % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (hours, 0, 0) => format!("{hours} h"),
        (hours, minutes, 0) => format!("{hours} h {minutes} min"),
        (hours, minutes, seconds) => format!("{hours} h {minutes} min {seconds} s"),
    }
}
