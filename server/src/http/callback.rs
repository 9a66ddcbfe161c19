//! Finishing a sign-in: core sends the browser back with a code.
//!
//! A callback never ends in a bare error and never in a loop: a browser that is signed in by now
//! goes to its target, another begins anew by itself a bounded number of times, and then a page
//! says what is wrong.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use outpost_decision::cookie::SetCookie;
use outpost_decision::decision::CredentialOutcome;
use outpost_decision::login::{self, Callback, FlowProof, StateError, StateRecord};
use outpost_decision::provider::Provider;
use outpost_decision::redirect;
use outpost_decision::time::Timestamp;
use outpost_decision::token;
use secrecy::ExposeSecret;

use super::credentials::Credentials;
use super::exchange::{Answer, Exchange, Facts};
use super::tokens::{self, CheckError};
use super::{SessionNotice, kept_form, realise, start};
use crate::limits::Limit;
use crate::oidc::{OidcError, TokenAnswer};
use crate::session::{self, Selection, Session, SessionAbout, SessionId, SessionKey, Sessions};

/// Name of the page's heading when a sign-in failed.
const TITLE: &str = "Sign-in failed";

/// How long the session that a new one replaces goes on.
const REPLACED_ENDS_AFTER: Duration = Duration::from_secs(10);

/// Finishes the sign-in that the callback in the target's query belongs to.
pub async fn finish(exchange: &Exchange<'_>, facts: &Facts, credentials: &Credentials) -> Answer {
    let query = facts.target.query.as_deref().unwrap_or_default();
    match login::parse_callback(query) {
        Callback::Code { code, state } => match flow(exchange, facts, &state) {
            Ok(flow) => exchange_code(exchange, facts, credentials, flow, &code).await,
            Err(stale) => begin_anew(exchange, facts, credentials, stale),
        },
        Callback::Error { error, description, state } => {
            let flow = state.and_then(|state| flow(exchange, facts, &state).ok());
            refused_by_core(exchange, facts, flow.map(|flow| flow.record), &error, &description)
        }
        Callback::Incomplete => {
            let stale = Stale { why: "callback_incomplete", record: None };
            begin_anew(exchange, facts, credentials, stale)
        }
    }
}

/// Where a flow leads. It was safe when the flow began; configurations change, so it must be safe
/// still.
fn target(facts: &Facts, record: Option<&StateRecord>) -> String {
    let provider = &facts.provider;
    record
        .and_then(|record| {
            redirect::return_target(&record.return_to, provider, facts.request_host()).ok()
        })
        .unwrap_or_else(|| redirect::fallback(provider))
}

fn flow_removal(provider: &Provider, record: &StateRecord) -> String {
    login::remove_flow_cookie(provider, &record.cookie_name(provider)).to_string()
}

/// A flow that this browser cannot finish.
struct Stale {
    /// A stable name of the cause.
    why: &'static str,
    /// The flow, where the state is ours: it holds the target and the number of tries.
    record: Option<StateRecord>,
}

/// A flow that this browser began.
struct Flow {
    record: StateRecord,
    proof: FlowProof,
}

/// The flow a state belongs to, if this browser began it.
fn flow(exchange: &Exchange<'_>, facts: &Facts, state: &str) -> Result<Flow, Stale> {
    let record = match login::read_state(&facts.provider, state, exchange.now) {
        Ok(record) => record,
        Err(StateError::Expired(record)) => {
            return Err(Stale { why: "state_expired", record: Some(*record) });
        }
        Err(_) => return Err(Stale { why: "state_invalid", record: None }),
    };
    let values = exchange.cookies(&record.cookie_name(&facts.provider));
    match values.into_iter().find_map(|value| record.proof(&facts.provider, value)) {
        Some(proof) => Ok(Flow { record, proof }),
        None => Err(Stale { why: "state_of_other_browser", record: Some(record) }),
    }
}

