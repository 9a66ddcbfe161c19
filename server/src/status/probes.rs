//! What was found out about things outside the outpost.

use std::collections::BTreeMap;

use outpost_decision::time::Timestamp;

/// What the last round of probes has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    /// When it ended; `None` before the first.
    pub at: Option<Timestamp>,
    /// Why the applications of these providers cannot be reached, with their internal hosts.
    pub unreachable: BTreeMap<i64, Unreachable>,
    /// Providers whose applications were not tried, because there are too many.
    pub untried: usize,
    /// Seconds by which core's clock is ahead of ours, or why that is not known.
    pub clock: Option<Result<i64, String>>,
    /// Host names of other instances of this outpost that core has heard of since this one
    /// started, or why they are not known.
    pub instances: Option<Result<Vec<String>, String>>,
}

/// An application that does not take connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// Scheme, host and port that were tried.
    pub internal: String,
    /// Why not.
    pub cause: String,
}
