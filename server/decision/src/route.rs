//! Host to provider, by ordered specificity (contract 5).

use std::sync::Arc;

use serde::Serialize;

use crate::provider::Provider;
use crate::ruleset::Ruleset;
use crate::target::{Authority, Scheme, Target};

/// How a host found its provider, most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// The host and port of an `external_host`.
    ExactHost,
    /// The host name of exactly one provider, on another port than its `external_host` names: the
    /// HTTPS listener beside the HTTP one, a port that a container engine maps.
    OtherPort,
    /// Under the `cookie_domain` of a `forward_domain` provider.
    CookieDomain,
    /// There is only one provider.
    OnlyProvider,
}

/// The provider that serves a host.
#[derive(Clone, Copy, Debug)]
pub struct Routed<'a> {
    /// The provider.
    pub provider: &'a Arc<Provider>,
    /// How it matched.
    pub matched: Match,
    /// How many other providers would have matched less well.
    pub others: usize,
}

impl Ruleset {
    /// The provider that serves `authority`, if one does. One hash look-up per label of the host.
    ///
    /// Without a port, the default port of `scheme` is tried first and then the other one: the
    /// scheme is our guess where no trusted proxy tells it, and must not cost anybody the match.
    /// Where several providers share the host name on different ports, only the port decides.
    #[must_use]
    pub fn route(&self, authority: &Authority, scheme: Scheme) -> Option<Routed<'_>> {
        let named = self.named_match(authority, scheme);
        let mut domains = self.domain_matches(&authority.host);
        let (provider, matched) = named
            .or_else(|| domains.next().map(|provider| (provider, Match::CookieDomain)))
            .or_else(|| match self.providers() {
                [only] => Some((only, Match::OnlyProvider)),
                _ => None,
            })?;
        let others = domains.filter(|other| other.pk != provider.pk).count();
        Some(Routed { provider, matched, others })
    }

    /// Whether a request that came in under the name `own` may be about `routed`, the provider that
    /// `target` led to, where a client could have named `target` itself.
    ///
    /// A reverse proxy that asks under a name of its own is nobody's application: any target fits.
    /// One that passes the application's name on must be asking about that application, or else
    /// who may use one application would be let into another.
    #[must_use]
    pub fn may_ask_about(&self, own: &Authority, target: &Target, routed: &Routed<'_>) -> bool {
        let named = self.named_match(own, target.scheme).map(|(provider, _)| provider);
        let own_provider = named.or_else(|| self.domain_matches(&own.host).next());
        own_provider.is_none_or(|provider| {
            provider.pk == routed.provider.pk && own.host == target.authority.host
        })
    }

    /// The provider whose certificate answers for a TLS server name: the host name decides,
    /// whatever port the external host names (contract 12). Providers without a certificate do
    /// not count.
    #[must_use]
    pub fn provider_for_server_name(&self, name: &str) -> Option<&Arc<Provider>> {
        let name = Authority::parse(name)?.host;
        let certified = |provider: &&Arc<Provider>| provider.certificate.is_some();
        self.exact
            .get(&name)
            .into_iter()
            .flat_map(|ports| ports.values())
            .filter(certified)
            .min_by_key(|provider| provider.pk)
            .or_else(|| self.domain_matches(&name).find(certified))
    }

    /// The provider whose external host has this name.
    fn named_match(
        &self,
        authority: &Authority,
        scheme: Scheme,
    ) -> Option<(&Arc<Provider>, Match)> {
        let ports = self.exact.get(&authority.host)?;
        let exact = match authority.port {
            Some(port) => ports.get(&port),
            None => {
                let other = match scheme {
                    Scheme::Http => Scheme::Https,
                    Scheme::Https => Scheme::Http,
                };
                ports.get(&scheme.default_port()).or_else(|| ports.get(&other.default_port()))
            }
        };
        let only = || ports.values().next().filter(|_| ports.len() == 1);
        exact
            .map(|provider| (provider, Match::ExactHost))
            .or_else(|| only().map(|provider| (provider, Match::OtherPort)))
    }

    /// Providers whose cookie domain the host equals or lies under, longest domain first.
    fn domain_matches<'a, 'h>(
        &'a self,
        host: &'h str,
    ) -> impl Iterator<Item = &'a Arc<Provider>> + use<'a, 'h> {
        std::iter::successors(Some(host), |host| host.split_once('.').map(|(_, rest)| rest))
            .filter_map(|suffix| self.domains.get(suffix))
    }
}

#[cfg(test)]
mod tests;
