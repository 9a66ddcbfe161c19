//! The last phase, on every path: one event gives the log line, the figures and the journal entry.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{HeaderName as WebHeaderName, HeaderValue as WebHeaderValue};
use bytes::Bytes;
use http::{HeaderValue, Method, Response};
use outpost_decision::facts::Headers;
use outpost_decision::target::Target;

use super::exchange::{Account, Answer, Exchange, Judged, Passed};
use super::pipeline::peer;
use super::record;
use super::span::{NAMED_REQUEST_ID, REQUEST_ID};
use crate::carried::AnswerBody;
use crate::downstream::HeadAnswer;
use crate::ops::chosen_headers::ChosenHeaders;
use crate::ops::event::{Decided, RequestEvent, RequestKind};
use crate::ops::finish::Finish;
use crate::ops::forwarding::Forwarding;
use crate::ops::masking::{MaskedPath, cut};
use crate::trace::Span;

/// Records what became of a request that actix-web has served and hands its answer on. An answer that
/// streams is recorded when it ends, others at once.
pub fn finish(exchange: Exchange<'_>, judged: Option<Judged>, answer: Answer) -> HttpResponse {
    let Answer { mut response, account } = answer;
    if let Ok(id) = WebHeaderValue::from_str(&exchange.id) {
        response.headers_mut().insert(WebHeaderName::from_static(REQUEST_ID), id);
    }
    let (status, size) = (response.status().as_u16(), response.body().size());
    match Ending::after(exchange, judged, status, account, size) {
        Some(ending) => response.map_body(|_, body| ending.of(body)),
        None => response,
    }
}

/// The same of a request that was to be forwarded.
pub fn passed(
    exchange: Exchange<'_>,
    judged: Option<Judged>,
    answer: Passed,
) -> Response<AnswerBody> {
    let Answer { mut response, account } = answer;
    if let Ok(id) = HeaderValue::from_str(&exchange.id) {
        response.headers_mut().insert(NAMED_REQUEST_ID, id);
    }
    let (status, size) = (response.status().as_u16(), response.body().size());
    match Ending::after(exchange, judged, status, account, size) {
        Some(ending) => response.map(|body| body.map(|body| ending.of(body))),
        None => response,
    }
}

/// Records what became of a request that was answered with this head alone.
pub fn answered(
    exchange: Exchange<'_>,
    judged: Option<Judged>,
    told: &mut HeadAnswer,
    account: Account,
) {
    if let Ok(id) = HeaderValue::from_str(&exchange.id) {
        told.set(NAMED_REQUEST_ID, id);
    }
    let route = record::route(judged.as_ref());
    let mut event = event(&exchange, judged, told.status().as_u16(), account);
    event.bytes = Some(0);
    record::end(exchange.begun.span, &event, route);
    exchange.worker.gateway.record.record(event);
}

