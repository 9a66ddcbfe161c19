//! What nearly matched, and why it did not: hosts, paths and skip rules beside the ones that a
//! request named.
//!
//! Worked out only when somebody looks at a decision. The work is bounded whatever the number of
//! providers and rules; of each kind only the nearest few are told.

use serde::Serialize;

use crate::decision::Reason;
use crate::provider::Provider;
use crate::ruleset::Ruleset;
use crate::target::{Authority, Target};

mod hosts;
mod paths;
mod rules;

/// Most near misses of a decision.
pub const MOST: usize = 5;

/// What kind of thing nearly matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A host of a provider, or a cookie domain.
    Host,
    /// The path of an application on the host.
    Path,
    /// A skip rule.
    SkipRule,
}

impl Kind {
    /// Its stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Path => "path",
            Self::SkipRule => "skip_rule",
        }
    }
}

/// Something that nearly matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Near {
    /// What kind of thing.
    pub kind: Kind,
    /// The thing: a host, a path, a rule as written.
    pub what: String,
    /// Key of the provider it belongs to.
    pub provider: i64,
    /// Why it did not match, in a sentence.
    pub why_not: String,
}

/// A decision as far as near misses need it.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Why it was made.
    pub reason: Reason,
    /// The URL it is about. Masked parameters do no harm.
    pub target: &'a Target,
    /// The provider, where one was found.
    pub provider: Option<&'a Provider>,
    /// Hosts that headers named which were not believed, and the names of these headers.
    pub claimed: &'a [(&'a str, Authority)],
}

/// What nearly matched, the nearest first; nothing where nothing is wrong.
#[must_use]
pub fn misses(ruleset: &Ruleset, about: &About<'_>) -> Vec<Near> {
    let target = about.target;
    let mut found = match about.reason {
        Reason::NoProvider | Reason::PeerUntrusted | Reason::HeadersMissing => {
            let mut found = hosts::claimed(ruleset, target, about.claimed);
            if about.reason == Reason::NoProvider {
                found.extend(hosts::near(ruleset, target));
            }
            found
        }
        Reason::HeadersDisagree => hosts::near(ruleset, target),
        Reason::PathUnserved => paths::beside(ruleset, target),
        Reason::PathAmbiguous => paths::readings(ruleset, target),
        // Somebody without a session was not let through: was a rule meant to?
        Reason::NotSignedIn
        | Reason::NotSignedInScript
        | Reason::SessionUnknown
        | Reason::SessionExpired
        | Reason::SessionOfOtherProvider
        | Reason::CrossSiteWebsocket
        | Reason::HeaderRejected
        | Reason::StoreUnavailable
        | Reason::CoreUnavailable
        | Reason::TooManyFailures => {
            about.provider.map(|provider| rules::near(provider, target)).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let mut seen: Vec<(Kind, String, i64)> = Vec::new();
    found.retain(|near| {
        let key = (near.kind, near.what.clone(), near.provider);
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests;
