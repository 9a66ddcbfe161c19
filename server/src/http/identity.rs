//! Who the application is told is asking: on the answer in forward auth, on the request in proxy
//! mode.

mod prepared;

use std::rc::Rc;

use actix_web::http::StatusCode;
use http::header::{self, HeaderValue};
use outpost_decision::cookie::SetCookie;
use outpost_decision::dialect::Dialect;
use outpost_decision::headers::{self, OutpostNames, TooLarge};
use secrecy::ExposeSecret;

pub use prepared::{Identities, Prepared};

use super::credentials::LiveSession;
use super::exchange::{Account, Answer, Exchange, Facts};
use super::realise;
use crate::downstream::HeadAnswer;
use crate::session::Origin;

/// The headers that tell who asks; all of them, with empty values, for nobody.
///
/// # Errors
/// When they are larger than the application is said to take.
pub fn headers(
    exchange: &Exchange<'_>,
    facts: &Facts,
    live: Option<&LiveSession>,
) -> Result<Rc<Prepared>, TooLarge> {
    let rule = || exchange.gateway().policy.identity.of(&facts.provider.application_slug);
    match live {
        None => {
            let rule = rule();
            let mut headers = headers::anonymous_headers(&rule);
            if facts.provider.akprox {
                headers::add_akprox(&mut headers, None, rule.encoding);
            }
            Ok(Prepared::new(headers))
        }
        Some(live) => {
            let snapshot = &exchange.snapshot;
            let make = || {
                headers::identity_headers(
                    &facts.provider,
                    &live.session.claims,
                    live.session.token.expose_secret(),
                    &OutpostNames { name: &snapshot.outpost.name, version: crate::VERSION },
                    &rule(),
                )
            };
            let identities = &exchange.worker.identities;
            identities.of(&live.session, &facts.provider, snapshot.generation, make)
        }
    }
}

/// The answer to a request whose user has more identity than the application takes.
pub fn too_large(exchange: &Exchange<'_>, facts: &Facts, error: &TooLarge) -> Answer {
    let code = "identity_too_large";
    tracing::warn!(id = &*exchange.id, provider = %facts.provider.name, %error, code);
    let problem = exchange
        .problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            code,
            "Too much identity",
            "What authentik says about you (groups, attributes) is more than this application takes.",
        )
        .remedy("Ask the operator to raise identity.max_bytes for the application, or to send it fewer headers or groups.");
    Answer::from(realise::show(&problem, facts.client)).failed(code)
}

/// The answer to a forward-auth question that lets the request through: all head.
///
/// # Errors
/// When the identity is larger than the application is said to take.
pub fn answer(
    exchange: &Exchange<'_>,
    facts: &Facts,
    live: Option<&LiveSession>,
) -> Result<(HeadAnswer, Account), TooLarge> {
    let identity = headers(exchange, facts, live)?;
    let mut told = HeadAnswer::new(Rc::clone(identity.answer()));
    if let Some(agent) = exchange.carried.head().headers.get(header::USER_AGENT) {
        told.set(header::USER_AGENT, agent.clone());
    }
    if !identity.has_authorization()
        && let Some(value) = authorization(exchange, facts, live)
    {
        told.set(header::AUTHORIZATION, value);
    }
    let cookie = live.and_then(|live| new_cookie(exchange, facts, live));
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        told.set(header::SET_COOKIE, cookie);
    }
    let account = Account {
        user: live.map(|live| live.session.about.user.clone()),
        identity: identity.notes().to_vec(),
        ..Account::default()
    };
    Ok((told, account))
}

/// What the application may see of the client's own `Authorization`, for proxies that copy it from
/// the answer and so take away what is not there: all of it where we have not used it, and nothing
/// where we have (contract 11) or where the application is given credentials of ours.
fn authorization(
    exchange: &Exchange<'_>,
    facts: &Facts,
    live: Option<&LiveSession>,
) -> Option<HeaderValue> {
    let from_header = live.is_some_and(|live| live.session.about.origin == Origin::Header);
    if !from_header && facts.provider.basic_auth.is_none() {
        let headers = &exchange.carried.head().headers;
        let mut sent = headers.get_all(header::AUTHORIZATION).into_iter();
        if let (Some(only), None) = (sent.next(), sent.next()) {
            return Some(only.clone());
        }
    }
    // Envoy takes nothing away, it overwrites.
    (facts.dialect == Some(Dialect::Envoy)).then_some(HeaderValue::from_static(""))
}

/// The cookie for a client that has none for its session yet (header authentication).
pub fn new_cookie(exchange: &Exchange<'_>, facts: &Facts, live: &LiveSession) -> Option<String> {
    let id = live.needs_cookie.then_some(&live.id)?;
    let max_age = exchange.now.seconds_until(live.session.about.expires);
    Some(SetCookie::session(&facts.provider.cookie, &id.cookie_value(), max_age).to_string())
}
