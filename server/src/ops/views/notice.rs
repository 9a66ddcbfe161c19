//! Findings as operators see them.

use outpost_dashboard::model::{Notice, ProviderRef, Severity as Shown};
use outpost_decision::finding::{Finding, Severity};

use super::Views;
use crate::ops::readiness::Missing;

impl Views {
    /// What was found odd about the configuration, of the outpost and of its providers.
    pub(super) fn configuration_findings(&self) -> Vec<Notice> {
        let snapshot = self.parts.snapshot.load();
        let mut all: Vec<Notice> = snapshot
            .findings
            .iter()
            .map(|found| {
                let provider = found.provider.clone();
                notice(&found.finding, provider.map(|(pk, name)| ProviderRef { pk, name }))
            })
            .collect();
        // Of a version that is not in effect, its actor alone can tell.
        for state in self.parts.providers.load().values() {
            let state = state.load();
            let named = ProviderRef { pk: state.pk, name: state.name.clone() };
            all.extend(state.findings.iter().map(|found| notice(found, Some(named.clone()))));
        }
        worst_first(all)
    }
}

/// The worst first, each once.
pub(super) fn worst_first(mut all: Vec<Notice>) -> Vec<Notice> {
    let mut kept: Vec<Notice> = Vec::with_capacity(all.len());
    // Stable: within a severity they stay as they came.
    all.sort_by_key(|notice| std::cmp::Reverse(notice.severity));
    for notice in all {
        let same = |other: &&Notice| {
            other.code == notice.code
                && other.message == notice.message
                && other.provider.as_ref().map(|it| it.pk)
                    == notice.provider.as_ref().map(|it| it.pk)
        };
        let alike = kept.iter().rev().take_while(|other| other.severity == notice.severity);
        if !alike.filter(same).any(|_| true) {
            kept.push(notice);
        }
    }
    kept
}

/// A finding, and which provider it is about.
pub(super) fn notice(finding: &Finding, provider: Option<ProviderRef>) -> Notice {
    Notice {
        severity: match finding.severity {
            Severity::Info => Shown::Info,
            Severity::Warning => Shown::Warning,
            Severity::Error => Shown::Error,
        },
        code: finding.code.to_owned(),
        provider,
        message: finding.message.clone(),
        remedy: finding.remedy.clone(),
    }
}

/// What keeps traffic away.
pub(super) fn missing(missing: &Missing) -> Notice {
    Notice {
        severity: Shown::Error,
        code: missing.what.to_owned(),
        provider: None,
        message: missing.explanation.to_owned(),
        remedy: missing.remedy.to_owned(),
    }
}
