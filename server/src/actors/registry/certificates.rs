//! Certificates from core: fetched when their fingerprint changes, kept when core cannot say.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use outpost_decision::finding::{Finding, Severity};
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;
use rustls::sign::CertifiedKey;
use secrecy::SecretString;

use crate::authentik::{ApiError, CoreApi};
use crate::tls::{CertificateIndex, TlsError, certified_key, covers, validity_ends};

/// How many keypairs are asked for at the same time.
const CONCURRENCY: usize = 8;
/// A certificate that ends within this many seconds (14 days) is worth a warning.
const EXPIRES_SOON: i64 = 14 * 24 * 60 * 60;

/// Every keypair in use, by core's uuid.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    held: HashMap<String, Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Fingerprint of what was fetched last, usable or not.
    fingerprint: Option<String>,
    /// The last good one.
    key: Option<Arc<CertifiedKey>>,
    /// What it was made from.
    pem: Option<Pem>,
    problem: Option<Problem>,
}

#[derive(Debug)]
enum Problem {
    /// Core says 404: the outpost may not see the keypair, or it is gone.
    NotAssigned,
    Fetch(ApiError),
    Unusable(TlsError),
    /// Core took too long.
    Pending,
}

/// A usable keypair as core gave it.
#[derive(Debug)]
pub(super) struct Pem {
    /// Core's fingerprint of it.
    pub(super) fingerprint: Option<String>,
    pub(super) chain: String,
    pub(super) key: SecretString,
}

/// What core said about one keypair.
enum Answer {
    Unchanged,
    Fetched(Pem, Result<Arc<CertifiedKey>, TlsError>),
    Failed(ApiError),
}

impl Certificates {
    /// Asks core about every keypair that `providers` name; what is not answered within `limit`
    /// stays as it is.
    pub(super) async fn refresh(
        &mut self,
        core: &dyn CoreApi,
        providers: &[Arc<Provider>],
        limit: Duration,
    ) {
        let wanted: BTreeSet<&String> =
            providers.iter().filter_map(|provider| provider.certificate.as_ref()).collect();
        self.held.retain(|uuid, _| wanted.contains(uuid));
        let questions: Vec<_> = wanted
            .into_iter()
            .map(|uuid| {
                let held = self.held.entry(uuid.clone()).or_default();
                // What is held of a keypair whose last fetch failed is not known to be current.
                let current = match held.problem {
                    None | Some(Problem::Unusable(_)) => held.fingerprint.clone(),
                    Some(_) => None,
                };
                if held.key.is_none() && held.problem.is_none() {
                    held.problem = Some(Problem::Pending);
                }
                async move { (uuid, ask(core, uuid, current.as_deref()).await) }
            })
            .collect();
        let mut answers = iter(questions).buffer_unordered(CONCURRENCY);
        let take_all = async {
            while let Some((uuid, answer)) = answers.next().await {
                self.held.entry(uuid.clone()).or_default().take(answer);
            }
        };
        // On a time-out the answers taken so far stay.
        let _ = tokio::time::timeout(limit, take_all).await;
    }

    /// Every keypair in use as core gave it, by uuid; `None` where core could not give it. One
    /// that core took away is left out.
    pub(super) fn pems(&self) -> Vec<(&str, Option<&Pem>)> {
        let in_use = self
            .held
            .iter()
            .filter(|(_, held)| !matches!(held.problem, Some(Problem::NotAssigned)));
        in_use.map(|(uuid, held)| (uuid.as_str(), held.pem.as_ref())).collect()
    }

    /// Which certificate answers for which name, and what is to be said about it: findings by
    /// key of the provider.
    pub(super) fn index(
        &self,
        providers: &[Arc<Provider>],
        now: Timestamp,
    ) -> (CertificateIndex, Vec<(i64, Finding)>) {
        let mut index = CertificateIndex::default();
        let mut findings = Vec::new();
        // As in routing: of two that claim the same name, the one with the lower key keeps it.
        let mut providers: Vec<_> = providers.iter().collect();
        providers.sort_unstable_by_key(|provider| provider.pk);
        for provider in providers {
            let Some(held) = provider.certificate.as_ref().and_then(|uuid| self.held.get(uuid))
            else {
                continue;
            };
            let mut tell = |finding| findings.push((provider.pk, finding));
            if let Some(problem) = &held.problem {
                tell(problem.finding(held.key.is_some()));
            }
            let Some(key) = &held.key else { continue };
            let host = &provider.external.authority.host;
            let mut alone = index.insert_host(host, Arc::clone(key));
            if let Some(domain) = &provider.cookie_domain {
                alone &= index.insert_domain(domain, Arc::clone(key));
            }
            if !alone {
                tell(Finding::new(
                    Severity::Warning,
                    "certificate_conflict",
                    format!("another provider serves {host} with another certificate, which wins"),
                    "Choose the same certificate for providers that share a host or a domain.",
                ));
            }
            findings_of(key, host, now).into_iter().for_each(tell);
        }
        (index, findings)
    }
}

