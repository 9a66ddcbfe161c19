//! All compiled providers and the index from hosts to them. Immutable.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::finding::{Finding, Severity};
use crate::provider::{Mode, Provider};

mod overlap;
mod site;

pub(crate) use site::Site;

/// The compiled configuration that one request is decided by.
#[derive(Debug, Default)]
pub struct Ruleset {
    providers: Vec<Arc<Provider>>,
    by_pk: HashMap<i64, Arc<Provider>>,
    /// Host of `external_host`, then the port in effect.
    pub(crate) exact: HashMap<String, BTreeMap<u16, Site>>,
    /// The same for wildcard hosts, by what follows the asterisk and its dot.
    pub(crate) wildcards: HashMap<String, BTreeMap<u16, Site>>,
    /// Cookie domain, lower case, without a leading dot.
    pub(crate) domains: HashMap<String, Arc<Provider>>,
}

/// A finding and the key of the provider it concerns.
pub type ProviderFinding = (i64, Finding);

impl Ruleset {
    /// Indexes providers. Where two claim the same host and path or the same cookie domain, the
    /// one with the lower key keeps it and both get a finding. Of two with the same key the first
    /// counts.
    #[must_use]
    pub fn build(providers: Vec<Arc<Provider>>) -> (Self, Vec<ProviderFinding>) {
        let mut ruleset = Self::default();
        let mut findings = Vec::new();
        for provider in providers {
            if let std::collections::hash_map::Entry::Vacant(free) =
                ruleset.by_pk.entry(provider.pk)
            {
                free.insert(Arc::clone(&provider));
                ruleset.providers.push(provider);
            }
        }
        let mut ordered: Vec<&Arc<Provider>> = ruleset.providers.iter().collect();
        ordered.sort_unstable_by_key(|provider| provider.pk);
        for provider in ordered {
            let external = &provider.external;
            let port = external.authority.port_or_default(external.scheme);
            let host = &*external.authority.host;
            let site = match host.strip_prefix("*.").filter(|_| external.wildcard) {
                Some(domain) => ruleset.wildcards.entry(domain.to_owned()),
                None => ruleset.exact.entry(host.to_owned()),
            };
            if let Err(taken) = site.or_default().entry(port).or_default().add(provider) {
                let what = format!("the external host {}{}", external.authority, external.path);
                overlap::taken(&mut findings, "external_host_taken", &what, &taken, provider);
            }
            let domain = provider.cookie_domain.as_ref();
            if let Some(domain) = domain.filter(|_| provider.mode == Mode::ForwardDomain) {
                match ruleset.domains.entry(domain.clone()) {
                    std::collections::hash_map::Entry::Vacant(free) => {
                        free.insert(Arc::clone(provider));
                    }
                    std::collections::hash_map::Entry::Occupied(taken) => {
                        let what = format!("the cookie domain {domain}");
                        let taken = taken.get();
                        overlap::taken(
                            &mut findings,
                            "cookie_domain_taken",
                            &what,
                            taken,
                            provider,
                        );
                    }
                }
            }
        }
        overlap::look(&ruleset, &mut findings);
        (ruleset, findings)
    }

    /// Every provider, by name as core orders them.
    #[must_use]
    pub fn providers(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    /// The provider with core's key `pk`.
    #[must_use]
    pub fn provider(&self, pk: i64) -> Option<&Arc<Provider>> {
        self.by_pk.get(&pk)
    }

    /// The providers that people may mean by `text`: by its name or its application's slug, exactly.
    pub fn called<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a Arc<Provider>> {
        let called = move |name: &str| name == text && !text.is_empty();
        self.providers
            .iter()
            .filter(move |provider| called(&provider.name) || called(&provider.application_slug))
    }
}
