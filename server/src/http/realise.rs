//! From a decision to an answer: one exhaustive match.

use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use outpost_decision::crypto;
use outpost_decision::decision::{Action, Decision, Reason};
use outpost_decision::dialect::Dialect;
use outpost_decision::facts::{ClientKind, Endpoint};
use outpost_decision::login;
use outpost_decision::provider::Provider;
use outpost_decision::redirect;
use outpost_decision::target::Target;
use serde_json::Map;

use super::credentials::Credentials;
use super::exchange::{Answer, Exchange, Facts, Judged};
use super::pages::Problem;
use super::{backchannel_logout, callback, kept_form, pages, pipeline, sign_out, start};
use crate::authentik::MisconfigurationReport;

/// Does what was decided about a request that is neither answered by its head alone nor forwarded.
pub async fn realise(exchange: &Exchange<'_>, judged: &Judged, body: Payload) -> Answer {
    match judged {
        Judged::Ping => HttpResponse::NoContent().finish().into(),
        Judged::Static if exchange.carried.head().uri.path() == pages::SIGNED_IN_PATH => {
            pages::kept::signed_in().into()
        }
        Judged::Static => HttpResponse::NotFound().finish().into(),
        // Nothing is core's where core is not behind us.
        Judged::Core(_) => HttpResponse::NotFound().finish().into(),
        Judged::Refused(refused) => {
            let host = refused.host();
            report(exchange, &refused.decision, host.as_deref(), refused.client);
            refusal(exchange, &refused.decision, host.as_deref()).into()
        }
        Judged::Full { facts, credentials, decision } => {
            full(exchange, facts, credentials, decision, body).await
        }
    }
}

async fn full(
    exchange: &Exchange<'_>,
    facts: &Facts,
    credentials: &Credentials,
    decision: &Decision,
    body: Payload,
) -> Answer {
    match &decision.action {
        // Whoever is let through has been answered, or forwarded, before anything came this far.
        Action::Allow | Action::Skip | Action::PassOwnPath => pipeline::panicked(exchange),
        Action::RedirectToStart { return_to } => HttpResponse::Found()
            .insert_header((header::LOCATION, start::url(&facts.provider, &return_to.to_string())))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish()
            .into(),
        Action::BeginSignIn { return_to } => start::begin(exchange, facts, return_to.as_ref()),
        Action::Challenge => challenge(exchange, facts, decision).into(),
        Action::FinishSignIn => callback::finish(exchange, facts, credentials).await,
        Action::SignOut => sign_out::sign_out(exchange, facts, credentials).await,
        Action::KeepForm => kept_form::keep(exchange, facts, decision, body).await,
        Action::TakeLogoutToken => backchannel_logout::take(exchange, facts, body).await,
        Action::Deny => {
            let host = facts.target.authority.to_string();
            report(exchange, decision, Some(&host), facts.origin.client);
            match (&credentials.header_message, decision.reason) {
                (Some(message), Reason::HeaderRejected) => {
                    header_rejected(exchange, facts, message).into()
                }
                _ => refusal(exchange, decision, Some(&host)).into(),
            }
        }
        Action::Unavailable => refusal(exchange, decision, None).into(),
    }
}

/// 401 for whoever must act on it: a script, or nginx, which then redirects to the start path.
pub fn challenge(exchange: &Exchange<'_>, facts: &Facts, decision: &Decision) -> HttpResponse {
    let sign_in = match facts.endpoint {
        Endpoint::Start => facts.target.to_string(),
        _ if facts.target.has_path() => start::url(&facts.provider, &facts.target.to_string()),
        _ => start::url(&facts.provider, &redirect::fallback(&facts.provider)),
    };
    let reason = decision.reason;
    let mut response = exchange
        .problem(StatusCode::UNAUTHORIZED, reason.code(), "Not signed in", reason.explanation())
        .remedy(reason.remedy())
        .link("Sign in", sign_in)
        .json();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, realm(&facts.provider));
    if facts.dialect == Some(Dialect::Nginx) && facts.client.is_navigation() {
        add_cookie(&mut response, &remember(&facts.provider, &facts.target));
    }
    response
}

