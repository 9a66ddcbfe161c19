//! Why something was decided, in words: the one place where steps become sentences, for requests
//! that came and for those that are only asked about.

mod seen;
mod steps;

use std::net::IpAddr;

use outpost_dashboard::model::{ProviderRef, Reasoning, Step as Shown, Tone};
use outpost_decision::decision::{Reason, Step};
use outpost_decision::provider::Provider;
use outpost_decision::ruleset::Ruleset;

use crate::ops::event::{Decided, RequestEvent};
use crate::ops::forwarding::Forwarding;
use crate::ops::outcome::{of_action, outcome};

/// What is known of a request beside its decision.
#[derive(Clone, Copy)]
pub(super) struct Evidence<'a> {
    /// The other end of the connection.
    pub(super) peer: IpAddr,
    /// Whether it is in the trusted networks.
    pub(super) peer_trusted: bool,
    /// What the request said of where it came from and went to.
    pub(super) forwarding: &'a Forwarding,
    /// The host it was about.
    pub(super) host: &'a str,
    /// The provider that answered for it, as it was then.
    pub(super) provider: Option<&'a Provider>,
    /// For names of other providers.
    pub(super) ruleset: &'a Ruleset,
}

/// How a decision came to be. What nearly matched is for the caller to add.
pub(super) fn reasoning(decided: &Decided, evidence: &Evidence<'_>) -> Reasoning {
    let action = decided.action();
    Reasoning {
        action: action.to_owned(),
        outcome: of_action(action),
        reason: decided.reason.code().to_owned(),
        explanation: explanation(decided, evidence),
        remedy: remedy(decided, evidence),
        provider: evidence.provider.map(|it| ProviderRef { pk: it.pk, name: it.name.clone() }),
        steps: decided.steps.iter().map(|step| steps::shown(step, decided, evidence)).collect(),
        headers: seen::headers(decided, evidence),
        near: Vec::new(),
    }
}

/// Of a request that did not get as far as a decision.
pub(super) fn undecided(event: &RequestEvent, evidence: &Evidence<'_>) -> Reasoning {
    let failure = event.failure.unwrap_or_default();
    let (explanation, remedy) = match failure {
        "panic" => (
            "The outpost has made a mistake of its own; nothing was let through.",
            "The log says more under this id. Please report it.",
        ),
        "headers_too_large" => (
            "The request's headers or cookies are larger than the settings allow; it was refused \
             before anything else was looked at.",
            "Clear the cookies of the application, or raise limits.header_bytes or \
             limits.cookie_bytes.",
        ),
        _ => ("It failed before anything was decided.", "The log says more under this id."),
    };
    Reasoning {
        action: "none".to_owned(),
        outcome: outcome(event),
        reason: failure.to_owned(),
        explanation: explanation.to_owned(),
        remedy: remedy.to_owned(),
        provider: None,
        steps: vec![Shown {
            code: "undecided".to_owned(),
            title: "Decision".to_owned(),
            found: explanation.to_owned(),
            tone: Tone::Bad,
        }],
        headers: seen::of_undecided(evidence),
        near: Vec::new(),
    }
}

/// The header at fault, where one is.
fn fault(decided: &Decided) -> Option<&'static str> {
    decided.steps.iter().find_map(|step| match step {
        Step::Fault { header } => Some(*header),
        _ => None,
    })
}

fn explanation(decided: &Decided, evidence: &Evidence<'_>) -> String {
    let general = decided.reason.explanation();
    match (decided.reason, fault(decided)) {
        (Reason::HeadersMissing, Some(header)) => format!("{general} {header} is missing."),
        (_, Some(header)) => format!("{general} It is {header}."),
        (Reason::NoProvider, None) => {
            format!("{general} It was asked for {:?}.", shortened(evidence.host))
        }
        (_, None) => general.to_owned(),
    }
}

fn remedy(decided: &Decided, evidence: &Evidence<'_>) -> String {
    let general = decided.reason.remedy();
    match decided.reason {
        Reason::PeerUntrusted => format!(
            "If {peer} is your reverse proxy, add it to \
             AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS (listen.trusted_proxy_cidrs).",
            peer = evidence.peer
        ),
        _ => general.to_owned(),
    }
}

/// A text of a client's, short enough for a sentence.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(120)]
}

#[cfg(test)]
mod tests;
