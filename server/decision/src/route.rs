//! Host to provider, by ordered specificity (contract 5).

use std::sync::Arc;

use serde::Serialize;

use crate::provider::Provider;
use crate::ruleset::Ruleset;
use crate::target::{Authority, Scheme};

/// How a host found its provider, most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// The host and port of an `external_host`.
    ExactHost,
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
    #[must_use]
    pub fn route(&self, authority: &Authority, scheme: Scheme) -> Option<Routed<'_>> {
        let exact =
            self.exact_match(authority, scheme).map(|provider| (provider, Match::ExactHost));
        let mut domains = self.domain_matches(&authority.host);
        let (provider, matched) = exact
            .or_else(|| domains.next().map(|provider| (provider, Match::CookieDomain)))
            .or_else(|| match self.providers() {
                [only] => Some((only, Match::OnlyProvider)),
                _ => None,
            })?;
        let others = domains.filter(|other| other.pk != provider.pk).count();
        Some(Routed { provider, matched, others })
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

    fn exact_match(&self, authority: &Authority, scheme: Scheme) -> Option<&Arc<Provider>> {
        let ports = self.exact.get(&authority.host)?;
        match authority.port {
            Some(port) => ports.get(&port),
            None => {
                let other = match scheme {
                    Scheme::Http => Scheme::Https,
                    Scheme::Https => Scheme::Http,
                };
                ports.get(&scheme.default_port()).or_else(|| ports.get(&other.default_port()))
            }
        }
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
