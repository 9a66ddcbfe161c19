//! The phases of a request, in order: take up, gather facts, look at credentials, decide,
//! realise, finish.
//!
//! The first four see the request as it came ([`first`]). What reverse proxies ask is answered then and
//! there, where the answer is yes; the rest of the way of a request that is forwarded is [`forward`]'s. Every
//! other one goes on to actix-web, and is [`serve`]'s.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use http::Response;
use outpost_decision::decide::{Inquiry, decide};
use outpost_decision::decision::Action;
use outpost_decision::facts::Peer;
use outpost_decision::gather::{self, Connection, Gathered, Hints, Received, Rules};
use outpost_decision::headers::TooLarge;
use tracing::Instrument as _;

use super::embedded::{self, StaticFile};
use super::exchange::{Account, Answer, Begun, Exchange, Judged, Passed};
use super::finish::{self, finish};
use super::{Worker, credentials, identity, proxy, realise, span};
use crate::carried::{AnswerBody, Carried};
use crate::downstream::{HeadAnswer, Next, Seen};
use crate::limits::Limit;
use crate::ops::metrics::InFlight;

/// What the first phases leave for the others.
struct Left {
    begun: Begun,
    judged: Option<Judged>,
    rest: Rest,
    in_flight: InFlight,
}

/// What is left to do.
enum Rest {
    /// To say why the request is not realised.
    Stop(Stopped),
    /// To forward it.
    Forward,
    /// To send this file of core's.
    File(Box<StaticFile>),
    /// To do what was decided.
    Realise,
}

impl Rest {
    const fn next(&self) -> Next {
        match self {
            Self::Forward => Next::Forward,
            Self::Stop(_) | Self::File(_) | Self::Realise => Next::App,
        }
    }
}

/// Why a request is not realised.
enum Stopped {
    /// Its headers are larger than the settings allow, in words.
    Headers(String),
    /// Its user has more identity than the application takes.
    Identity(TooLarge),
    /// A mistake of ours.
    Panic,
}

/// Takes a request up, decides, and answers a reverse proxy that asks and gets a yes. Everything else is
/// left with the request, for [`forward`] or [`serve`]. A request that was answered has ended in `finish`.
pub async fn first(worker: web::Data<Worker>, carried: &Carried) -> Seen {
    let worker = &**worker;
    let in_flight = worker.gateway.metrics.request_begun();
    let exchange = Exchange::begin(worker, carried);
    let mut judged = None;
    // Each part stays where it is made, here and below: to move it costs more than most of what it does.
    let answer = {
        let phases = pin!(phases(&exchange, &mut judged));
        AssertUnwindSafe(phases).catch_unwind().await
    };
    let answer = answer.unwrap_or_else(|_| {
        judged = None;
        Err(Rest::Stop(Stopped::Panic))
    });
    match answer {
        Ok((mut told, account)) => {
            finish::answered(exchange, judged, &mut told, account);
            Seen::Answered(told)
        }
        Err(rest) => {
            let next = rest.next();
            carried.leave(Left { begun: exchange.begun, judged, rest, in_flight });
            Seen::Left(next)
        }
    }
}

/// Decides, and says what is to be answered, or what is left to do. The decision is left in `judged`.
async fn phases(
    exchange: &Exchange<'_>,
    judged: &mut Option<Judged>,
) -> Result<(HeadAnswer, Account), Rest> {
    if let Some(what) = over_limits(exchange) {
        return Err(Rest::Stop(Stopped::Headers(what)));
    }
    let judging = pin!(judge(exchange, judged));
    // Nearly always at once: a span would cost more than all the rest.
    let judged = span::unless_at_once(judging, || exchange.log_span()).await;
    match checked(exchange, judged) {
        Some(answer) => answer.map_err(|error| Rest::Stop(Stopped::Identity(error))),
        None => Err(rest(exchange, judged).await),
    }
}

/// What is left to do for a request that is no check, or gets no yes.
async fn rest(exchange: &Exchange<'_>, judged: &Judged) -> Rest {
    match (judged, &exchange.gateway().embedded) {
        (Judged::Full { decision, .. }, _)
            if matches!(decision.action, Action::Allow | Action::Skip | Action::PassOwnPath) =>
        {
            Rest::Forward
        }
        (Judged::Core(request), Some(core)) => {
            let file = Box::pin(embedded::file(exchange, core, request)).await;
            file.map_or(Rest::Forward, |file| Rest::File(Box::new(file)))
        }
        _ => Rest::Realise,
    }
}

/// Forwards a request that [`first`] has left for that. Every path through here ends in `finish`.
pub async fn forward(worker: &Worker, carried: &Carried, body: Payload) -> Response<AnswerBody> {
    // Nobody has decided about a request that came by another way; there is none.
    let Some(Left { begun, judged, rest: Rest::Forward, in_flight: _in_flight }) =
        carried.take_left()
    else {
        return Passed::from(Answer::from(HttpResponse::InternalServerError().finish())).response;
    };
    let exchange = Exchange { worker, carried, begun };
    // Boxed as it is: each step around it would move it about, and have room for it twice.
    let forwarded = Box::pin(async {
        match &judged {
            Some(Judged::Full { facts, credentials, decision }) => {
                // Only `Allow` carries an identity: a skip rule lets everybody through as nobody.
                let is_somebody = matches!(decision.action, Action::Allow);
                let live = credentials.session.as_ref().filter(|_| is_somebody);
                proxy::forward(&exchange, facts, live, body).await
            }
            Some(Judged::Core(request)) => match &exchange.gateway().embedded {
                Some(core) => Box::pin(embedded::forward(&exchange, core, request, body)).await,
                None => panicked(&exchange).into(),
            },
            _ => panicked(&exchange).into(),
        }
    });
    // On its way nothing is said but to whoever looks for faults; what goes wrong is said within its span.
    let is_told = tracing::enabled!(target: "outpost::upstream", tracing::Level::DEBUG);
    let span = if is_told { exchange.log_span() } else { tracing::Span::none() };
    let forwarded = AssertUnwindSafe(forwarded.instrument(span)).catch_unwind().await;
    let answer = forwarded.unwrap_or_else(|_| panicked(&exchange).into());
    finish::passed(exchange, judged, answer)
}

