//! What would be decided about a request that was never sent: the same facts, the same `decide`,
//! the same words as for requests that came. Nothing is sent, and nothing is written.

mod answer;
mod asked_headers;
#[cfg(test)]
mod tests;

use outpost_dashboard::model::{ExplainForm, ExplainPage, Explained, Outcome, Reasoning, Via};
use outpost_decision::cookie;
use outpost_decision::decide::{Credential, Inquiry, decide};
use outpost_decision::decision::{CredentialOutcome, CredentialScheme, Decision, Reason};
use outpost_decision::dialect::Dialect;
use outpost_decision::facts::Headers;
use outpost_decision::gather::{self, Facts, Gathered, Hints, Refusal, Rules};
use outpost_decision::origin::Trust;
use outpost_decision::provider::Provider;
use outpost_decision::rehearsal::{Mistake, Question, Rehearsal};
use outpost_decision::target::Target;
use outpost_decision::time::Timestamp;

use super::Views;
use super::near::near;
use super::reasoning::{Evidence, reasoning};
use crate::clock;
use crate::http::Policy;
use crate::ops::chosen_headers::{ChosenHeaders, ChosenNames};
use crate::ops::event::Decided;
use crate::ops::forwarding::Forwarding;
use crate::ops::masking::{MaskedPath, mask_url};
use crate::snapshot::Snapshot;

/// The settings that requests are decided by.
#[derive(Clone, Debug)]
pub struct Served {
    /// Whose forwarding headers are believed.
    pub trust: Trust,
    /// Everything else.
    pub policy: Policy,
    /// Whether core is behind the outpost.
    pub embedded: bool,
}

impl Views {
    /// The answer to `form`; without a URL nothing was asked yet.
    #[must_use]
    pub fn explain(&self, form: ExplainForm) -> ExplainPage {
        let now = clock::now();
        let (problem, explained) = if form.url.trim().is_empty() {
            (None, None)
        } else {
            match self.explained(&form, now) {
                Ok(explained) => (None, Some(explained)),
                Err(mistake) => (Some(mistake.to_string()), None),
            }
        };
        // What was asked goes back into the form, without what it may hold of secrets.
        let (url, headers) = (mask_url(&form.url), asked_headers::shown(&form.headers));
        ExplainPage { now: now.0, form: ExplainForm { url, headers, ..form }, problem, explained }
    }

    fn explained(&self, form: &ExplainForm, now: Timestamp) -> Result<Explained, Mistake> {
        let rehearsal = Rehearsal::of(&Question {
            url: &form.url,
            method: &form.method,
            headers: &form.headers,
            peer: &form.peer,
            via: dialect(form.via),
        })?;
        let snapshot = self.parts.snapshot.load_full();
        let asked = Asked {
            rehearsal: &rehearsal,
            served: &self.parts.served,
            snapshot: &snapshot,
            user: form.user.trim(),
        };
        let (reasoning, answer) = asked.answered(now);
        Ok(Explained { reasoning, answer, request: lines(&rehearsal) })
    }
}

/// A question, and what it is answered by.
struct Asked<'a> {
    rehearsal: &'a Rehearsal,
    served: &'a Served,
    snapshot: &'a Snapshot,
    user: &'a str,
}

