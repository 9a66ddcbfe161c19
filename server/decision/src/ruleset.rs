//! All compiled providers and the index from hosts to them. Immutable.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::finding::{Finding, Severity};
use crate::provider::{Mode, Provider};

/// The compiled configuration that one request is decided by.
#[derive(Debug, Default)]
pub struct Ruleset {
    providers: Vec<Arc<Provider>>,
    by_pk: HashMap<i64, Arc<Provider>>,
    /// Host of `external_host`, then the port in effect.
    pub(crate) exact: HashMap<String, BTreeMap<u16, Arc<Provider>>>,
    /// Cookie domain, lower case, without a leading dot.
    pub(crate) domains: HashMap<String, Arc<Provider>>,
}

/// A finding and the key of the provider it concerns.
pub type ProviderFinding = (i64, Finding);

impl Ruleset {
    /// Indexes providers. Where two claim the same host or cookie domain, the one with the lower
    /// key keeps it and both get a finding. Of two with the same key the first counts.
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
            let ports = ruleset.exact.entry(external.authority.host.clone()).or_default();
            match ports.entry(port) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(Arc::clone(provider));
                }
                std::collections::btree_map::Entry::Occupied(taken) => {
                    let what = format!("the external host {}", external.authority);
                    overlap(&mut findings, "external_host_taken", &what, taken.get(), provider);
                }
            }
            let domain = provider.cookie_domain.as_ref();
            if let Some(domain) = domain.filter(|_| provider.mode == Mode::ForwardDomain) {
                match ruleset.domains.entry(domain.clone()) {
                    std::collections::hash_map::Entry::Vacant(free) => {
                        free.insert(Arc::clone(provider));
                    }
                    std::collections::hash_map::Entry::Occupied(taken) => {
                        let what = format!("the cookie domain {domain}");
                        overlap(&mut findings, "cookie_domain_taken", &what, taken.get(), provider);
                    }
                }
            }
        }
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
}

fn overlap(
    findings: &mut Vec<ProviderFinding>,
    code: &'static str,
    what: &str,
    keeps: &Provider,
    loses: &Provider,
) {
    let remedy = "Give each provider of the outpost a host or domain of its own, or remove one.";
    let kept = format!("{what} is claimed by provider {:?} as well; this one keeps it", loses.name);
    let lost = format!("{what} belongs to provider {:?}, which came first", keeps.name);
    findings.push((keeps.pk, Finding::new(Severity::Warning, code, capitalised(&kept), remedy)));
    findings.push((loses.pk, Finding::new(Severity::Error, code, capitalised(&lost), remedy)));
}

fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}