impl Held {
    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Unchanged => {}
            Answer::Fetched(pem, Ok(key)) => {
                let fingerprint = pem.fingerprint.clone();
                *self = Self { fingerprint, key: Some(key), pem: Some(pem), problem: None };
            }
            Answer::Fetched(pem, Err(error)) => {
                self.fingerprint = pem.fingerprint;
                self.problem = Some(Problem::Unusable(error));
            }
            // Core took the keypair away: it is not ours to serve any more.
            Answer::Failed(ApiError::Status { status: 404, .. }) => {
                *self = Self { problem: Some(Problem::NotAssigned), ..Self::default() };
            }
            Answer::Failed(error) => self.problem = Some(Problem::Fetch(error)),
        }
    }
}

async fn ask(core: &dyn CoreApi, uuid: &str, current: Option<&str>) -> Answer {
    let fetch = async {
        let fingerprint = core.keypair(uuid).await?.fingerprint_sha256;
        if fingerprint.is_some() && fingerprint.as_deref() == current {
            return Ok(Answer::Unchanged);
        }
        let chain = core.certificate(uuid).await?;
        let key = core.private_key(uuid).await?;
        let made = certified_key(&chain, &key);
        Ok(Answer::Fetched(Pem { fingerprint, chain, key }, made))
    };
    fetch.await.unwrap_or_else(Answer::Failed)
}

impl Problem {
    fn finding(&self, kept: bool) -> Finding {
        let instead = if kept {
            "the one fetched before is still served"
        } else {
            "a self-signed one is served instead"
        };
        match self {
            Self::NotAssigned => Finding::new(
                Severity::Error,
                "certificate_not_assigned",
                format!("core does not show us the provider's certificate; {instead}"),
                "Save the provider once more in core, so that the outpost's account may read the \
                 keypair, or choose another certificate.",
            ),
            Self::Fetch(error) => Finding::new(
                Severity::Warning,
                "certificate_fetch_failed",
                format!("the certificate could not be fetched ({error}); {instead}"),
                "It is tried again at the next refresh; look at core's log if this stays.",
            ),
            Self::Unusable(error) => Finding::new(
                Severity::Error,
                "certificate_unusable",
                format!("{error}; {instead}"),
                "Import the certificate with its full chain and its unencrypted key into core.",
            ),
            Self::Pending => Finding::new(
                Severity::Warning,
                "certificate_pending",
                format!("core has not given the certificate yet; {instead}"),
                "It is tried again at the next refresh; look at core's log if this stays.",
            ),
        }
    }
}

fn findings_of(key: &CertifiedKey, host: &str, now: Timestamp) -> Vec<Finding> {
    let Some(certificate) = key.cert.first() else { return Vec::new() };
    let mut findings = Vec::new();
    if let Some(end) = validity_ends(certificate) {
        let left = now.seconds_until(end);
        if left == 0 {
            findings.push(Finding::new(
                Severity::Error,
                "certificate_expired",
                "the certificate's validity is over",
                "Renew it in core; browsers refuse it.",
            ));
        } else if left <= EXPIRES_SOON {
            findings.push(Finding::new(
                Severity::Warning,
                "certificate_expires_soon",
                format!("the certificate's validity ends in {} days", left / (24 * 60 * 60)),
                "Renew it in core; it is taken over without a restart.",
            ));
        }
    }
    if !covers(certificate, host) {
        findings.push(Finding::new(
            Severity::Warning,
            "certificate_host_mismatch",
            format!("the certificate does not name {host}"),
            "Choose a certificate that names the provider's external host; browsers refuse this.",
        ));
    }
    findings
}