impl Asked<'_> {
    fn answered(&self, now: Timestamp) -> (Reasoning, String) {
        let Served { trust, policy, embedded } = self.served;
        let received = self.rehearsal.received();
        let rules = Rules {
            trust,
            ruleset: &self.snapshot.ruleset,
            loaded: self.snapshot.is_loaded(),
            embedded: *embedded,
            akprox: policy.akprox,
            keep_post_bytes: policy.keep_post_bytes,
            now,
        };
        let hints = Hints { has_cookie: &|name| self.has_cookie(name), connection: None };
        match gather::gather(&received, &rules, &hints) {
            Gathered::Ping => {
                own("It is the outpost's liveness endpoint: answered at once.", "204 No Content.")
            }
            Gathered::Static => own(
                "It is a static file of the outpost: answered without a decision.",
                "the file, or 404 Not Found where there is none.",
            ),
            Gathered::Core(_) => own(
                "Neither the outpost nor an application is meant: authentik itself is behind the \
                 outpost and answers.",
                "what authentik answers.",
            ),
            Gathered::Refused(Refusal { decision, about, .. }) => {
                let answer = answer::refused(&decision);
                let target = about.map(|(_, target)| target);
                (self.reasoning(decision, target.as_ref(), None), answer)
            }
            Gathered::Facts { facts, steps } => {
                let inquiry = Inquiry {
                    endpoint: facts.endpoint,
                    dialect: facts.dialect,
                    target: &facts.target,
                    provider: &facts.provider,
                    client: facts.client,
                    credential: self.credential(&facts),
                    scripts: policy.scripts,
                };
                let decision = decide(&inquiry, steps);
                let answer = answer::decided(&decision, &facts, self);
                (self.reasoning(decision, Some(&facts.target), Some(&facts.provider)), answer)
            }
        }
    }

    fn reasoning(
        &self,
        decision: Decision,
        target: Option<&Target>,
        provider: Option<&Provider>,
    ) -> Reasoning {
        let headers = &self.rehearsal.headers;
        let names: Vec<(String, &str)> =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let forwarding =
            Forwarding::pick(names.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let reason = decision.reason;
        let host = match target {
            Some(target) => target.authority.to_string(),
            None => headers.text("host").unwrap_or_default().to_owned(),
        };
        let peer = self.rehearsal.peer.address;
        let evidence = Evidence {
            peer,
            peer_trusted: self.served.trust.networks.contains(peer),
            forwarding: &forwarding,
            host: &host,
            provider,
            ruleset: &self.snapshot.ruleset,
        };
        let mut told = reasoning(&Decided::from(decision), &evidence);
        if let Some(target) = target {
            told.near = near(&self.snapshot.ruleset, reason, target, provider, &told.headers);
        }
        told
    }

    /// The credential of somebody who is signed in at the provider, or of nobody.
    fn credential(&self, facts: &Facts) -> Credential {
        if self.user.is_empty() || !facts.needs_credentials() {
            return Credential::ABSENT;
        }
        let outcome = if facts.is_cross_site_websocket(&self.rehearsal.headers) {
            CredentialOutcome::Rejected(Reason::CrossSiteWebsocket)
        } else {
            CredentialOutcome::Valid
        };
        Credential { scheme: CredentialScheme::Cookie, outcome }
    }

    fn has_cookie(&self, name: &str) -> bool {
        let headers = &self.rehearsal.headers;
        let cookies = (0..).map_while(|index| headers.nth("cookie", index));
        !cookie::values(cookies, name).is_empty()
    }
}

const fn dialect(via: Via) -> Option<Dialect> {
    match via {
        Via::Direct => None,
        Via::Nginx => Some(Dialect::Nginx),
        Via::Traefik => Some(Dialect::Traefik),
        Via::Caddy => Some(Dialect::Caddy),
        Via::Envoy => Some(Dialect::Envoy),
    }
}

/// What is answered before anything is decided.
fn own(explanation: &str, answer: &str) -> (Reasoning, String) {
    let reasoning = Reasoning {
        action: "none".to_owned(),
        outcome: Outcome::Allowed,
        explanation: explanation.to_owned(),
        ..Reasoning::default()
    };
    (reasoning, answer.to_owned())
}

/// Request line and headers, masked.
fn lines(rehearsal: &Rehearsal) -> Vec<String> {
    let masked = MaskedPath::new(&rehearsal.path_and_query());
    let first = format!("{} {masked} HTTP/1.1", rehearsal.method);
    let headers = rehearsal.headers.iter().flat_map(|(name, value)| {
        let chosen = ChosenHeaders::pick(&ChosenNames::new(&[name]), |_| Some(value.as_bytes()));
        chosen.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>()
    });
    std::iter::once(first).chain(headers).collect()
}