async fn exchange_code(
    exchange: &Exchange<'_>,
    facts: &Facts,
    credentials: &Credentials,
    Flow { record, proof }: Flow,
    code: &str,
) -> Answer {
    let provider = &facts.provider;
    let verifier = proof.pkce_verifier(provider);
    let failed_codes = &exchange.gateway().failed_codes;
    let client = facts.origin.client;
    // Before core is asked, so that many at once are as many as one after the other. Whoever leaves
    // meanwhile has asked, and what came of it nobody knows: that counts.
    if let Err(seconds) = failed_codes.spend(client, exchange.now) {
        return too_many_codes(exchange, facts, &record, seconds);
    }
    let exchanged = exchange.oidc().exchange_code(provider, code, &verifier).await;
    if !matches!(exchanged, Err(OidcError::Refused { .. })) {
        failed_codes.refund(client);
    }
    let answer = match exchanged {
        Ok(answer) => answer,
        // A code that was used or has run out: the back button, a reload, a slow person.
        Err(OidcError::Refused { error, .. }) if error == "invalid_grant" => {
            // Or another replica redeemed it, could not keep the session, and a balancer then asked
            // here. A new sign-in would end the same way, until the browser is blamed for it.
            if !store_answers(exchange).await {
                return store_away(exchange, provider, &record.return_to);
            }
            let stale = Stale { why: "code_invalid", record: Some(record) };
            return begin_anew(exchange, facts, credentials, stale);
        }
        Err(error) => return core_failed(exchange, facts, &record, &error),
    };
    let nonce = proof.nonce(provider);
    let access_token = answer.access_token.expose_secret();
    let id_token = answer.id_token.as_ref().map(ExposeSecret::expose_secret);
    let checked = tokens::check(&exchange.gateway().keys, provider, exchange.now, |expect| {
        token::verify_sign_in(access_token, id_token, expect, &nonce)
    })
    .await;
    match checked {
        Ok(claims) => sign_in(exchange, facts, credentials, &record, claims, answer).await,
        Err(CheckError::Rejected(error)) => {
            tracing::error!(provider = %provider.name, %error, "a token of core was refused");
            let problem = exchange
                .problem(StatusCode::BAD_GATEWAY, "token_refused", TITLE, error.to_string())
                .remedy("Ask the operator to compare the provider's settings in authentik with what the outpost was told: issuer, client, signing key and clock.")
                .link("Try again", start::url(provider, &record.return_to));
            Answer::from(problem.page()).failed("token_refused")
        }
        Err(CheckError::Unavailable(error)) => {
            tracing::warn!(provider = %provider.name, %error, "a sign-in could not be checked");
            core_away(exchange, facts, &record)
        }
    }
}

/// Whether the session store can be asked at all, now.
async fn store_answers(exchange: &Exchange<'_>) -> bool {
    let Ok(nobody) = SessionId::random() else { return false };
    exchange.gateway().sessions.reread(&nobody, exchange.now).await.is_ok()
}

