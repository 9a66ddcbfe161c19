//! The doctor's findings.

use serde::{Deserialize, Serialize};

use super::Notice;

/// What the doctor found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doctor {
    /// The moment.
    pub now: i64,
    /// When things outside the outpost (applications, core's clock) were last looked at.
    pub probed: Option<i64>,
    /// Worst first.
    pub findings: Vec<Notice>,
    /// Everything that was looked at, whether something was found or not.
    pub checks: Vec<Check>,
}

/// One thing the doctor looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its stable name.
    pub code: String,
    /// What is looked at, for people.
    pub title: String,
    /// How many findings came of it.
    pub findings: usize,
    /// Why it could not be looked at.
    pub unknown: Option<String>,
}
