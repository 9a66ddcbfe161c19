//! Findings: what an operator should know about a configuration, and what to do about it.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; everything works.
    Info,
    /// Works, but likely not as meant.
    Warning,
    /// Part of the configuration is not in effect.
    Error,
}

/// One thing wrong (or odd) about a provider or the outpost, with a remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable name for tests, metrics and documentation, e.g. `skip_path_invalid`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen, in one sentence. Never holds a secret.
    pub message: String,
    /// What to do about it, in one sentence.
    pub remedy: String,
}

impl Finding {
    /// A finding of the given severity.
    pub fn new(
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { code, severity, message: message.into(), remedy: remedy.into() }
    }
}
