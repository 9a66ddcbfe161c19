//! Compiled providers for tests.

use std::sync::Arc;

use outpost_decision::provider::{CookieSpec, Endpoints, External, Mode, Provider, Signing};
use outpost_decision::skip::SkipRules;
use outpost_decision::target::{Authority, Scheme};
use url::Url;

/// To share, see [`build`].
pub(crate) fn provider(pk: i64, name: &str, change: impl FnOnce(&mut Provider)) -> Arc<Provider> {
    Arc::new(build(pk, name, change))
}

/// A provider in proxy mode at `https://<name>.test`, and whatever `change` makes of it.
pub(crate) fn build(pk: i64, name: &str, change: impl FnOnce(&mut Provider)) -> Provider {
    let core = Url::parse("https://core.test/").unwrap();
    let mut provider = Provider {
        pk,
        name: name.to_owned(),
        application_slug: String::new(),
        application_name: String::new(),
        mode: Mode::Proxy,
        external: External {
            scheme: Scheme::Https,
            authority: Authority::parse(&format!("{name}.test")).unwrap(),
            path: String::new(),
            home: String::new(),
            wildcard: false,
        },
        internal: Url::parse("http://upstream.test").ok(),
        verify_upstream: true,
        client_id: format!("client-{pk}"),
        client_secret: "secret".into(),
        cookie_secret: "cookie".into(),
        endpoints: Endpoints {
            issuer: core.to_string(),
            authorization: core.clone(),
            token: core,
            introspection: None,
            end_session: None,
            jwks: None,
            jwks_public: String::new(),
            back_channel: None,
        },
        signing: Signing::ClientSecret,
        scope: String::new(),
        skip: SkipRules::default(),
        cookie: CookieSpec { name: "c".into(), domain: None, path: "/".into(), secure: true },
        cookie_domain: None,
        basic_auth: None,
        intercept_header_auth: true,
        access_token_validity: 600,
        certificate: None,
        redirect_uri: String::new(),
        akprox: false,
    };
    change(&mut provider);
    provider
}
