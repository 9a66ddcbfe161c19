//! Core tells of ended sessions over the back channel (OpenID Connect Back-Channel Logout 1.0),
//! as a second road beside its websocket.
//!
//! Nothing is looked up or written before the token's signature fits, so that strangers cost no
//! more than the check of a signature; there is no limit of rate that they could use up for core.
//! A token counts once, on all replicas. It is noted as used when its sessions have ended, and not
//! before: one whose logout failed may be sent again, and ending twice ends nothing more. Core is
//! told of success only when every session is over and the token is noted.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use http::Method;
use outpost_decision::facts::Headers;
use outpost_decision::token::logout::{self, Ended, LogoutToken};
use serde_json::json;
use url::form_urlencoded;

use super::exchange::{Answer, Exchange, Facts};
use super::small_body::{self, BodyError};
use super::tokens::{self, CheckError};
use crate::clock;
use crate::limits::Limit;
use crate::ops::metrics::LogoutOutcome;
use crate::session::{EndedSession, Selection, Sessions, StoreError};

/// Seconds after which core, or whoever stands before it, may try again.
const RETRY_SECONDS: &str = "5";

/// Why a logout was not carried out.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    /// A stable name, for log and figures.
    failure: &'static str,
    /// An error code of OAuth 2.0 (RFC 6749 section 5.2).
    error: &'static str,
    description: Cow<'static, str>,
}

impl Refusal {
    fn wrong(failure: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            failure,
            error: "invalid_request",
            description: description.into(),
        }
    }

    fn unavailable(failure: &'static str, description: &'static str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            failure,
            error: "temporarily_unavailable",
            description: description.into(),
        }
    }
}

/// Takes a logout token and ends the sessions that it names.
pub async fn take(exchange: &Exchange<'_>, facts: &Facts, body: Payload) -> Answer {
    let figures = &exchange.gateway().metrics;
    match carry_out(exchange, facts, body).await {
        Ok(ended) => {
            figures.back_channel_logout(LogoutOutcome::Done, ended.len());
            exchange.notice_ended(&ended);
            tracing::info!(
                provider = %facts.provider.name,
                sessions = ended.len(),
                id = &*exchange.id,
                "core ended sessions over the back channel"
            );
            answer(StatusCode::OK).finish().into()
        }
        Err(refusal) => {
            let outcome = match refusal.status {
                StatusCode::SERVICE_UNAVAILABLE => LogoutOutcome::Unavailable,
                _ => LogoutOutcome::Refused,
            };
            figures.back_channel_logout(outcome, 0);
            tracing::warn!(
                provider = %facts.provider.name,
                failure = refusal.failure,
                cause = %refusal.description,
                id = &*exchange.id,
                "a logout over the back channel was not carried out"
            );
            refused(exchange, &refusal)
        }
    }
}

fn answer(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    answer
}