/// What is to be said of a request whose answer is there.
fn event(
    exchange: &Exchange<'_>,
    judged: Option<Judged>,
    status: u16,
    account: Account,
) -> RequestEvent {
    let Account { user, upstream, failure, identity } = account;
    let fields = exchange.fields();
    let uri = &exchange.carried.head().uri;
    let own_path = || MaskedPath::new(uri.path_and_query().map_or("/", |path| path.as_str()));
    let own_host =
        || cut(fields.text("host").or_else(|| uri.host()).unwrap_or_default()).to_owned();
    let headers =
        ChosenHeaders::pick(&exchange.gateway().logged_headers, |name| fields.nth(name, 0));
    let answered = exchange.began.elapsed();
    let peer = peer(exchange.carried).address;
    let mut event = RequestEvent {
        at: exchange.now,
        decision_id: judged.is_some().then(|| Arc::clone(&exchange.id)),
        request_id: Arc::clone(&exchange.id),
        trace_id: exchange.scope().trace_id(),
        kind: RequestKind::App,
        method: method(exchange.method()),
        host: String::new(),
        scheme: None,
        path: MaskedPath::default(),
        provider: None,
        decided: None,
        status,
        answered,
        duration: answered,
        peer,
        peer_trusted: exchange.gateway().trusted.networks.contains(peer),
        forwarding: forwarding(exchange),
        generation: exchange.snapshot.generation,
        client: None,
        user,
        upstream,
        failure,
        bytes: None,
        headers,
    };
    match judged {
        Some(Judged::Ping) => event.kind = RequestKind::Ping,
        Some(Judged::Static) => event.kind = RequestKind::Static,
        Some(Judged::Core(request)) => {
            event.client = Some(request.origin.client);
            event.host = request.target.authority.text();
        }
        Some(Judged::Refused(refused)) => {
            event.client = Some(refused.client);
            event.host = refused.host().unwrap_or_else(own_host);
            if let Some((_, target)) = &refused.about {
                event.scheme = Some(target.scheme);
                event.path = masked(target);
            }
            event.decided = Some(Decided::from(refused.decision));
        }
        Some(Judged::Full { facts, decision, .. }) => {
            event.client = Some(facts.origin.client);
            event.host = facts.target.authority.text();
            event.scheme = Some(facts.target.scheme);
            event.path = masked(&facts.target);
            event.provider = Some(facts.provider);
            event.decided = Some(Decided::from(decision).with_identity(identity));
        }
        None => {}
    }
    if event.host.is_empty() {
        event.host = own_host();
    }
    if event.path.as_str().is_empty() {
        event.path = own_path();
    }
    event
}

fn masked(target: &Target) -> MaskedPath {
    MaskedPath::of(&target.path, target.query.as_deref())
}

/// A method as it is noted. Those that nearly all requests have take no memory.
fn method(method: &Method) -> Cow<'static, str> {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = method.as_str();
    let known = known.into_iter().find(|known| *known == method);
    known.map_or_else(|| Cow::Owned(cut(method).to_owned()), Cow::Borrowed)
}

/// What the request says of where it came from and went to.
fn forwarding(exchange: &Exchange<'_>) -> Forwarding {
    let headers = exchange.carried.head().headers.iter();
    Forwarding::pick(headers.map(|(name, value)| (name.as_str(), value.as_bytes())))
}

/// A body whose end, by whatever cause, is the end of its request.
struct Recorded {
    body: BoxBody,
    ending: Ending,
}

/// What is to be recorded when a body has ended.
struct Ending {
    began: Instant,
    bytes: u64,
    ends: Option<(RequestEvent, Span)>,
    route: &'static str,
    record: Finish,
}

impl Ending {
    /// Records an answer whose length is known; `None` then.
    fn after(
        exchange: Exchange<'_>,
        judged: Option<Judged>,
        status: u16,
        account: Account,
        size: BodySize,
    ) -> Option<Self> {
        let route = record::route(judged.as_ref());
        let event = event(&exchange, judged, status, account);
        let began = exchange.began;
        let record = exchange.worker.gateway.record.clone();
        let ends = Some((event, exchange.begun.span));
        let mut ending = Self { began, bytes: 0, ends, route, record };
        if size == BodySize::Stream {
            return Some(ending);
        }
        if let BodySize::Sized(bytes) = size {
            ending.bytes = bytes;
        }
        None
    }

    fn of(self, body: BoxBody) -> BoxBody {
        BoxBody::new(Recorded { body, ending: self })
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some((mut event, span)) = self.ends.take() {
            event.duration = self.began.elapsed();
            event.bytes = Some(self.bytes);
            record::end(span, &event, self.route);
            self.record.record(event);
        }
    }
}

impl MessageBody for Recorded {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_next(context);
        if let Poll::Ready(Some(Ok(bytes))) = &polled {
            this.ending.bytes += bytes.len() as u64;
        }
        polled
    }
}
