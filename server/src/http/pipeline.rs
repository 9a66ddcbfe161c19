//! The phases of a request, in order: take up, gather facts, look at credentials, decide,
//! realise, finish.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use outpost_decision::decide::{Inquiry, decide, refuse};
use outpost_decision::decision::{Decision, Reason, Step};
use outpost_decision::dialect::{Asked, Dialect, DialectError, Original};
use outpost_decision::embedded::{self, Place};
use outpost_decision::endpoint::{self, OwnPaths};
use outpost_decision::facts::{ClientKind, Endpoint, Peer};
use outpost_decision::origin::{self, Origin};
use outpost_decision::provider::Mode;
use outpost_decision::route::{Match, OwnHints};
use outpost_decision::target::Target;

use super::embedded::CoreRequest;
use super::exchange::{Answer, Exchange, Facts, Judged};
use super::finish::finish;
use super::{Worker, credentials, kept_form, realise};
use crate::carried::Carried;

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
        return problem.into();
    }
    let gathered = gather(exchange);
    let judged = judged.insert(match gathered {
        Gathered::Ping => Judged::Ping,
        Gathered::Static => Judged::Static,
        Gathered::Core(request) => Judged::Core(request),
        Gathered::Refused { decision, host, client } => Judged::Refused { decision, host, client },
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
    let what = if cookies > policy.cookie_bytes {
        format!("The cookies are {cookies} bytes, more than the {} allowed.", policy.cookie_bytes)
    } else if all > policy.header_bytes {
        format!("The headers are {all} bytes, more than the {} allowed.", policy.header_bytes)
    } else {
        return None;
    };
    let problem = exchange
        .problem(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers_too_large",
            "Request headers too large",
            what,
        )
        .remedy("Delete the cookies of this site in your browser and try again.");
    Some(problem.page())
}

enum Gathered {
    Ping,
    Static,
    Core(CoreRequest),
    Refused { decision: Decision, host: Option<String>, client: IpAddr },
    Facts { facts: Facts, steps: Vec<Step> },
}

/// Facts: origin, dialect, route, endpoint, client kind. A failure here is a decision too.
fn gather(exchange: &Exchange<'_>) -> Gathered {
    let uri = exchange.request.uri();
    let akprox = exchange.gateway().policy.akprox;
    let own_endpoint = endpoint::classify(uri.path(), uri.query(), OwnPaths::at_root(akprox));
    match own_endpoint {
        Endpoint::Ping => return Gathered::Ping,
        Endpoint::Static => return Gathered::Static,
        _ => {}
    }
    let asking = match own_endpoint {
        Endpoint::Auth(dialect) => Some(dialect),
        _ => None,
    };
    let peer = peer(exchange.request);
    let mut steps = Vec::with_capacity(6);
    let fields = exchange.fields();
    let authority = uri.authority().map(actix_web::http::uri::Authority::as_str);
    let origin = match origin::resolve(&peer, &fields, authority, &exchange.gateway().trusted) {
        Ok(origin) => origin,
        Err(error) => {
            return Gathered::Refused {
                decision: refuse(error.reason, asking, steps),
                host: None,
                client: peer.address,
            };
        }
    };
    exchange.gateway().unbelieved.note(peer.address, &origin);
    for header in &origin.ignored {
        steps.push(Step::Ignored { header });
    }
    let refused = |reason: Reason, host: &Target, steps: Vec<Step>| Gathered::Refused {
        decision: refuse(reason, asking, steps),
        host: Some(host.authority.to_string()),
        client: origin.client,
    };
    let own_target = own_target(exchange.request, &origin);
    if is_misdirected(exchange, &origin) {
        return refused(Reason::Misdirected, &own_target, steps);
    }
    let Original { target, method, source, host_claimed } =
        match original(exchange, asking, &own_target, &origin) {
            Ok(original) => original,
            Err(error) => return refused(error.reason, &own_target, steps),
        };
    steps.push(Step::Origin { source, peer_trusted: origin.peer_trusted });
    let ruleset = &exchange.snapshot.ruleset;
    let hints = OwnHints {
        akprox,
        has_cookie: &|name| !exchange.cookies(name).is_empty(),
        now: exchange.now,
    };
    let routed = ruleset.route_own(&target, &hints).map_or_else(|| ruleset.route(&target), Ok);
    let is_embedded = exchange.gateway().embedded.is_some();
    if is_embedded && asking.is_none() {
        let place = embedded::place(&target, akprox, routed.as_ref().map_err(|why| *why));
        if place != Place::Outpost {
            return Gathered::Core(CoreRequest { origin, target, place });
        }
    }
    if !exchange.snapshot.is_loaded() {
        return refused(Reason::NotReady, &target, steps);
    }
    let routed = match routed {
        Ok(routed) => routed,
        Err(_) if is_embedded && ruleset.providers().is_empty() => {
            return refused(Reason::NothingAssigned, &target, steps);
        }
        Err(unrouted) => return refused(unrouted.reason(), &target, steps),
    };
    if host_claimed && !ruleset.may_ask_about(&origin.host, &target, &routed, &hints) {
        return refused(Reason::HeadersDisagree, &target, steps);
    }
    let provider = match (routed.matched, routed.provider.at(&target.authority)) {
        (_, None) => Arc::clone(routed.provider),
        (Match::Wildcard, Some(there)) => Arc::new(there),
        // It would call back at, and send people to, whatever host the client has named.
        _ => return refused(Reason::NoProvider, &target, steps),
    };
    steps.push(Step::Route { matched: routed.matched, lost: routed.lost });
    let endpoint = endpoint::classify(&target.path, target.query.as_deref(), provider.own_paths());
    match endpoint {
        // Below an application's path: ours as they are at the root, and never the application's.
        Endpoint::Ping if asking.is_none() => return Gathered::Ping,
        Endpoint::Static if asking.is_none() => return Gathered::Static,
        _ => {}
    }
    let client = match ClientKind::of(&method, &fields) {
        ClientKind::UnsafeMethod
            if asking.is_none()
                && provider.mode == Mode::Proxy
                && kept_form::may_keep(exchange, &provider, &target) =>
        {
            ClientKind::Form
        }
        kind => kind,
    };
    Gathered::Facts {
        facts: Facts { origin, target, dialect: asking, endpoint, client, provider },
        steps,
    }
}

/// Whether the request came over a TLS connection that was made for another host.
fn is_misdirected(exchange: &Exchange<'_>, origin: &Origin) -> bool {
    let gateway = exchange.gateway();
    gateway.policy.check_server_name
        && Carried::of(exchange.request).is_some_and(|carried| {
            let server_name = carried.connection().server_name.as_deref();
            origin::server_name::misdirected(server_name, origin, |one, other| {
                gateway.certificates.load().same_certificate(one, other)
            })
        })
}

/// The URL this very request names.
fn own_target(request: &HttpRequest, origin: &Origin) -> Target {
    let uri = request.uri();
    Target {
        scheme: origin.scheme,
        authority: origin.authority.clone(),
        path: uri.path().to_owned(),
        query: uri.query().map(ToOwned::to_owned),
    }
}

fn original(
    exchange: &Exchange<'_>,
    asking: Option<Dialect>,
    own: &Target,
    origin: &Origin,
) -> Result<Original, DialectError> {
    match asking {
        Some(dialect) => {
            let asked = Asked {
                method: exchange.request.method().as_str(),
                path_and_query: &own.path_and_query(),
            };
            dialect.original(&exchange.fields(), &asked, origin)
        }
        None => Ok(Original {
            target: own.clone(),
            method: exchange.request.method().as_str().to_owned(),
            source: origin.source,
            host_claimed: false,
        }),
    }
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
