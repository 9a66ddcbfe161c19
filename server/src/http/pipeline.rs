//! The phases of a request, in order: take up, gather facts, look at credentials, decide,
//! realise, finish.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use outpost_decision::decide::{Inquiry, decide};
use outpost_decision::facts::Peer;
use outpost_decision::gather::{self, Connection, Gathered, Hints, Received, Rules};

use super::exchange::{Answer, Exchange, Judged};
use super::finish::finish;
use super::{Worker, credentials, realise};
use crate::carried::Carried;
use crate::limits::Limit;

/// Serves one request. Every path through here ends in `finish`.
pub async fn serve(
    request: HttpRequest,
    body: web::Payload,
    worker: web::Data<Worker>,
) -> HttpResponse {
    let _in_flight = worker.gateway.metrics.request_begun();
    let exchange = Exchange::begin(&worker, &request);
    let mut judged = None;
    let phases = AssertUnwindSafe(run(&exchange, body, &mut judged)).catch_unwind().await;
    let answer = phases.unwrap_or_else(|_| panicked(&exchange));
    finish(exchange, judged, answer)
}

async fn run(exchange: &Exchange<'_>, body: web::Payload, judged: &mut Option<Judged>) -> Answer {
    if let Some(problem) = over_limits(exchange) {
        return Answer::from(problem).failed(TOO_LARGE);
    }
    let gathered = gather(exchange);
    let judged = judged.insert(match gathered {
        Gathered::Ping => Judged::Ping,
        Gathered::Static => Judged::Static,
        Gathered::Core(request) => Judged::Core(request),
        Gathered::Refused(refusal) => Judged::Refused(refusal),
        Gathered::Facts { facts, mut steps } => {
            let credentials = credentials::look(exchange, &facts, &mut steps).await;
            let decision = decide(
                &Inquiry {
                    endpoint: facts.endpoint,
                    dialect: facts.dialect,
                    target: &facts.target,
                    provider: &facts.provider,
                    client: facts.client,
                    credential: credentials.verdict,
                    scripts: exchange.gateway().policy.scripts,
                },
                steps,
            );
            Judged::Full { facts, credentials, decision }
        }
    });
    realise::realise(exchange, judged, body).await
}

/// Name of the failure of a request whose headers are more than the settings allow.
const TOO_LARGE: &str = "headers_too_large";

/// Header and cookie sizes beyond what the settings allow: refused before anything reads them.
fn over_limits(exchange: &Exchange<'_>) -> Option<HttpResponse> {
    let policy = &exchange.gateway().policy;
    let (mut all, mut cookies) = (0, 0);
    for (name, value) in exchange.request.headers() {
        all += name.as_str().len() + value.len();
        if name == actix_web::http::header::COOKIE {
            cookies += value.len();
        }
    }
    let (limit, what) = if cookies > policy.cookie_bytes {
        let allowed = policy.cookie_bytes;
        let what = format!("The cookies are {cookies} bytes, more than the {allowed} allowed.");
        (Limit::CookieBytes, what)
    } else if all > policy.header_bytes {
        let allowed = policy.header_bytes;
        let what = format!("The headers are {all} bytes, more than the {allowed} allowed.");
        (Limit::HeaderBytes, what)
    } else {
        return None;
    };
    exchange.gateway().metrics.limits().reached(limit);
    let problem = exchange
        .problem(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            TOO_LARGE,
            "Request headers too large",
            what,
        )
        .remedy("Delete the cookies of this site in your browser and try again.");
    Some(problem.page())
}

/// Facts: origin, dialect, route, endpoint, client kind. A failure here is a decision too.
fn gather(exchange: &Exchange<'_>) -> Gathered {
    let gateway = exchange.gateway();
    let uri = exchange.request.uri();
    let peer = peer(exchange.request);
    let received = Received {
        method: exchange.request.method().as_str(),
        path: uri.path(),
        query: uri.query(),
        authority: uri.authority().map(actix_web::http::uri::Authority::as_str),
        headers: &exchange.fields(),
        peer,
    };
    let rules = Rules {
        trust: &gateway.trusted,
        ruleset: &exchange.snapshot.ruleset,
        loaded: exchange.snapshot.is_loaded(),
        embedded: gateway.embedded.is_some(),
        akprox: gateway.policy.akprox,
        keep_post_bytes: gateway.policy.keep_post_bytes,
        now: exchange.now,
    };
    let carried = Carried::of(exchange.request).filter(|_| gateway.policy.check_server_name);
    let same_certificate =
        |one: &str, other: &str| gateway.certificates.load().same_certificate(one, other);
    let hints = Hints {
        has_cookie: &|name| !exchange.cookies(name).is_empty(),
        connection: carried.as_ref().map(|carried| Connection {
            server_name: carried.connection().server_name.as_deref(),
            same_certificate: &same_certificate,
        }),
    };
    let gathered = gather::gather(&received, &rules, &hints);
    if let Some(origin) = gathered.origin() {
        gateway.unbelieved.note(peer.address, origin, exchange.now);
    }
    gathered
}

/// The other end of the connection. A Unix socket has no address and counts as this machine.
pub(super) fn peer(request: &HttpRequest) -> Peer {
    let address = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip());
    let tls = Carried::of(request).is_some_and(|carried| carried.connection().tls);
    Peer { address: address.to_canonical(), tls }
}

fn panicked(exchange: &Exchange<'_>) -> Answer {
    let problem = exchange.problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "Internal error",
        "The outpost has made a mistake of its own; nothing was let through.",
    );
    Answer::from(problem.page()).failed("panic")
}
