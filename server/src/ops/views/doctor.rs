//! The doctor: everything that was found wrong with the configuration, the traffic, the replicas
//! and what is around the outpost, in one list.

use std::collections::HashMap;
use std::sync::Arc;

use outpost_dashboard::model::{Check, Doctor, Notice};
use outpost_decision::doctor::{self, Observed, ReplicaConfiguration};
use outpost_decision::finding::{Finding, Severity};
use outpost_decision::link::LinkState;
use outpost_decision::ruleset::ProviderFinding;
use outpost_decision::target::Authority;
use outpost_decision::time::Timestamp;

use super::Views;
use super::notice::{missing, notice, worst_first};
use crate::clock;
use crate::ops::event::RequestEvent;

/// How far back traffic is looked at, in seconds.
const LOOKED_BACK: i64 = 15 * 60;

/// Most requests that are looked at.
const MOST: usize = 2000;

/// What is looked at: its name, for people, and the findings that come of it. What is none of
/// these is a provider's own affair.
const CHECKS: [(&str, &str, &[&str]); 15] = [
    ("serving", "This outpost takes requests", &["listeners", "draining"]),
    (
        "hosts",
        "Hosts of providers do not overlap",
        &[
            "external_host_taken",
            "cookie_domain_taken",
            "external_host_nested",
            "external_host_excepted",
            "cookie_domain_excepted",
        ],
    ),
    (
        "cookie_domains",
        "Cookie domains cover the hosts",
        &[
            "cookie_domain_mismatch",
            "cookie_domain_missing",
            "cookie_domain_invalid",
            "cookie_domain_public",
        ],
    ),
    (
        "callbacks",
        "Sign-ins come back to this outpost",
        &["callback_elsewhere", "callback_not_seen", "external_host_path_without_slash"],
    ),
    (
        "traffic",
        "Requests fit the external hosts",
        &["external_scheme_differs", "external_port_differs"],
    ),
    (
        "proxies",
        "Proxies that send headers are trusted, and clients are not",
        &["proxy_not_trusted", "forwarded_not_read", "clients_trusted"],
    ),
    (
        "skip_rules",
        "Unauthenticated paths are in effect and anchored",
        &["skip_path_invalid", "skip_path_unanchored", "skip_path_blanks", "skip_path_too_large"],
    ),
    (
        "applications",
        "Applications can be reached",
        &[
            "upstream_unreachable",
            "internal_host_missing",
            "internal_host_invalid",
            "internal_host_no_scheme",
        ],
    ),
    (
        "certificates",
        "Certificates are there and do not end soon",
        &[
            "certificate_conflict",
            "certificate_not_assigned",
            "certificate_fetch_failed",
            "certificate_unusable",
            "certificate_pending",
            "certificate_expired",
            "certificate_expires_soon",
            "certificate_host_mismatch",
        ],
    ),
    ("clock", "Core's clock agrees with ours", &["clock_skew"]),
    ("embedded", "The embedded outpost has providers", &["embedded_without_providers"]),
    ("replicas", "Replicas serve the same configuration", &["replicas_differ"]),
    (
        "store",
        "The session store answers and is shared",
        &["store_not_shared", "store_elsewhere", "session_store"],
    ),
    (
        "core",
        "Core answers, and its version fits",
        &[
            "core_version",
            "core_refresh_failed",
            "core_link_down",
            "configuration",
            "configuration_last_known_good",
            "outpost_type",
            "option_insecure",
        ],
    ),
    ("providers", "Everything else about providers", &[]),
];

impl Views {
    /// What the doctor has found.
    #[must_use]
    pub fn doctor(&self) -> Doctor {
        let now = clock::now();
        let parts = &self.parts;
        let mut findings = self.findings(now);
        findings.extend(parts.readiness.report().missing.iter().map(missing));
        let findings = worst_first(findings);
        let checks = CHECKS.map(|(code, title, codes)| Check {
            code: code.to_owned(),
            title: title.to_owned(),
            findings: findings.iter().filter(|found| belongs(found, codes)).count(),
            unknown: self.unknown(code),
        });
        let probed = parts.probes.load().at.map(|at| at.0);
        Doctor { now: now.0, probed, findings, checks: checks.into() }
    }

    /// Everything but what keeps traffic away.
    pub(super) fn findings(&self, now: Timestamp) -> Vec<Notice> {
        let mut findings = self.configuration_findings();
        let events = self.lately(now);
        let trusted = &self.parts.served.trust.networks;
        let clients = events.iter().filter_map(|event| Some((event.client?, event.peer)));
        let outpost = self.around(now).into_iter().chain(doctor::trusted_clients(clients, trusted));
        findings.extend(outpost.map(|finding| notice(&finding, None)));
        let named = |(pk, finding): ProviderFinding| notice(&finding, Some(self.provider_ref(pk)));
        findings.extend(self.of_providers(now, &events).into_iter().map(named));
        worst_first(findings)
    }

