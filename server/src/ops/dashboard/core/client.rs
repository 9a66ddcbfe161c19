//! The application for operators, as a provider of ours: so that signing in there is the flow, and
//! the checks, of every sign-in.

use outpost_decision::provider::{
    BackChannel, CookieSpec, Endpoints, External, Mode, Provider, Signing,
};
use outpost_decision::skip::SkipRules;
use outpost_decision::target::{Authority, Scheme};
use secrecy::SecretString;
use url::Url;

/// Where the callback lies.
pub(crate) const CALLBACK: &str = "/sign-in/callback";

/// What the application is made of.
pub struct ClientParts<'a> {
    /// Its slug.
    pub application: &'a str,
    /// Its client.
    pub client_id: &'a str,
    /// The client's secret, where it has one.
    pub client_secret: Option<&'a SecretString>,
    /// Core as we reach it: `authorize`, `token` and key set lie below `application/o/`.
    pub core: &'a dyn Fn(&[&str]) -> Url,
    /// Core as browsers reach it, where that differs.
    pub browser: Option<&'a Url>,
    /// Where operators find the pages.
    pub url: &'a Url,
    /// Name of the operators' cookie, which those of flows begin with.
    pub cookie_name: String,
    /// What flows are signed with.
    pub flow_secret: SecretString,
}

/// The application as a provider. `None` where a URL names no host.
#[must_use]
pub fn operators_client(parts: &ClientParts<'_>) -> Option<Provider> {
    let below = |path: &[&str]| (parts.core)(&[&["application", "o"], path].concat());
    let public = |url: Url| match parts.browser {
        Some(browser) => moved(&url, browser),
        None => Some(url),
    };
    let (token, jwks) = (below(&["token"]), below(&[parts.application, "jwks"]));
    let back_channel =
        parts.browser.and_then(claimed).filter(|it| Some(it) != claimed(&token).as_ref());
    let external = external(parts.url)?;
    let redirect_uri = format!("{}{CALLBACK}", external.origin());
    Some(Provider {
        pk: 0,
        name: "operators".to_owned(),
        application_slug: parts.application.to_owned(),
        application_name: parts.application.to_owned(),
        mode: Mode::ForwardSingle,
        cookie: CookieSpec {
            name: parts.cookie_name.clone(),
            domain: None,
            path: "/".to_owned(),
            secure: external.scheme == Scheme::Https,
        },
        external,
        internal: None,
        verify_upstream: true,
        client_id: parts.client_id.to_owned(),
        client_secret: parts.client_secret.cloned().unwrap_or_default(),
        cookie_secret: parts.flow_secret.clone(),
        endpoints: Endpoints {
            issuer: public(below(&[parts.application]))?.into(),
            authorization: public(below(&["authorize"]))?,
            token,
            introspection: None,
            end_session: None,
            jwks_public: jwks.to_string(),
            jwks: Some(jwks),
            back_channel,
        },
        // Nobody who knows the client's secret can make tokens.
        signing: Signing::KeySet,
        scope: "email openid profile".to_owned(),
        skip: SkipRules::default(),
        cookie_domain: None,
        basic_auth: None,
        intercept_header_auth: true,
        access_token_validity: 0,
        certificate: None,
        redirect_uri,
        akprox: false,
    })
}

fn external(url: &Url) -> Option<External> {
    let scheme = Scheme::parse(url.scheme())?;
    let authority = Authority { host: url.host_str()?.into(), port: url.port() };
    Some(External { scheme, authority, path: String::new(), home: String::new(), wildcard: false })
}

/// `url` with scheme, host and port of `to`.
fn moved(url: &Url, to: &Url) -> Option<Url> {
    Url::parse(&format!("{}{}", to.origin().ascii_serialization(), url.path())).ok()
}

fn claimed(url: &Url) -> Option<BackChannel> {
    let scheme = Scheme::parse(url.scheme())?;
    let authority = Authority { host: url.host_str()?.into(), port: url.port() };
    Some(BackChannel { host: authority.to_string(), scheme })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(core: &str, browser: Option<&str>, url: &str) -> Provider {
        let base = Url::parse(core).unwrap();
        let below = |path: &[&str]| base.join(&format!("{}/", path.join("/"))).unwrap();
        let browser = browser.map(|text| Url::parse(text).unwrap());
        operators_client(&ClientParts {
            application: "ops",
            client_id: "client",
            client_secret: None,
            core: &below,
            browser: browser.as_ref(),
            url: &Url::parse(url).unwrap(),
            cookie_name: "outpost_operator".to_owned(),
            flow_secret: "flow".into(),
        })
        .unwrap()
    }

    #[test]
    fn endpoints_lie_where_core_has_them() {
        let found = client("https://core.example.com/sub/", None, "https://o.example.com");
        let endpoints = &found.endpoints;
        assert_eq!(endpoints.issuer, "https://core.example.com/sub/application/o/ops/");
        let authorize = "https://core.example.com/sub/application/o/authorize/";
        assert_eq!(endpoints.authorization.as_str(), authorize);
        assert_eq!(endpoints.token.as_str(), "https://core.example.com/sub/application/o/token/");
        let keys = endpoints.jwks.as_ref().unwrap();
        assert_eq!(keys.as_str(), "https://core.example.com/sub/application/o/ops/jwks/");
        assert_eq!(endpoints.back_channel, None);
        assert_eq!(found.redirect_uri, "https://o.example.com/sign-in/callback");
        assert!(found.cookie.secure && found.cookie.path == "/");
    }

    #[test]
    fn browsers_go_where_they_reach_core_and_we_say_so_to_core() {
        let browser = Some("https://sso.example.com");
        let found = client("http://core:9000/", browser, "http://localhost:9301");
        let endpoints = &found.endpoints;
        assert_eq!(endpoints.issuer, "https://sso.example.com/application/o/ops/");
        let authorize = "https://sso.example.com/application/o/authorize/";
        assert_eq!(endpoints.authorization.as_str(), authorize);
        assert_eq!(endpoints.token.as_str(), "http://core:9000/application/o/token/");
        let claimed = endpoints.back_channel.as_ref().unwrap();
        assert_eq!((claimed.host.as_str(), claimed.scheme), ("sso.example.com", Scheme::Https));
        assert_eq!(found.redirect_uri, "http://localhost:9301/sign-in/callback");
        assert!(!found.cookie.secure);
        let same = client("https://core:9443/", Some("https://core:9443"), "http://localhost");
        assert_eq!(same.endpoints.back_channel, None);
    }
}
