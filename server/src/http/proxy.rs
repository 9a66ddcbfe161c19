//! Proxy mode: the request goes to the application with the identity, and only ours.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use http::HeaderValue;
use http::header::{AUTHORIZATION, SET_COOKIE};
use outpost_decision::claims::Claims;
use outpost_decision::facts::{ClientKind, Headers};
use tracing::Instrument as _;
use url::Url;

use super::credentials::LiveSession;
use super::exchange::{Answer, Exchange, Facts, Passed};
use super::identity;
use super::kept_form::{self, Resent};
use super::realise;
use super::span::{REQUEST_ID, TRACEPARENT, TRACESTATE};
use crate::clock;
use crate::ops::event::UpstreamEvent;
use crate::session::live::LiveConnection;
use crate::session::{self, SessionAbout, SessionId, Sessions};
use crate::trace::Kind;
use crate::upstream::{Ended, Forwarded, Leg, UpstreamError};

/// Forwards the request; `live` is the identity, `None` for nobody.
pub async fn forward(
    exchange: &Exchange<'_>,
    facts: &Facts,
    live: Option<&LiveSession>,
    mut body: Payload,
) -> Passed {
    let claims = live.map(|live| &live.session.claims);
    let base = match base(facts, claims) {
        Ok(base) => base,
        Err(cause) => {
            let status = StatusCode::BAD_GATEWAY;
            return failed(exchange, claims, "bad_upstream", status, cause).into();
        }
    };
    let ended = match hold_open(exchange, facts, live).await {
        Ok(ended) => ended,
        Err(answer) => return answer.into(),
    };
    let stream_ended = || live.map(|live| stream_over(exchange, live));
    let headers = match identity::headers(exchange, facts, live) {
        Ok(headers) => headers,
        Err(error) => return identity::too_large(exchange, facts, &error).into(),
    };
    let resent = match live {
        Some(live) if kept_form::is_resent(exchange, facts) => {
            let taken = kept_form::take(exchange, facts, live, &mut body);
            match Box::pin(taken.instrument(exchange.log_span())).await {
                Ok(resent) => Some(resent),
                Err(answer) => return answer.of(&live.session.about.user).into(),
            }
        }
        _ => None,
    };
    let from_header = live.is_some_and(|live| live.session.about.origin == session::Origin::Header);
    let mut span = exchange.scope().begin("upstream", Kind::Client);
    let traced = span.scope().is_traced();
    let strip = |name: &str| {
        headers.must_strip(name)
            || (from_header && name == AUTHORIZATION.as_str())
            || (resent.is_some() && kept_form::is_replaced(name))
            // Ours is told in their place; while nothing is traced they pass like any other.
            || (traced && (name == TRACEPARENT || name == TRACESTATE))
    };
    let path_and_query = match &resent {
        Some(resent) => resent.path_and_query.clone(),
        None => facts.target.path_and_query(),
    };
    let told = match headers.request() {
        Ok(told) => told,
        Err(error) => return upstream_failed(exchange, claims, &error).into(),
    };
    let trace: Vec<_> = traced.then(|| span.scope().headers()).into_iter().flatten().collect();
    let leg = Leg {
        base: &base,
        application: &facts.provider.application_slug,
        path_and_query: &path_and_query,
        verify: facts.provider.verify_upstream,
        host: claims
            .and_then(|claims| claims.ak_proxy.as_ref()?.host_header.as_deref())
            .map_or_else(|| Cow::Owned(facts.origin.host.text()), Cow::Borrowed),
        strip: &strip,
        told: Some(told),
        set: set(exchange, resent.as_ref(), &trace),
        instead: resent.as_ref().map(|resent| resent.body.clone()),
        forwarded: Forwarded {
            host: Cow::Owned(facts.target.authority.text()),
            proto: facts.target.scheme.as_str(),
            peer: exchange.carried.connection().peer.map(|peer| peer.ip()),
            peer_trusted: facts.origin.peer_trusted,
        },
        ended,
        stream_ended: &stream_ended,
    };
    let asked = std::time::Instant::now();
    let result = exchange.worker.upstreams.forward(exchange.carried, body, leg).await;
    let timing = UpstreamEvent {
        tls: base.scheme() == "https",
        host: base.host_str().unwrap_or_default().to_owned(),
        duration: asked.elapsed(),
    };
    if span.is_recorded() {
        span.set("server.address", timing.host.clone());
        match &result {
            Ok(response) => {
                span.set("http.response.status_code", response.status().as_u16());
            }
            Err(error) => span.fail(error.code()),
        }
    }
    drop(span);
    let mut answer = match result {
        Ok(mut response) => {
            let cookie = live.and_then(|live| identity::new_cookie(exchange, facts, live));
            if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            Passed::from(response)
        }
        Err(error) => upstream_failed(exchange, claims, &error).into(),
    };
    answer.account.upstream = Some(timing);
    let answer = answer.noting(&headers);
    match live {
        Some(live) => answer.of(&live.session.about.user),
        None => answer,
    }
}

/// What the application is told for this request alone: the head of a form that is sent again, our id, and
/// its place in our trace. While nothing is traced, what a caller said of its own passes as it came.
fn set<'a>(
    exchange: &'a Exchange<'_>,
    resent: Option<&'a Resent>,
    traced: &'a [(&'static str, String)],
) -> Vec<(&'a str, &'a [u8])> {
    let mut set = Vec::with_capacity(4);
    set.extend(resent.into_iter().flat_map(Resent::headers));
    set.push((REQUEST_ID, exchange.id.as_bytes()));
    set.extend(traced.iter().map(|(name, value)| (*name, value.as_bytes())));
    set
}

