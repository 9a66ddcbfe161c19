//! Who asks: the session cookie, then header authentication. A store that cannot answer is
//! *unavailable*, never *signed out* and never *allowed*.

use std::sync::Arc;

use outpost_decision::decide::Credential;
use outpost_decision::decision::{CredentialOutcome, CredentialScheme, Reason, Step};
use outpost_decision::facts::Endpoint;

use super::exchange::{Exchange, Facts};
use super::header_auth;
use super::recheck::{self, Doubt};
use crate::session::{Session, SessionId};

/// What became of the credentials of a request.
pub struct Credentials {
    /// What the decision is made from.
    pub verdict: Credential,
    /// The live session, where there is one.
    pub session: Option<LiveSession>,
    /// Why header authentication was refused, for the page that says so.
    pub header_message: Option<String>,
}

/// A session that is live now.
#[derive(Clone)]
pub struct LiveSession {
    /// What its cookie holds.
    pub id: SessionId,
    /// The session.
    pub session: Arc<Session>,
    /// Whether the client has no cookie for it yet.
    pub needs_cookie: bool,
}

impl Credentials {
    const fn verdict(scheme: CredentialScheme, outcome: CredentialOutcome) -> Self {
        Self { verdict: Credential { scheme, outcome }, session: None, header_message: None }
    }
}

/// Looks at the credentials as far as the endpoint needs them.
pub async fn look(exchange: &Exchange<'_>, facts: &Facts, steps: &mut Vec<Step>) -> Credentials {
    if !facts.needs_credentials() {
        return Credentials::verdict(CredentialScheme::Cookie, CredentialOutcome::Absent);
    }
    let by_cookie = look_at_cookie(exchange, facts).await;
    let decided = matches!(
        by_cookie.verdict.outcome,
        CredentialOutcome::Valid | CredentialOutcome::Rejected(Reason::CrossSiteWebsocket)
    );
    if decided || facts.endpoint != Endpoint::Application {
        return by_cookie;
    }
    // By itself: it may have to ask core, and what that takes has no place in every request.
    let by_header = Box::pin(header_auth::look(exchange, facts)).await;
    let Some(by_header) = by_header else { return by_cookie };
    let Credential { scheme, outcome } = by_cookie.verdict;
    steps.push(Step::Credential { scheme, outcome });
    by_header
}

async fn look_at_cookie(exchange: &Exchange<'_>, facts: &Facts) -> Credentials {
    let values = exchange.cookies(&facts.provider.cookie.name);
    let mut outcome = CredentialOutcome::Absent;
    for value in values {
        let Some(id) = SessionId::parse(value) else {
            outcome = worse(outcome, CredentialOutcome::Rejected(Reason::SessionUnknown));
            continue;
        };
        let found = match exchange.session(&id).await {
            Err(_) => CredentialOutcome::Unavailable(Reason::StoreUnavailable),
            Ok(None) => CredentialOutcome::Rejected(Reason::SessionUnknown),
            Ok(Some(session)) if session.about.provider != facts.provider.pk => {
                CredentialOutcome::Rejected(Reason::SessionOfOtherProvider)
            }
            Ok(Some(_)) if facts.is_cross_site_websocket(&exchange.fields()) => {
                CredentialOutcome::Rejected(Reason::CrossSiteWebsocket)
            }
            Ok(Some(session)) => {
                let live = LiveSession { id, session, needs_cookie: false };
                match settle(exchange, facts, live).await {
                    Ok(live) => {
                        if facts.endpoint == Endpoint::Application {
                            let renewals = &exchange.gateway().renewals;
                            let scope = exchange.scope();
                            renewals.consider(&facts.provider, &live, exchange.now, scope);
                        }
                        return Credentials {
                            session: Some(live),
                            ..Credentials::verdict(
                                CredentialScheme::Cookie,
                                CredentialOutcome::Valid,
                            )
                        };
                    }
                    Err(Doubt::Ended) => CredentialOutcome::Rejected(Reason::SessionUnknown),
                    Err(Doubt::Unavailable(reason)) => CredentialOutcome::Unavailable(reason),
                }
            }
        };
        outcome = worse(outcome, found);
    }
    Credentials::verdict(CredentialScheme::Cookie, outcome)
}

/// A session is checked with core, where that is due, before it opens the application. Signing out
/// and signing in again need no such thing.
async fn settle(
    exchange: &Exchange<'_>,
    facts: &Facts,
    live: LiveSession,
) -> Result<LiveSession, Doubt> {
    if facts.endpoint == Endpoint::Application {
        recheck::settle(exchange, &facts.provider, live).await
    } else {
        Ok(live)
    }
}

/// Of several cookies of one name, the outcome that must be told: an outage before everything.
fn worse(left: CredentialOutcome, right: CredentialOutcome) -> CredentialOutcome {
    let rank = |outcome| match outcome {
        CredentialOutcome::Absent => 0,
        CredentialOutcome::Valid | CredentialOutcome::Rejected(_) => 1,
        CredentialOutcome::Unavailable(_) => 2,
    };
    if rank(right) >= rank(left) { right } else { left }
}
