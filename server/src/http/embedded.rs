//! Embedded mode: what is neither the outpost's nor an application's goes to core (contract 15).

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::http::{StatusCode as WebStatus, header as web_header};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use outpost_decision::embedded::{ADMIN_PATH, Place};
use outpost_decision::facts::{ClientKind, Headers};
use outpost_decision::gather::CoreRequest;
use url::Url;

use super::exchange::{Answer, Exchange, Passed};
use super::realise;
use crate::primary_url::PrimaryUrl;
use crate::upstream::{Forwarded, Leg, UpstreamError};

mod static_files;

pub use static_files::{StaticFile, StaticFiles};

/// The name under which the leg to core has settings of its own. No application has such a slug.
pub const CORE: &str = "authentik core";

/// Core behind us.
#[derive(Debug)]
pub struct Embedded {
    /// Its HTTP server. For a Unix socket, the settings of [`CORE`] say where it is.
    pub core: Url,
    /// Whether its certificate is checked.
    pub verify: bool,
    /// Its static files, where they are at hand.
    pub static_files: Option<StaticFiles>,
    /// Where people reach it, if core does not say.
    pub primary: PrimaryUrl,
}

/// The file that is asked for, where it is at hand.
pub async fn file(
    exchange: &Exchange<'_>,
    embedded: &Embedded,
    request: &CoreRequest,
) -> Option<StaticFile> {
    let read = matches!(*exchange.method(), Method::GET | Method::HEAD);
    if !read || request.place != Place::StaticFiles {
        return None;
    }
    embedded.static_files.as_ref()?.open(&request.target.path).await
}

/// Answers with what core answers.
pub async fn forward(
    exchange: &Exchange<'_>,
    embedded: &Embedded,
    request: &CoreRequest,
    body: Payload,
) -> Passed {
    let CoreRequest { origin, target, .. } = request;
    let path_and_query = target.path_and_query();
    // Core makes its URLs from `Host`, and looks at no other header for it (fixture 02c).
    let host = origin.authority.to_string();
    let trusted = origin.peer_trusted;
    let leg = Leg {
        base: &embedded.core,
        application: CORE,
        path_and_query: &path_and_query,
        verify: embedded.verify,
        host: Cow::Borrowed(&host),
        strip: &|name| !trusted && is_claimed_certificate(name),
        told: None,
        set: Vec::new(),
        instead: None,
        forwarded: Forwarded {
            host: Cow::Borrowed(&host),
            proto: origin.scheme.as_str(),
            peer: exchange.carried.connection().peer.map(|peer| peer.ip()),
            peer_trusted: trusted,
        },
        ended: None,
        stream_ended: &|| None,
    };
    match exchange.worker.upstreams.forward(exchange.carried, body, leg).await {
        Ok(mut response) => {
            learn(exchange, embedded, request, response.status());
            let name = HeaderName::from_static("x-powered-by");
            response.headers_mut().insert(name, HeaderValue::from_static("authentik"));
            response.into()
        }
        Err(error) => failed(exchange, &error).into(),
    }
}

/// Headers in which proxies tell core of a client's TLS certificate, beside `X-Forwarded-*`, which
/// nobody but a trusted peer gets through.
fn is_claimed_certificate(name: &str) -> bool {
    name.bytes()
        .map(|byte| if byte == b'_' { b'-' } else { byte })
        .take("ssl-client-".len())
        .eq("ssl-client-".bytes())
}

/// The stock set-up takes the address under which its administrator first comes for the one that
/// people use. We believe one whom core has answered, and nobody else: whoever sends us a `Host`
/// of his own must not be the one who says where people sign in.
fn learn(
    exchange: &Exchange<'_>,
    embedded: &Embedded,
    CoreRequest { origin, target, .. }: &CoreRequest,
    status: StatusCode,
) {
    let unknown = exchange.snapshot.outpost.embedded && embedded.primary.get().is_none();
    if !unknown || target.path != ADMIN_PATH || status != StatusCode::OK || !is_of_a_page(exchange)
    {
        return;
    }
    let text = format!("{}://{}/", origin.scheme.as_str(), origin.authority);
    if let Ok(url) = Url::parse(&text)
        && embedded.primary.learn(url)
    {
        tracing::info!(url = text, "an administrator came by: this is where people reach core");
    }
}

/// Whether a page of the same host asks, in a browser: a program may know core under a name that
/// nobody else can use.
fn is_of_a_page(exchange: &Exchange<'_>) -> bool {
    exchange.fields().text("sec-fetch-site") == Some("same-origin")
        && exchange.method() == Method::GET
}

/// Core does not answer. A core that starts takes its time: the page tries again by itself.
fn failed(exchange: &Exchange<'_>, error: &UpstreamError) -> Answer {
    let code = error.code();
    exchange.log_span().in_scope(|| {
        tracing::warn!(id = &*exchange.id, code, %error, "core did not answer");
    });
    let problem = match error {
        UpstreamError::Connect { .. } | UpstreamError::Closed { .. } => exchange
            .problem(
                WebStatus::SERVICE_UNAVAILABLE,
                "core_starting",
                "authentik is starting",
                "The authentik server does not answer yet. This page tries again by itself.",
            )
            .remedy("If it stays so, look at the server's log, and at the setting embedded.core.")
            .retry_after(5),
        _ => {
            let status = WebStatus::from_u16(error.status()).unwrap_or(WebStatus::BAD_GATEWAY);
            let message = match status {
                WebStatus::GATEWAY_TIMEOUT => "The authentik server did not answer in time.",
                status if status.is_client_error() => "The request cannot be forwarded.",
                _ => "The authentik server gave no answer that can be passed on.",
            };
            exchange.problem(status, "core_failed", "No answer from authentik", message)
        }
    };
    let kind = ClientKind::of(exchange.method().as_str(), &exchange.fields());
    let mut response: HttpResponse = realise::show(&problem, kind);
    if problem.retry_after.is_some() && kind.is_navigation() {
        let seconds = web_header::HeaderValue::from_static("5");
        response.headers_mut().insert(web_header::REFRESH, seconds);
    }
    Answer::from(response).failed(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_anybody_could_claim() {
        for name in ["ssl-client-cert", "ssl_client_cert", "ssl-client-s-dn"] {
            assert!(is_claimed_certificate(name), "{name}");
        }
        for name in ["ssl-client", "ssl", "x-ssl-client-cert", "authorization"] {
            assert!(!is_claimed_certificate(name), "{name}");
        }
    }
}