/// The session begins: with an id of its own, whatever the browser held before.
async fn sign_in(
    exchange: &Exchange<'_>,
    facts: &Facts,
    credentials: &Credentials,
    record: &StateRecord,
    claims: outpost_decision::claims::Claims,
    answer: TokenAnswer,
) -> Answer {
    let (provider, gateway) = (&facts.provider, exchange.gateway());
    let sessions = &gateway.sessions;
    let limits = gateway.policy.lifetimes.of(&provider.application_slug);
    let span = limits.begin(exchange.now, Timestamp(claims.exp));
    // One that nobody would redeem is better not kept.
    let refresh_token = answer.refresh_token.filter(|_| gateway.renewals.are_on());
    let max_age = span.cookie_seconds(refresh_token.is_some(), exchange.now);
    let session = Session {
        about: SessionAbout {
            provider: provider.pk,
            sub: claims.sub.clone(),
            user: claims.preferred_username.clone(),
            sid: claims.session_id().map(ToOwned::to_owned),
            origin: session::Origin::SignIn,
            created: exchange.now,
            expires: span.expires,
            ends_by: span.ends_by,
            idle_seconds: span.idle_seconds,
            verified: exchange.verified(),
            client_address: Some(facts.origin.client),
            user_agent: exchange.user_agent().into(),
        },
        claims,
        token: answer.access_token,
        refresh_token,
        generation: 0,
    };
    let (user, sub) = (session.about.user.clone(), session.about.sub.clone());
    let begun = match SessionId::random() {
        Ok(id) => sessions.begin(&id, session, exchange.now).await.map(|begun| (id, begun)),
        Err(error) => Err(error),
    };
    let id = match begun {
        Ok((id, Some(_))) => id,
        Ok((_, None)) => {
            // The user's sessions were ended while this one began: what ended them wins.
            let stale = Stale { why: "revoked_meanwhile", record: Some(record.clone()) };
            return begin_anew(exchange, facts, credentials, stale);
        }
        Err(error) => {
            tracing::error!(provider = %provider.name, %error, "a sign-in was not kept");
            return store_away(exchange, provider, &record.return_to).of(&user);
        }
    };
    if let Some(old) = &credentials.session {
        let same_user = old.session.about.sub == sub;
        end_replaced(sessions, old.id.key(), same_user).await;
    }
    exchange.notice(SessionNotice { provider: provider.pk });
    let mut response = HttpResponse::Found()
        .insert_header((header::LOCATION, target(facts, Some(record))))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .append_header((
            header::SET_COOKIE,
            SetCookie::session(&provider.cookie, &id.cookie_value(), max_age).to_string(),
        ))
        .append_header((header::SET_COOKIE, flow_removal(provider, record)))
        .finish();
    if let Some(cookie) = kept_form::user_cookie(exchange, provider, &sub) {
        realise::add_cookie(&mut response, &cookie.to_string());
    }
    Answer::from(response).of(&user)
}

/// Ends the session that a new one has taken the place of in a browser. That of the same user
/// ends a little later: requests may be under way with it. Best effort: the browser has forgotten
/// its id, and should this process end meanwhile, it ends with its token.
async fn end_replaced(sessions: &Sessions, old: SessionKey, same_user: bool) {
    async fn end(sessions: &Sessions, old: SessionKey) {
        if let Err(error) = sessions.end(&Selection::Key(old)).await {
            tracing::warn!(%error, "a replaced session was not ended");
        }
    }
    if !same_user {
        return end(sessions, old).await;
    }
    let sessions = sessions.clone();
    actix_web::rt::spawn(async move {
        actix_web::rt::time::sleep(REPLACED_ENDS_AFTER).await;
        end(&sessions, old).await;
    });
}

/// A callback that cannot be finished as it is.
fn begin_anew(
    exchange: &Exchange<'_>,
    facts: &Facts,
    credentials: &Credentials,
    stale: Stale,
) -> Answer {
    let provider = &facts.provider;
    let target = target(facts, stale.record.as_ref());
    if let CredentialOutcome::Unavailable(_) = credentials.verdict.outcome {
        // Whether this browser is signed in cannot be told, and a new sign-in could not be kept.
        return store_away(exchange, provider, &target);
    }
    if let Some(live) = &credentials.session {
        let response = HttpResponse::Found()
            .insert_header((header::LOCATION, target))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish();
        return Answer::from(response).of(&live.session.about.user).failed(stale.why);
    }
    // The count stands in the state, which only we can sign. A state that is not ours has none:
    // a marker cookie takes its place, so that two replicas that disagree about the secret
    // cannot send a browser back and forth.
    let retried = !exchange.cookies(&login::retry_name(provider)).is_empty();
    let tries = stale.record.as_ref().map_or(0, |flow| flow.tries);
    let exhausted =
        tries >= exchange.gateway().policy.max_tries || (stale.record.is_none() && retried);
    if !exhausted {
        let mut answer = start::redirect_to_core(exchange, facts, &target, tries + 1);
        if stale.record.is_none() && answer.account.failure.is_none() {
            realise::add_cookie(&mut answer.response, &login::retry_cookie(provider).to_string());
        }
        // Why it could not begin anew comes before why it had to.
        let why = answer.account.failure.unwrap_or(stale.why);
        return answer.failed(why);
    }
    let message = match stale.why {
        "state_of_other_browser" => {
            "This browser did not bring back the cookie that was set when the sign-in began."
        }
        "state_expired" => "The sign-in took too long.",
        "code_invalid" => "authentik did not accept the code it had given to this browser.",
        _ => "The answer from authentik does not belong to a sign-in of this application.",
    };
    let problem = exchange
        .problem(StatusCode::BAD_REQUEST, stale.why, TITLE, message)
        .remedy("Allow cookies for this site, close other sign-in tabs, and try again.")
        .link("Try again", start::url(provider, &target));
    Answer::from(problem.page()).failed(stale.why)
}