/// Where to: the user's own upstream if a mapping set one, else the provider's.
fn base<'f>(facts: &'f Facts, claims: Option<&Claims>) -> Result<Cow<'f, Url>, String> {
    match claims.and_then(|claims| claims.ak_proxy.as_ref()?.backend_override.as_deref()) {
        Some(text) => match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                Ok(Cow::Owned(url))
            }
            _ => Err("the claim ak_proxy.backend_override is no http or https URL".into()),
        },
        None => facts
            .provider
            .internal
            .as_ref()
            .map(Cow::Borrowed)
            .ok_or_else(|| "the provider has no internal host".into()),
    }
}

/// What stays open (a tunnel, an event stream, gRPC) must close when its session ends.
async fn hold_open(
    exchange: &Exchange<'_>,
    facts: &Facts,
    live: Option<&LiveSession>,
) -> Result<Option<Ended>, Answer> {
    let fields = exchange.fields();
    let stays = facts.client == ClientKind::Websocket
        || fields.text("upgrade").is_some()
        || fields.text("accept").is_some_and(|accept| accept.contains("text/event-stream"))
        || fields.text("content-type").is_some_and(|kind| kind.starts_with("application/grpc"));
    let Some(live) = live.filter(|_| stays) else { return Ok(None) };
    let held = exchange.gateway().sessions.hold_open(&live.id, exchange.now);
    match Box::pin(held.instrument(exchange.log_span())).await {
        Ok(Some(connection)) => {
            let (id, about) = (live.id.clone(), live.session.about.clone());
            let sessions = exchange.gateway().sessions.clone();
            Ok(Some(Box::pin(until_over(sessions, id, about, connection))))
        }
        gone => {
            // Ended (or not to be known) between the decision and now.
            let status = match gone {
                Ok(_) => StatusCode::UNAUTHORIZED,
                Err(_) => StatusCode::SERVICE_UNAVAILABLE,
            };
            let problem =
                exchange.problem(status, "session_ended", "Signed out", "The session has ended.");
            Err(Answer::from(problem.json()).failed("session_ended"))
        }
    }
}

/// Waits until the session of an event stream is over that the request did not announce: scripts
/// read such streams without naming them in `Accept`.
fn stream_over(exchange: &Exchange<'_>, live: &LiveSession) -> Ended {
    let (id, about) = (live.id.clone(), live.session.about.clone());
    let sessions = exchange.gateway().sessions.clone();
    Box::pin(async move {
        // Registered with the first look at the stream, before the first byte of it is passed on.
        if let Ok(Some(connection)) = sessions.hold_open(&id, clock::now()).await {
            until_over(sessions, id, about, connection).await;
        }
    })
}

/// Waits until the session of an open connection is over: revoked, or at the end of its token.
/// A session that was renewed meanwhile goes on, and what stays open counts as use of it.
async fn until_over(
    sessions: Sessions,
    id: SessionId,
    mut about: SessionAbout,
    connection: LiveConnection,
) {
    let ended = connection.ended();
    loop {
        let left = clock::now().seconds_until(about.expires).unsigned_abs();
        let look = about.idle_seconds.map_or(left, |idle| left.min(idle.unsigned_abs() / 2));
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(look.max(1))) => {}
        }
        match sessions.get(&id, clock::now()).await {
            Ok(Some(session)) => about = session.about.clone(),
            // Over, or nobody can tell that it is not.
            Ok(None) | Err(_) => return,
        }
    }
}

fn upstream_failed(
    exchange: &Exchange<'_>,
    claims: Option<&Claims>,
    error: &UpstreamError,
) -> Answer {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    failed(exchange, claims, error.code(), status, chain(error))
}

/// The page for a request that reached no application. The cause is for superusers (contract 12):
/// it names hosts and ports behind the outpost.
fn failed(
    exchange: &Exchange<'_>,
    claims: Option<&Claims>,
    code: &'static str,
    status: StatusCode,
    cause: String,
) -> Answer {
    exchange.log_span().in_scope(|| {
        tracing::warn!(id = &*exchange.id, code, cause, "the application did not answer");
    });
    let (public_code, title, message) = match status {
        StatusCode::BAD_GATEWAY => {
            ("bad_gateway", "Bad gateway", "The application cannot be reached.")
        }
        StatusCode::GATEWAY_TIMEOUT => {
            ("gateway_timeout", "Gateway timeout", "The application did not answer in time.")
        }
        StatusCode::REQUEST_TIMEOUT => {
            ("request_timeout", "Request timeout", "The request took too long to arrive.")
        }
        StatusCode::UNAUTHORIZED => ("session_ended", "Signed out", "The session has ended."),
        StatusCode::BAD_REQUEST => {
            ("bad_request", "Bad request", "The request cannot be forwarded.")
        }
        _ => ("error", "Error", "The request could not be forwarded."),
    };
    let may_see = claims.is_some_and(Claims::is_superuser);
    // The name of the cause (a refused connection, a name without address) tells as much.
    let shown = if may_see { code } else { public_code };
    let mut problem = exchange.problem(status, shown, title, message);
    if status.is_server_error() {
        problem = problem
            .remedy("Try again in a moment; if it stays so, tell the operator the id below.");
    }
    problem.cause = may_see.then_some(cause);
    let kind = ClientKind::of(exchange.method().as_str(), &exchange.fields());
    Answer::from(realise::show(&problem, kind)).failed(code)
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
