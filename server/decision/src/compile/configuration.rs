//! Whether two replicas serve the same.

use std::sync::Arc;

use secrecy::ExposeSecret;

use super::fingerprint::Hasher;
use crate::provider::{
    BackChannel, BasicAuthSpec, CookieSpec, Endpoints, External, Provider, Signing,
};
use crate::target::Authority;

/// Hexadecimal digits of a fingerprint: enough to tell configurations apart, too few to tell
/// anything about the secrets in them.
const DIGITS: usize = 12;

/// A short fingerprint of compiled providers: equal where replicas serve the same, in whatever
/// order core listed it. Replicas of different versions may differ in it all the same.
#[must_use]
pub fn configuration(providers: &[Arc<Provider>]) -> String {
    let mut ordered: Vec<&Provider> = providers.iter().map(AsRef::as_ref).collect();
    ordered.sort_unstable_by_key(|provider| provider.pk);
    let mut hash = Hasher::new();
    for provider in ordered {
        add(&mut hash, provider);
    }
    let mut text = hex::encode(hash.finish());
    text.truncate(DIGITS);
    text
}

/// Adds a provider. Every field is taken apart by name, so that a new one cannot be forgotten
/// here.
fn add(hash: &mut Hasher, provider: &Provider) {
    let Provider {
        pk,
        name,
        application_slug,
        application_name,
        mode,
        external,
        internal,
        verify_upstream,
        client_id,
        client_secret,
        cookie_secret,
        endpoints,
        signing,
        scope,
        skip,
        cookie,
        cookie_domain,
        basic_auth,
        intercept_header_auth,
        access_token_validity,
        certificate,
        redirect_uri,
        akprox,
    } = provider;
    hash.add(&pk.to_be_bytes());
    for text in [
        name,
        application_slug,
        application_name,
        mode.as_str(),
        client_id,
        client_secret.expose_secret(),
        cookie_secret.expose_secret(),
        scope,
        redirect_uri,
    ] {
        hash.add(text.as_bytes());
    }
    add_external(hash, external);
    add_if_any(hash, internal.as_ref().map(url::Url::as_str));
    add_endpoints(hash, endpoints);
    let CookieSpec { name, domain, path, secure } = cookie;
    hash.add(name.as_bytes());
    hash.add(path.as_bytes());
    add_if_any(hash, domain.as_deref());
    add_if_any(hash, cookie_domain.as_deref());
    add_if_any(hash, certificate.as_deref());
    hash.add(&skip.rules().len().to_be_bytes());
    for rule in skip.rules() {
        hash.add(rule.source.as_bytes());
    }
    let attributes = basic_auth.as_ref().map(|spec| {
        let BasicAuthSpec { user_attribute, password_attribute } = spec;
        (user_attribute.as_str(), password_attribute.as_str())
    });
    add_if_any(hash, attributes.map(|(user, _)| user));
    add_if_any(hash, attributes.map(|(_, password)| password));
    hash.add(&access_token_validity.to_be_bytes());
    let by_client_secret = *signing == Signing::ClientSecret;
    for flag in [verify_upstream, intercept_header_auth, akprox, secure, &by_client_secret] {
        hash.add(&[u8::from(*flag)]);
    }
}

fn add_external(hash: &mut Hasher, external: &External) {
    let External { scheme, authority, path, home, wildcard } = external;
    let Authority { host, port } = authority;
    for text in [scheme.as_str(), host, path, home] {
        hash.add(text.as_bytes());
    }
    hash.add(&port.unwrap_or_default().to_be_bytes());
    hash.add(&[u8::from(*wildcard)]);
}

fn add_endpoints(hash: &mut Hasher, endpoints: &Endpoints) {
    let Endpoints {
        issuer,
        authorization,
        token,
        introspection,
        end_session,
        jwks,
        jwks_public,
        back_channel,
    } = endpoints;
    for text in [issuer, authorization.as_str(), token.as_str(), jwks_public] {
        hash.add(text.as_bytes());
    }
    for url in [introspection, end_session, jwks] {
        add_if_any(hash, url.as_ref().map(url::Url::as_str));
    }
    let claimed = back_channel.as_ref().map(|BackChannel { host, scheme }| (host, scheme.as_str()));
    add_if_any(hash, claimed.map(|(host, _)| host.as_str()));
    add_if_any(hash, claimed.map(|(_, scheme)| scheme));
}

/// Nothing differs from an empty text.
fn add_if_any(hash: &mut Hasher, text: Option<&str>) {
    hash.add(&[u8::from(text.is_some())]);
    hash.add(text.unwrap_or_default().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Mode;
    use crate::test_support::provider_at;

    #[test]
    fn the_order_means_nothing_and_whatever_is_served_differently_shows() {
        let one = provider_at(1, Mode::Proxy, "https://one.example.com", None);
        let two = provider_at(2, Mode::Proxy, "https://two.example.com", None);
        let print = |providers: &[&Provider]| {
            let providers: Vec<_> = providers.iter().map(|it| Arc::new((*it).clone())).collect();
            configuration(&providers)
        };
        let both = print(&[&one, &two]);
        assert_eq!(both.len(), DIGITS);
        assert_eq!(both, print(&[&two, &one]));
        let mut seen = vec![both, print(&[&one]), print(&[&two]), print(&[])];
        let changes: [fn(&mut Provider); 8] = [
            |it| it.client_secret = "another".to_owned().into(),
            |it| it.cookie_secret = "another".to_owned().into(),
            |it| it.external.path = "/below".to_owned(),
            |it| it.certificate = Some(String::new()),
            |it| it.skip = crate::skip::SkipRules::compile("^/open").0,
            |it| it.verify_upstream = !it.verify_upstream,
            |it| it.akprox = !it.akprox,
            |it| it.access_token_validity += 1,
        ];
        for change in changes {
            let mut changed = one.clone();
            change(&mut changed);
            seen.push(print(&[&changed]));
        }
        let different: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(different.len(), seen.len(), "{seen:?}");
    }
}
