//! A provider and fixtures for unit tests.

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use crate::provider::{CookieSpec, Endpoints, External, Mode, Provider, Signing};
use crate::skip::SkipRules;
use crate::target::{Authority, Scheme};

/// The provider of the captured tokens (fixture 13), in proxy mode.
pub(crate) fn provider() -> Provider {
    let core = "http://127.0.0.1:8000/application/o";
    let url = |path: &str| Url::parse(&format!("{core}/{path}")).unwrap();
    Provider {
        pk: 1,
        name: "proxy-app".to_owned(),
        application_slug: "app-proxy".to_owned(),
        application_name: "App Proxy".to_owned(),
        mode: Mode::Proxy,
        external: External {
            scheme: Scheme::Http,
            authority: Authority::parse("app.test:9000").unwrap(),
            path: String::new(),
            home: String::new(),
            wildcard: false,
        },
        internal: None,
        verify_upstream: true,
        client_id: fixture_client("13_token_exchange.json", "client_id"),
        client_secret: SecretString::from(fixture_client(
            "13_token_exchange.json",
            "client_secret",
        )),
        cookie_secret: SecretString::from("I9E25R2VC3KJL8MI7PQBKYKJPZJVX2KN".to_owned()),
        endpoints: Endpoints {
            issuer: format!("{core}/app-proxy/"),
            authorization: url("authorize/"),
            token: url("token/"),
            introspection: Some(url("introspect/")),
            end_session: Some(url("app-proxy/end-session/")),
            jwks: Some(url("app-proxy/jwks/")),
            jwks_public: format!("{core}/app-proxy/jwks/"),
            back_channel: None,
        },
        signing: Signing::ClientSecret,
        scope: "ak_proxy email entitlements openid profile".to_owned(),
        skip: SkipRules::default(),
        cookie: CookieSpec {
            name: "authentik_proxy_0011aabb".to_owned(),
            domain: None,
            path: "/".to_owned(),
            secure: false,
        },
        cookie_domain: None,
        basic_auth: None,
        intercept_header_auth: true,
        access_token_validity: 86_400,
        certificate: None,
        redirect_uri:
            "http://app.test:9000/outpost.goauthentik.io/callback?X-authentik-auth-callback=true"
                .to_owned(),
        akprox: false,
    }
}

/// A provider of `mode` at `external` (`scheme://host[:port][/path]`).
pub(crate) fn provider_at(
    pk: i64,
    mode: Mode,
    external: &str,
    cookie_domain: Option<&str>,
) -> Provider {
    let (scheme, rest) = external.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = path.trim_end_matches('/').to_owned();
    let wildcard = authority.strip_prefix("*.");
    let mut named = Authority::parse(wildcard.unwrap_or(authority)).unwrap();
    if wildcard.is_some() {
        named.host = format!("*.{}", named.host).into();
    }
    Provider {
        pk,
        name: format!("provider {pk}"),
        mode,
        external: External {
            scheme: Scheme::parse(scheme).unwrap(),
            authority: named,
            home: path.clone(),
            path,
            wildcard: wildcard.is_some(),
        },
        cookie_domain: cookie_domain.map(str::to_owned),
        ..provider()
    }
}

/// A captured payload.
pub(crate) fn fixture(name: &str) -> Value {
    let path = format!("{}/../../tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The exchanges of a captured payload: those listed, or the only one.
pub(crate) fn exchanges(name: &str) -> Vec<Value> {
    let fixture = fixture(name);
    match fixture.get("exchanges") {
        Some(Value::Array(exchanges)) => exchanges.clone(),
        _ => vec![fixture],
    }
}

/// A form field of the first request of a captured payload.
fn fixture_client(name: &str, field: &str) -> String {
    exchanges(name)[0]["request"]["form"][field].as_str().unwrap().to_owned()
}