fn refused_by_core(
    exchange: &Exchange<'_>,
    facts: &Facts,
    record: Option<StateRecord>,
    error: &str,
    description: &str,
) -> Answer {
    let provider = &facts.provider;
    let target = target(facts, record.as_ref());
    // Anybody can make a link with an error in it: what it says is shown only where it answers a
    // sign-in that this browser began.
    let message = match (&record, description) {
        (None, _) => "authentik did not complete the sign-in.".to_owned(),
        (Some(_), "") => format!("authentik answered: {error}."),
        (Some(_), description) => format!("authentik answered: {description} ({error})."),
    };
    let problem = exchange
        .problem(StatusCode::FORBIDDEN, "refused_by_core", TITLE, message)
        .link("Try again", start::url(provider, &target));
    let mut response = problem.page();
    if let Some(record) = &record {
        realise::add_cookie(&mut response, &flow_removal(provider, record));
    }
    Answer::from(response).failed("refused_by_core")
}

fn core_failed(
    exchange: &Exchange<'_>,
    facts: &Facts,
    record: &StateRecord,
    error: &OidcError,
) -> Answer {
    let provider = &facts.provider;
    let (code, remedy) = match error {
        // A core that starts, or the server before it, may answer nonsense for a while.
        OidcError::Unreachable(_) | OidcError::Malformed(_) | OidcError::NoEndpoint(_) => {
            tracing::warn!(provider = %provider.name, %error, "core did not exchange a code");
            return core_away(exchange, facts, record);
        }
        OidcError::Refused { .. } => (
            "exchange_refused",
            "Ask the operator to check the provider's client secret and redirect URIs in authentik.",
        ),
        // Waiting changes nothing.
        OidcError::TooLarge(_) => (
            "exchange_too_large",
            "Ask the operator to look at the provider's scope mappings in authentik: too many groups or attributes go into this user's token.",
        ),
    };
    tracing::error!(provider = %provider.name, %error, code, "a code could not be exchanged");
    let problem = exchange
        .problem(StatusCode::BAD_GATEWAY, code, TITLE, error.to_string())
        .remedy(remedy)
        .link("Try again", start::url(provider, &record.return_to));
    Answer::from(problem.page()).failed(code)
}

fn too_many_codes(
    exchange: &Exchange<'_>,
    facts: &Facts,
    record: &StateRecord,
    seconds: u32,
) -> Answer {
    exchange.gateway().metrics.limits().reached(Limit::FailedCodes);
    let problem = exchange
        .problem(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_failed_codes",
            "Too many failed sign-ins",
            "More sign-ins from your address have failed at authentik than are allowed in a minute.",
        )
        .remedy("Wait a minute. Operators: limits.failed_codes_per_minute.")
        .retry_after(seconds)
        .link("Try again", start::url(&facts.provider, &record.return_to));
    Answer::from(realise::show(&problem, facts.client)).failed("too_many_failed_codes")
}

fn core_away(exchange: &Exchange<'_>, facts: &Facts, record: &StateRecord) -> Answer {
    let problem = exchange
        .problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "core_unavailable",
            "Cannot sign in now",
            "The authentik server does not answer.",
        )
        .remedy("Try again in a moment.")
        .retry_after(5)
        .link("Try again", start::url(&facts.provider, &record.return_to));
    Answer::from(problem.page()).failed("core_unavailable")
}

fn store_away(exchange: &Exchange<'_>, provider: &Provider, target: &str) -> Answer {
    let problem = exchange
        .problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_unavailable",
            "Cannot sign in now",
            "The session store cannot be reached, or has no room.",
        )
        .remedy("Try again in a moment.")
        .retry_after(5)
        .link("Try again", start::url(provider, target));
    Answer::from(problem.page()).failed("store_unavailable")
}
