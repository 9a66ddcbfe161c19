//! Signing out: all of the user's sessions in this outpost end, on every replica (contract 9).

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use outpost_decision::OUTPOST_PREFIX;
use outpost_decision::cookie::SetCookie;
use outpost_decision::decision::CredentialOutcome;
use outpost_decision::endpoint;
use outpost_decision::login;
use outpost_decision::redirect;
use secrecy::ExposeSecret;

use super::credentials::Credentials;
use super::exchange::{Answer, Exchange, Facts};
use crate::session::Selection;

/// Ends the user's sessions, then sends the browser to core's end-session page. What `rd` says is
/// not looked at: nobody is sent anywhere else.
pub async fn sign_out(exchange: &Exchange<'_>, facts: &Facts, credentials: &Credentials) -> Answer {
    if let CredentialOutcome::Unavailable(_) = credentials.verdict.outcome {
        return not_now(exchange);
    }
    let provider = &facts.provider;
    let live = credentials.session.as_ref();
    let home = &provider.external.home;
    let is_away = !endpoint::is_at_home(&facts.target.path, home) && provider.cookie.path != "/";
    if live.is_none() && is_away && facts.dialect.is_none() && !home.is_empty() {
        // The browser sends the cookie of an application below a path there only: never to the
        // old prefix, which would lead here again.
        let origin = provider.external.origin();
        let there = format!("{origin}{home}{OUTPOST_PREFIX}/sign_out");
        let response = HttpResponse::Found()
            .insert_header((header::LOCATION, there))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish();
        return response.into();
    }
    if let Some(live) = live {
        // A task of its own: a revocation does not die with the client's connection.
        let sessions = exchange.gateway().sessions.clone();
        let selection = Selection::Subject(live.session.about.sub.clone());
        let ended = actix_web::rt::spawn(async move { sessions.end(&selection).await }).await;
        match ended {
            Ok(Ok(ended)) => {
                exchange.notice_ended(&ended);
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "a sign-out failed");
                return not_now(exchange);
            }
            Err(error) => {
                tracing::error!(%error, "a sign-out failed");
                return not_now(exchange);
            }
        }
    }
    let hint = live.map(|live| live.session.token.expose_secret());
    let mut response = match (facts.dialect, login::end_session_url(provider, hint)) {
        // nginx cannot pass a redirect of a check on; 401 makes it ask for a sign-in.
        (Some(dialect), _) if dialect.is_nginx() => HttpResponse::Unauthorized(),
        (_, Some(url)) => {
            let mut response = HttpResponse::Found();
            response.insert_header((header::LOCATION, url));
            response
        }
        (_, None) => {
            let mut response = HttpResponse::Found();
            response.insert_header((header::LOCATION, redirect::fallback(provider)));
            response
        }
    };
    let response = response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .append_header((
            header::SET_COOKIE,
            SetCookie::remove_session(&provider.cookie).to_string(),
        ))
        .finish();
    let answer = Answer::from(response);
    match live {
        Some(live) => answer.of(&live.session.about.user),
        None => answer,
    }
}

fn not_now(exchange: &Exchange<'_>) -> Answer {
    let problem = exchange
        .problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_unavailable",
            "Not signed out",
            "The session store cannot be reached, so your sessions have not ended.",
        )
        .remedy("Try again in a moment.")
        .retry_after(5);
    Answer::from(problem.page()).failed("store_unavailable")
}