/// Serves what else [`first`] has left. Every path through here ends in `finish`.
pub async fn serve(
    request: HttpRequest,
    body: web::Payload,
    worker: web::Data<Worker>,
) -> HttpResponse {
    // As above.
    let Some(carried) = Carried::of(&request) else {
        return HttpResponse::InternalServerError().finish();
    };
    let Some(Left { begun, judged, rest, in_flight: _in_flight }) = carried.take_left() else {
        return HttpResponse::InternalServerError().finish();
    };
    let exchange = Exchange { worker: &worker, carried: &carried, begun };
    let answer = match (rest, &judged) {
        (Rest::Stop(stopped), _) => stop(&exchange, judged.as_ref(), stopped),
        (Rest::File(file), _) => file.answer(&request).into(),
        (Rest::Realise, Some(judged)) => {
            let realised = realise::realise(&exchange, judged, body.into_inner());
            let realised = AssertUnwindSafe(realised).catch_unwind().await;
            realised.unwrap_or_else(|_| panicked(&exchange))
        }
        (Rest::Realise, None) | (Rest::Forward, _) => panicked(&exchange),
    };
    finish(exchange, judged, answer)
}

/// The log span of a request that goes on.
pub(super) fn left_span(carried: &Carried) -> Option<tracing::Span> {
    carried.look(|left: &Left| left.begun.log_span())
}

async fn judge<'j>(exchange: &Exchange<'_>, judged: &'j mut Option<Judged>) -> &'j Judged {
    judged.insert(match gather(exchange) {
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
    })
}

/// The answer to a reverse proxy that may let its request through; `None` to everything else.
fn checked(
    exchange: &Exchange<'_>,
    judged: &Judged,
) -> Option<Result<(HeadAnswer, Account), TooLarge>> {
    let Judged::Full { facts, credentials, decision } = judged else { return None };
    facts.dialect?;
    // Only `Allow` carries an identity: a skip rule lets everybody through as nobody.
    let live = match decision.action {
        Action::Allow => credentials.session.as_ref(),
        Action::Skip | Action::PassOwnPath => None,
        _ => return None,
    };
    Some(identity::answer(exchange, facts, live))
}

/// The answer to a request that is not realised.
fn stop(exchange: &Exchange<'_>, judged: Option<&Judged>, stopped: Stopped) -> Answer {
    match (stopped, judged) {
        (Stopped::Headers(what), _) => too_large(exchange, what),
        (Stopped::Identity(error), Some(Judged::Full { facts, .. })) => {
            identity::too_large(exchange, facts, &error)
        }
        (Stopped::Identity(_) | Stopped::Panic, _) => panicked(exchange),
    }
}

/// Header and cookie sizes beyond what the settings allow, in words: looked at before anything reads
/// them.
fn over_limits(exchange: &Exchange<'_>) -> Option<String> {
    let policy = &exchange.gateway().policy;
    // There cannot be more than was sent.
    if exchange.carried.length() <= policy.cookie_bytes.min(policy.header_bytes) {
        return None;
    }
    let (mut all, mut cookies) = (0, 0);
    for (name, value) in &exchange.carried.head().headers {
        all += name.as_str().len() + value.len();
        if name == http::header::COOKIE {
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
    Some(what)
}

fn too_large(exchange: &Exchange<'_>, what: String) -> Answer {
    let code = "headers_too_large";
    let page = exchange
        .problem(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            code,
            "Request headers too large",
            what,
        )
        .remedy("Delete the cookies of this site in your browser and try again.");
    Answer::from(page.page()).failed(code)
}

/// Facts: origin, dialect, route, endpoint, client kind. A failure here is a decision too.
fn gather(exchange: &Exchange<'_>) -> Gathered {
    let gateway = exchange.gateway();
    let head = exchange.carried.head();
    let peer = peer(exchange.carried);
    let received = Received {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query(),
        authority: head.uri.authority().map(http::uri::Authority::as_str),
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
    let same_certificate =
        |one: &str, other: &str| gateway.certificates.load().same_certificate(one, other);
    let connection = gateway.policy.check_server_name.then(|| Connection {
        server_name: exchange.carried.connection().server_name.as_deref(),
        same_certificate: &same_certificate,
    });
    let hints = Hints { has_cookie: &|name| !exchange.cookies(name).is_empty(), connection };
    let gathered = gather::gather(&received, &rules, &hints);
    if let Some(origin) = gathered.origin() {
        gateway.unbelieved.note(peer.address, origin, exchange.now);
    }
    gathered
}

/// The other end of the connection. A Unix socket has no address and counts as this machine.
pub(super) fn peer(carried: &Carried) -> Peer {
    let connection = carried.connection();
    let address = connection.peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip());
    Peer { address: address.to_canonical(), tls: connection.tls }
}

pub(super) fn panicked(exchange: &Exchange<'_>) -> Answer {
    let problem = exchange.problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "Internal error",
        "The outpost has made a mistake of its own; nothing was let through.",
    );
    Answer::from(problem.page()).failed("panic")
}
