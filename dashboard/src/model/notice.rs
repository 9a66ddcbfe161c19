//! Findings.

use serde::{Deserialize, Serialize};

use super::ProviderRef;

/// Something an operator should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// How bad it is.
    pub severity: Severity,
    /// Its stable name.
    pub code: String,
    /// Which provider it is about; `None`: the outpost as a whole.
    #[serde(default)]
    pub provider: Option<ProviderRef>,
    /// What is the matter, and why.
    pub message: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Likely not as meant.
    Warning,
    /// Not in effect.
    Error,
}
