//! The upstream's answer on its way to the client.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRAILER, UPGRADE,
};
use http::response::Parts;
use http::{Method, Response, StatusCode, Version};
use hyper::body::Body as _;
use thiserror::Error;
use tokio::time::Sleep;

use super::Ended;
use super::exchange::Exchange;
use super::incoming::{Failure, Incoming};
use super::protocol::{GRPC, begins, is_hop_by_hop, tokens};
use super::trailers::{of_answer, of_answer_announced};
use crate::carried::{AnswerBody, Trailers};

/// What `X-Powered-By` says on every answer (contract 12).
const POWERED_BY: &str = "goauthentik.io";

const X_POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");

/// Answers with what the upstream answered; its body follows as the client takes it.
pub(super) fn pass_on(
    method: &Method,
    mut head: Parts,
    incoming: Incoming,
    exchange: Rc<Exchange>,
    idle: Duration,
    ended: Option<Ended>,
) -> Response<AnswerBody> {
    let status = head.status;
    let size = if method == Method::HEAD {
        // The length is that of the body a GET would have had.
        content_length(&head.headers).map_or(BodySize::None, BodySize::Sized)
    } else if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        BodySize::None
    } else {
        incoming.size_hint().exact().map_or(BodySize::Stream, BodySize::Sized)
    };
    let has_body = method != Method::HEAD && !matches!(size, BodySize::None);
    // An answer that is over has its trailers in the head, if any (gRPC's "Trailers-Only"), and
    // must be over for the client, too.
    let trails = has_body
        && !incoming.is_end_stream()
        && (size == BodySize::Stream || head.version == Version::HTTP_2);
    let trailers = trails.then(Trailers::default);
    let body = Answer {
        incoming: has_body.then_some(incoming),
        size,
        trailers: trailers.clone(),
        exchange,
        idle,
        timer: None,
        ended,
    };

    let announced = trailers.as_ref().and_then(|_| of_answer_announced(&head.headers));
    // The length is for whoever sends the answer to say.
    keep_headers(&mut head.headers, |name| {
        let asks_upgrade = name == UPGRADE && status == StatusCode::UPGRADE_REQUIRED;
        name != CONTENT_LENGTH && (asks_upgrade || !is_hop_by_hop(name.as_str()))
    });
    if let Some(announced) = announced {
        head.headers.insert(TRAILER, announced);
    }
    of_the_client(head, AnswerBody::new(BoxBody::new(body), trailers))
}

/// Answers 101 with the upstream's own headers; the tunnel is opened beside it.
pub(super) fn switch(mut head: Parts) -> Response<AnswerBody> {
    keep_headers(&mut head.headers, |name| {
        name == UPGRADE || (!is_hop_by_hop(name.as_str()) && name != CONTENT_LENGTH)
    });
    head.headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    of_the_client(head, AnswerBody::empty())
}

/// The version and whatever hyper notes beside the head are of the connection to the upstream.
fn of_the_client(head: Parts, body: AnswerBody) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    response
}

/// Whether the answer is one that rests for long times by nature.
pub(super) fn rests(head: &Parts) -> bool {
    is_event_stream(head) || is_of_kind(head, GRPC)
}

/// Whether the answer is a stream of events: it ends when its client or the application goes.
pub(super) fn is_event_stream(head: &Parts) -> bool {
    is_of_kind(head, "text/event-stream")
}

fn is_of_kind(head: &Parts, kind: &str) -> bool {
    let found = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    found.is_some_and(|found| begins(found, kind))
}

/// Takes out what does not `pass`, and what the upstream's connection alone is about, and names us.
fn keep_headers(headers: &mut HeaderMap, pass: impl Fn(&HeaderName) -> bool) {
    let of_connection: Vec<HeaderName> = tokens(headers, CONNECTION)
        .filter(|name| !name.eq_ignore_ascii_case(UPGRADE.as_str()))
        .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .collect();
    let gone = headers.keys().filter(|name| of_connection.contains(name) || !pass(name));
    let gone: Vec<HeaderName> = gone.cloned().collect();
    for name in gone {
        headers.remove(name);
    }
    headers.insert(X_POWERED_BY, HeaderValue::from_static(POWERED_BY));
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// The body of an answer, read from the upstream only when the client has room for more.
struct Answer {
    /// `None` where the answer has a length but no body.
    incoming: Option<Incoming>,
    size: BodySize,
    /// Where trailers go, if there can be some.
    trailers: Option<Trailers>,
    exchange: Rc<Exchange>,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    ended: Option<Ended>,
}

/// Why an answer broke off. The client notices by its connection being cut: an end that looks
/// regular would make half an answer look whole.
#[derive(Debug, Error)]
enum BrokenOff {
    #[error("the upstream broke off its answer: {0}")]
    Upstream(#[from] Failure),
    #[error("nothing moved for {} s", .0.as_secs_f32())]
    Idle(Duration),
    #[error("the session ended")]
    SessionEnded,
}

impl Answer {
    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<BrokenOff> {
        let deadline = self.exchange.deadline(self.idle);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        while timer.as_mut().poll(cx).is_ready() {
            let deadline = self.exchange.deadline(self.idle);
            if deadline <= timer.deadline() {
                return Poll::Ready(BrokenOff::Idle(self.idle));
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

impl MessageBody for Answer {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        let broken = if this.ended.as_mut().is_some_and(|ended| ended.as_mut().poll(cx).is_ready())
        {
            BrokenOff::SessionEnded
        } else {
            loop {
                match Pin::new(&mut *incoming).poll_frame(cx) {
                    Poll::Ready(Some(Ok(frame))) => {
                        this.exchange.touch();
                        match (frame.into_data(), &this.trailers) {
                            (Ok(bytes), _) => return Poll::Ready(Some(Ok(bytes))),
                            (Err(frame), Some(trailers)) => {
                                if let Ok(sent) = frame.into_trailers() {
                                    trailers.set(of_answer(sent));
                                }
                            }
                            (Err(_), None) => {}
                        }
                    }
                    Poll::Ready(None) => {
                        this.incoming = None;
                        this.exchange.finish();
                        return Poll::Ready(None);
                    }
                    Poll::Ready(Some(Err(error))) => break error.into(),
                    Poll::Pending => match this.poll_limits(cx) {
                        Poll::Ready(broken) => break broken,
                        Poll::Pending => return Poll::Pending,
                    },
                }
            }
        };
        this.incoming = None;
        this.exchange.finish();
        tracing::debug!(error = %broken, "an answer broke off");
        Poll::Ready(Some(Err(broken.into())))
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.exchange.finish();
    }
}