fn refused(exchange: &Exchange<'_>, refusal: &Refusal) -> Answer {
    let mut response = answer(refusal.status);
    match refusal.status {
        StatusCode::METHOD_NOT_ALLOWED => {
            response.insert_header((header::ALLOW, "POST"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            response.insert_header((header::RETRY_AFTER, RETRY_SECONDS));
        }
        _ => {}
    }
    let response = response.json(json!({
        "error": refusal.error,
        "error_description": refusal.description,
        "id": exchange.id,
    }));
    Answer::from(response).failed(refusal.failure)
}

async fn carry_out(
    exchange: &Exchange<'_>,
    facts: &Facts,
    body: Payload,
) -> Result<Vec<EndedSession>, Refusal> {
    let form = form(exchange, body).await?;
    let token = token_of(&form)?;
    let (keys, provider) = (&exchange.gateway().keys, &facts.provider);
    let checked =
        tokens::check(keys, provider, exchange.now, |expect| logout::verify(&token, expect)).await;
    let token = match checked {
        Ok(token) => token,
        Err(CheckError::Rejected(error)) => {
            return Err(Refusal::wrong("logout_token_refused", error.to_string()));
        }
        Err(CheckError::Unavailable(error)) => {
            tracing::warn!(provider = %provider.name, %error, "a logout token cannot be checked");
            return Err(Refusal::unavailable(
                "core_unavailable",
                "the keys that the token is signed with cannot be fetched",
            ));
        }
    };
    // A task of its own: a revocation does not die with the client's connection.
    let (sessions, later) =
        (exchange.gateway().sessions.clone(), exchange.gateway().session_ends.clone());
    let now = exchange.now;
    let task = actix_web::rt::spawn(async move {
        let use_up = clock::lasting(now, token.forget_after);
        let result = end(&sessions, &token, use_up, now).await;
        if let (Err(NotEnded::Store(_)), Ended::Session(sid)) = (&result, &token.ended) {
            // Core is told to come again. Whether it does or not, the session is over here, and
            // the store is told when it is back.
            later(sid.clone());
        }
        result
    });
    match task.await {
        Ok(Ok(ended)) => Ok(ended),
        Ok(Err(NotEnded::UsedBefore)) => {
            Err(Refusal::wrong("logout_token_replayed", "the token has been used before"))
        }
        Ok(Err(NotEnded::Store(error))) => {
            tracing::error!(%error, "a logout over the back channel failed");
            Err(store_away())
        }
        Err(error) => {
            tracing::error!(%error, "a logout over the back channel failed");
            Err(store_away())
        }
    }
}

fn store_away() -> Refusal {
    Refusal::unavailable("store_unavailable", "the session store cannot be reached")
}

/// The body, of the one kind that the standard knows (section 2.5).
async fn form(exchange: &Exchange<'_>, mut body: Payload) -> Result<Bytes, Refusal> {
    if exchange.method() != Method::POST {
        return Err(Refusal {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..Refusal::wrong("method_not_allowed", "logout tokens are sent with POST")
        });
    }
    let fields = exchange.fields();
    let kind = fields.text("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::wrong(
            "logout_form_wrong",
            "the body is no application/x-www-form-urlencoded",
        ));
    }
    let gateway = exchange.gateway();
    let read = small_body::read(&mut body, gateway.policy.logout_form_bytes).await;
    read.map_err(|error| Refusal {
        status: match error {
            BodyError::TooLarge => {
                gateway.metrics.limits().reached(Limit::LogoutForm);
                StatusCode::PAYLOAD_TOO_LARGE
            }
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyError::Broken => StatusCode::BAD_REQUEST,
        },
        ..Refusal::wrong("logout_form_wrong", error.to_string())
    })
}

/// The one `logout_token` of the form; other parameters mean nothing (section 2.5).
fn token_of(form: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    let mut tokens = form_urlencoded::parse(form)
        .filter_map(|(name, value)| (name == "logout_token").then_some(value));
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Ok(token),
        (None, _) => Err(Refusal::wrong("logout_form_wrong", "there is no logout_token")),
        (Some(_), Some(_)) => {
            Err(Refusal::wrong("logout_form_wrong", "there are several logout_token"))
        }
    }
}

/// Why sessions were not ended.
#[derive(Debug)]
enum NotEnded {
    UsedBefore,
    Store(StoreError),
}

impl From<StoreError> for NotEnded {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Ends what the token names, and notes that it is used up.
async fn end(
    sessions: &Sessions,
    token: &LogoutToken,
    use_up: Duration,
    now: outpost_decision::time::Timestamp,
) -> Result<Vec<EndedSession>, NotEnded> {
    let name = format!("logout/{}", token.id);
    let noted = sessions.values().read(&name, now).await;
    if let Ok(Some(_)) = noted {
        return Err(NotEnded::UsedBefore);
    }
    let selection = match &token.ended {
        Ended::Session(sid) => Selection::CoreSession(sid.clone()),
        Ended::Subject(sub) => Selection::Subject(sub.clone()),
    };
    // Also where nobody can tell whether the token was used: here the sessions are over either way.
    let ended = sessions.end(&selection).await;
    noted?;
    let ended = ended?;
    let used = Some(Bytes::from_static(b"used"));
    sessions.values().write(&name, used, Some(use_up), now).await?;
    Ok(ended)
}

#[cfg(test)]
mod tests;