/// nginx redirects to the start path by itself, often without `rd`: a cookie remembers the page.
/// Only navigations set it, so that no background request can overwrite it.
fn remember(provider: &Provider, target: &Target) -> String {
    let value = crypto::base64url(target.to_string().as_bytes());
    login::remembered_cookie(provider, &value).to_string()
}

fn header_rejected(exchange: &Exchange<'_>, facts: &Facts, message: &str) -> HttpResponse {
    let reason = Reason::HeaderRejected;
    let problem = exchange
        .problem(
            StatusCode::UNAUTHORIZED,
            reason.code(),
            "Not accepted",
            format!("{} {message}.", reason.explanation()),
        )
        .remedy(reason.remedy());
    let mut response = show(&problem, facts.client);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, realm(&facts.provider));
    response
}

/// What `WWW-Authenticate` says at a provider.
pub fn realm(provider: &Provider) -> header::HeaderValue {
    let name: String = provider
        .application_name
        .chars()
        .filter(|c| (c.is_ascii_graphic() || *c == ' ') && !matches!(c, '"' | '\\'))
        .collect();
    header::HeaderValue::from_str(&format!("Bearer realm=\"{name}\""))
        .unwrap_or(header::HeaderValue::from_static("Bearer"))
}

/// A request that is neither let through nor sent to sign in.
fn refusal(exchange: &Exchange<'_>, decision: &Decision, host: Option<&str>) -> HttpResponse {
    let reason = decision.reason;
    if reason == Reason::NoProvider {
        return no_provider(exchange, host.unwrap_or_default());
    }
    let status = StatusCode::from_u16(reason.refusal_status()).unwrap_or(StatusCode::BAD_REQUEST);
    let title = match status {
        StatusCode::SERVICE_UNAVAILABLE => "Temporarily unavailable",
        StatusCode::INTERNAL_SERVER_ERROR => "Configuration error",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::MISDIRECTED_REQUEST => "Misdirected request",
        StatusCode::UNAUTHORIZED => "Not accepted",
        StatusCode::TOO_MANY_REQUESTS => "Too many wrong credentials",
        _ => "Bad request",
    };
    let mut problem = exchange
        .problem(status, reason.code(), title, reason.explanation())
        .remedy(reason.remedy());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        problem = problem.retry_after(2);
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        problem = problem.retry_after(60);
    }
    let kind = ClientKind::of(exchange.method().as_str(), &exchange.fields());
    show(&problem, kind)
}

/// Contract 5, case 4: JSON for everybody, as scripts of today expect it.
fn no_provider(exchange: &Exchange<'_>, host: &str) -> HttpResponse {
    HttpResponse::BadRequest().insert_header((header::CACHE_CONTROL, "no-store")).json(
        serde_json::json!({
            "error": Reason::NoProvider.code(),
            "message": "no app for hostname",
            "host": host,
            "remedy": Reason::NoProvider.remedy(),
            "id": &*exchange.id,
        }),
    )
}

/// A page for whoever navigates, JSON for everybody else.
pub fn show(problem: &Problem, client: ClientKind) -> HttpResponse {
    if client.is_navigation() { problem.page() } else { problem.json() }
}

/// Tells core's event log of a misconfiguration (contract 3); whoever sends them on limits their
/// rate.
fn report(
    exchange: &Exchange<'_>,
    decision: &Decision,
    host: Option<&str>,
    client: std::net::IpAddr,
) {
    let reason = decision.reason;
    if !matches!(reason, Reason::HeadersMissing | Reason::PeerUntrusted | Reason::ModeMismatch) {
        return;
    }
    let mut context = Map::new();
    context.insert("reason".into(), reason.code().into());
    context.insert("remedy".into(), reason.remedy().into());
    context.insert("host".into(), host.unwrap_or_default().into());
    if let Some(dialect) = decision.dialect {
        context.insert("dialect".into(), dialect.as_str().into());
    }
    let report = MisconfigurationReport {
        message: reason.explanation().into(),
        client_ip: Some(client),
        context,
    };
    // Full: core has enough to read.
    let _ = exchange.gateway().reports.try_send(report);
}

/// Adds a `Set-Cookie`; a value that no header can hold is left out.
pub fn add_cookie(response: &mut HttpResponse, cookie: &str) {
    if let Ok(value) = header::HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