    /// Findings about the outpost as a whole.
    fn around(&self, now: Timestamp) -> Vec<Finding> {
        let parts = &self.parts;
        let (snapshot, status) = (parts.snapshot.load(), parts.status.load());
        let (fleet, probes) = (parts.fleet.load(), parts.probes.load());
        let lately = now.plus(-LOOKED_BACK);
        let mut seen = parts.unbelieved.seen();
        seen.retain(|seen| seen.last >= lately);
        let mut found = doctor::unbelieved(&seen);
        if let Some(Ok(ahead)) = probes.clock {
            found.extend(doctor::clock_skew(ahead));
        }
        if snapshot.is_loaded() {
            let embedded = parts.served.embedded || snapshot.outpost.embedded;
            found.extend(doctor::embedded(embedded, snapshot.ruleset.providers().len()));
        }
        let mut replicas = fleet.replicas.iter().map(|replica| ReplicaConfiguration {
            hostname: &replica.hostname,
            configuration: &replica.configuration,
            version: &replica.version,
        });
        if let Some(this) = replicas.next() {
            let others: Vec<_> = replicas.collect();
            found.extend(doctor::replicas(&this, &others));
        }
        if let Some(Ok(heard)) = &probes.instances {
            let met = fleet.replicas.len().saturating_sub(1);
            found.extend(doctor::other_instances(fleet.shared, met, heard));
        }
        found.extend(doctor::version(status.expected_version.as_deref()));
        if let Some(error) = &status.last_error {
            let remedy = "Check AUTHENTIK_HOST and AUTHENTIK_TOKEN, and that core is up; it is \
                          tried again by itself.";
            let message = format!("The configuration cannot be got from core: {error}.");
            let severity = if snapshot.is_loaded() { Severity::Warning } else { Severity::Error };
            found.push(Finding::new(severity, "core_refresh_failed", message, remedy));
        }
        let link = parts.link.load();
        if let (LinkState::Down(_), Some(error)) = (&link.state, &link.last_error) {
            let message = format!("The websocket to core is down: {error}.");
            let remedy = "Changes arrive with the next refresh, and ends of sessions when it is \
                          back; if it stays so, let websockets through to core.";
            found.push(Finding::new(Severity::Warning, "core_link_down", message, remedy));
        }
        found
    }

    /// What was decided lately by the configuration in effect, the newest first.
    fn lately(&self, now: Timestamp) -> Vec<Arc<RequestEvent>> {
        let generation = self.parts.snapshot.load().generation;
        let newest = self.parts.journal.newest(0).take(MOST).map(|entry| entry.event);
        newest
            .take_while(|event| event.at >= now.plus(-LOOKED_BACK))
            .filter(|event| event.generation == generation)
            .collect()
    }

    /// Findings about providers that their configuration alone does not tell.
    fn of_providers(&self, now: Timestamp, events: &[Arc<RequestEvent>]) -> Vec<ProviderFinding> {
        let parts = &self.parts;
        let snapshot = parts.snapshot.load();
        let ruleset = &snapshot.ruleset;
        let mut found = doctor::callbacks(ruleset, parts.served.policy.akprox, now);
        for (pk, application) in &parts.probes.load().unreachable {
            if ruleset.provider(*pk).is_some() {
                let finding = doctor::unreachable(&application.internal, &application.cause);
                found.push((*pk, finding));
            }
        }
        let authorities: Vec<Option<Authority>> =
            events.iter().map(|event| Authority::parse(&event.host)).collect();
        let observed = events.iter().zip(&authorities);
        found.extend(doctor::disagreements(
            observed.filter_map(|(event, authority)| observe(event, authority.as_ref())),
        ));
        let mut tally: HashMap<i64, (u64, u64)> = HashMap::new();
        for event in events {
            let (Some(provider), Some(decided)) = (&event.provider, &event.decided) else {
                continue;
            };
            let (begun, finished) = tally.entry(provider.pk).or_default();
            *begun += u64::from(decided.action() == "begin_sign_in");
            *finished += u64::from(decided.action() == "finish_sign_in");
        }
        let providers: Vec<_> = ruleset.providers().iter().map(AsRef::as_ref).collect();
        found.extend(doctor::unfinished_sign_ins(&tally, &providers));
        found
    }

    /// Why something could not be looked at.
    fn unknown(&self, check: &str) -> Option<String> {
        let parts = &self.parts;
        let (probes, fleet) = (parts.probes.load(), parts.fleet.load());
        if !parts.snapshot.load().is_loaded() && !matches!(check, "core" | "store") {
            return Some("there is no configuration from core yet".to_owned());
        }
        match check {
            "applications" if probes.at.is_none() => Some("not looked at yet".to_owned()),
            "applications" if probes.untried > 0 => {
                Some(format!("{} are not looked at (doctor.connect, or too many)", probes.untried))
            }
            "clock" => match &probes.clock {
                None => Some("not looked at yet".to_owned()),
                Some(Err(error)) => Some(error.clone()),
                Some(Ok(_)) => None,
            },
            "replicas" => match (&fleet.error, fleet.shared) {
                (Some(error), _) => Some(error.clone()),
                (None, false) => Some(
                    "the session store is this instance's own, so that others cannot be seen"
                        .to_owned(),
                ),
                (None, true) => None,
            },
            "store" => match &probes.instances {
                Some(Err(error)) => {
                    Some(format!("which other instances there are is not known: {error}"))
                }
                _ => None,
            },
            "core" if parts.status.load().expected_version.is_none() => {
                Some("core has not told its version".to_owned())
            }
            _ => None,
        }
    }
}

/// Whether a finding came of a check.
fn belongs(found: &Notice, codes: &[&str]) -> bool {
    if codes.is_empty() {
        return CHECKS.iter().all(|(_, _, known)| !known.contains(&found.code.as_str()));
    }
    codes.contains(&found.code.as_str())
}

/// A request as traffic is judged by.
fn observe<'a>(event: &'a RequestEvent, authority: Option<&'a Authority>) -> Option<Observed<'a>> {
    Some(Observed {
        provider: event.provider.as_deref()?,
        peer: event.peer,
        peer_trusted: event.peer_trusted,
        scheme: event.scheme?,
        authority: authority?,
    })
}

#[cfg(test)]
mod tests;
