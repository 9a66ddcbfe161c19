//! Providers.

mod settings;
mod skipping;
mod snippets;

use std::collections::HashMap;

use outpost_dashboard::model::{
    Certificate, Notice, ProviderPage, ProviderRef, ProviderRow, Providers, ReasonCount,
};
use outpost_decision::decision::Action;
use outpost_decision::provider::{Mode, Provider};
use outpost_decision::time::Timestamp;

use super::Views;
use crate::clock;
use crate::ops::activity::{failed, requests};
use crate::ops::outcome::of_action;
use crate::status::ProviderState;
use crate::tls::{dns_names, validity_ends};

/// Names of a certificate that are shown.
const NAMES: usize = 5;

impl Views {
    /// The providers.
    #[must_use]
    pub fn providers(&self) -> Providers {
        let now = clock::now();
        let loaded = self.parts.snapshot.load().is_loaded();
        let rows = self.provider_rows(now, &self.findings(now));
        Providers { now: now.0, loaded, rows }
    }

    /// One provider; with a path or URL tried out against its skip rules.
    #[must_use]
    pub fn provider(&self, pk: i64, tried: Option<&str>) -> Option<ProviderPage> {
        let page = self.provider_now(pk, tried)?;
        let states = self.parts.providers.load();
        let state = states.get(&pk)?.load();
        let snippets = state.provider.as_deref().map(|provider| {
            let rule = self.parts.served.policy.identity.of(&provider.application_slug);
            let snapshot = self.parts.snapshot.load();
            snippets::snippets(provider, rule, &snapshot.outpost, &self.parts.site)
        });
        Some(ProviderPage { snippets: snippets.unwrap_or_default(), ..page })
    }

    /// The same for whoever has seen it and looks on: without what only another configuration
    /// changes and costs something to write.
    #[must_use]
    pub fn provider_now(&self, pk: i64, tried: Option<&str>) -> Option<ProviderPage> {
        let now = clock::now();
        let states = self.parts.providers.load();
        let state = states.get(&pk)?.load();
        let snapshot = self.parts.snapshot.load();
        let activity = self.parts.activity.provider(pk);
        let provider = state.provider.as_deref();
        Some(ProviderPage {
            now: now.0,
            row: self.provider_row(&state, now, &mut by_provider(&self.findings(now))),
            configuration: provider.map(settings::settings).unwrap_or_default(),
            skip_rules: provider
                .map(|it| {
                    skipping::rules(it, |line| activity.as_ref().map_or(0, |it| it.matches(line)))
                })
                .unwrap_or_default(),
            tried: provider
                .zip(tried.filter(|tried| !tried.is_empty()))
                .map(|(it, tried)| skipping::attempt(it, tried, &snapshot.ruleset)),
            decisions: self.reasons(&state.name),
            traffic: match &activity {
                Some(activity) => activity.traffic(now),
                // None yet: as many columns as there would be.
                None => crate::ops::activity::Activity::default().traffic(now),
            },
            snippets: Vec::new(),
        })
    }

    /// Every provider, by name, each with what `findings` say of it.
    pub(super) fn provider_rows(&self, now: Timestamp, findings: &[Notice]) -> Vec<ProviderRow> {
        let states = self.parts.providers.load();
        let mut findings = by_provider(findings);
        let mut rows: Vec<ProviderRow> = states
            .values()
            .map(|state| self.provider_row(&state.load(), now, &mut findings))
            .collect();
        rows.sort_by(|left, right| left.name.cmp(&right.name));
        rows
    }

    fn provider_row(
        &self,
        state: &ProviderState,
        now: Timestamp,
        findings: &mut HashMap<i64, Vec<Notice>>,
    ) -> ProviderRow {
        let provider = state.provider.as_deref();
        let of = |text: fn(&Provider) -> String| provider.map(text).unwrap_or_default();
        let activity = self.parts.activity.provider(state.pk);
        let traffic = activity.as_ref().map(|it| it.traffic(now)).unwrap_or_default();
        ProviderRow {
            pk: state.pk,
            name: state.name.clone(),
            mode: of(|it| it.mode.as_str().to_owned()),
            external_host: of(|it| format!("{}{}", it.external.origin(), it.external.path)),
            hosts: provider.map(hosts).unwrap_or_default(),
            application: of(|it| it.application_name.clone()),
            application_slug: of(|it| it.application_slug.clone()),
            sessions: state.sessions.live,
            requests_per_second: activity.as_ref().map_or(0.0, |it| it.requests_per_second(now)),
            speed: activity.as_ref().and_then(|it| it.speed(now)),
            requests: requests(&traffic),
            errors: failed(&traffic),
            certificate: provider.and_then(|it| self.certificate(it)),
            up_to_date: state.up_to_date,
            findings: findings.remove(&state.pk).unwrap_or_default(),
        }
    }

    /// The certificate that browsers are shown at the provider's host.
    fn certificate(&self, provider: &Provider) -> Option<Certificate> {
        let index = self.parts.certificates.load();
        let served = index.find(&provider.external.authority.host)?.end_entity_cert().ok()?.clone();
        Some(Certificate { names: dns_names(&served, NAMES), expires: validity_ends(&served)?.0 })
    }

    /// What was decided about requests of the provider of this name, most often first.
    fn reasons(&self, provider: &str) -> Vec<ReasonCount> {
        let mut counts: Vec<ReasonCount> = self
            .parts
            .metrics
            .decisions(provider)
            .into_iter()
            .map(|(reason, action, count)| {
                let action = Action::CODES.get(action).copied().unwrap_or_default();
                ReasonCount {
                    reason: reason.code().to_owned(),
                    action: action.to_owned(),
                    outcome: of_action(action),
                    explanation: reason.explanation().to_owned(),
                    count,
                }
            })
            .collect();
        counts.sort_by_key(|it| std::cmp::Reverse(it.count));
        counts
    }
}

/// The findings about providers, by provider.
fn by_provider(findings: &[Notice]) -> HashMap<i64, Vec<Notice>> {
    let mut found: HashMap<i64, Vec<Notice>> = HashMap::new();
    for notice in findings {
        if let Some(ProviderRef { pk, .. }) = notice.provider {
            found.entry(pk).or_default().push(notice.clone());
        }
    }
    found
}

/// The hosts a provider answers for, as people would write them.
fn hosts(provider: &Provider) -> Vec<String> {
    let own = format!("{}{}", provider.external.authority, provider.external.path);
    let domain = provider.cookie_domain.as_ref().filter(|_| provider.mode == Mode::ForwardDomain);
    let domain = domain.into_iter().flat_map(|domain| [domain.clone(), format!("*.{domain}")]);
    let mut hosts: Vec<String> = std::iter::once(own).collect();
    hosts.extend(domain.filter(|host| **host != *provider.external.authority.host));
    hosts
}

#[cfg(test)]
mod tests;
