//! Findings as operators see them.

use outpost_dashboard::model::{Notice, ProviderRef, Severity as Shown};
use outpost_decision::finding::{Finding, Severity};

use crate::ops::readiness::Missing;

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
