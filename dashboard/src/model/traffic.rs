//! Requests over time.

use serde::{Deserialize, Serialize};

/// Requests of a stretch of time, in columns of equal width.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Seconds each column stands for.
    pub step: u32,
    /// The columns, oldest first; the last one is still being filled.
    pub columns: Vec<TrafficColumn>,
}

/// What happened within one column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficColumn {
    /// When it begins.
    pub at: i64,
    /// Let through.
    pub allowed: u64,
    /// On the way through a sign-in or sign-out, or asked to sign in.
    pub sign_in: u64,
    /// Refused.
    pub denied: u64,
    /// Could not be decided, or failed afterwards (an application away).
    pub failed: u64,
}

impl TrafficColumn {
    /// All requests of it.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.allowed + self.sign_in + self.denied + self.failed
    }
}

/// What became of a request, in one word: actions by family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Let through.
    #[default]
    Allowed,
    /// On the way through a sign-in or sign-out, or asked to sign in.
    SignIn,
    /// Refused.
    Denied,
    /// Could not be decided, or failed afterwards (an application away).
    Failed,
}

impl Outcome {
    /// All, in the order of charts and filters.
    pub const ALL: [Self; 4] = [Self::Allowed, Self::SignIn, Self::Denied, Self::Failed];

    /// Its stable name, as in JSON.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::SignIn => "sign_in",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Milliseconds that half of them stayed under.
    pub p50: f64,
    /// Milliseconds that 99 in 100 stayed under.
    pub p99: f64,
}
