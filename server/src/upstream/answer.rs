//! The upstream's answer on its way to the client.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CONNECTION, HeaderName, HeaderValue, TRAILER};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use http::response::Parts;
use hyper::body::{Body, Incoming};
use thiserror::Error;
use tokio::time::Sleep;

use super::Ended;
use super::exchange::Exchange;
use super::protocol::{GRPC, begins, is_hop_by_hop, listed};
use super::trailers::{of_answer, of_answer_announced};
use crate::carried::Trailers;

/// What `X-Powered-By` says on every answer (contract 12).
const POWERED_BY: &str = "goauthentik.io";

/// Answers with what the upstream answered; its body follows as the client takes it.
pub(super) fn pass_on(
    request: &HttpRequest,
    head: &Parts,
    incoming: Incoming,
    exchange: Rc<Exchange>,
    idle: Duration,
    ended: Option<Ended>,
) -> HttpResponse {
    let status = status(head);
    let announced = content_length(head);
    let (size, keep_length) = if request.method() == Method::HEAD {
        // The length is that of the body a GET would have had.
        (announced.map_or(BodySize::None, BodySize::Sized), false)
    } else if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        (BodySize::None, status == StatusCode::NOT_MODIFIED)
    } else {
        (incoming.size_hint().exact().map_or(BodySize::Stream, BodySize::Sized), false)
    };
    let has_body = request.method() != Method::HEAD && !matches!(size, BodySize::None);
    // An answer that is over has its trailers in the head, if any (gRPC's "Trailers-Only"), and
    // must be over for the client, too.
    let trails = has_body
        && !incoming.is_end_stream()
        && (size == BodySize::Stream || head.version == http::Version::HTTP_2);
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

    let mut response = HttpResponse::with_body(status, body);
    copy_headers(head, &mut response, |name| {
        (!is_hop_by_hop(name) || (name == "upgrade" && status == StatusCode::UPGRADE_REQUIRED))
            && (keep_length || name != "content-length")
    });
    if let Some(trailers) = trailers {
        let announced = of_answer_announced(&head.headers);
        if let Some(announced) = announced.and_then(|v| HeaderValue::from_bytes(v.as_bytes()).ok())
        {
            response.headers_mut().insert(TRAILER, announced);
        }
        response.extensions_mut().insert(trailers);
    }
    response.map_into_boxed_body()
}

/// Answers 101 with the upstream's own headers; the tunnel is opened beside it.
pub(super) fn switch(head: &Parts) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::SWITCHING_PROTOCOLS);
    copy_headers(head, &mut response, |name| {
        name == "upgrade" || (!is_hop_by_hop(name) && name != "content-length")
    });
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
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
    let found = head.headers.get(http::header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    found.is_some_and(|found| begins(found, kind))
}

fn copy_headers<B>(head: &Parts, response: &mut HttpResponse<B>, pass: impl Fn(&str) -> bool) {
    let of_connection: Vec<&str> = listed(&head.headers, http::header::CONNECTION)
        .filter(|name| !name.eq_ignore_ascii_case("upgrade"))
        .collect();
    let ours = response.headers_mut();
    for (name, value) in &head.headers {
        let listed = of_connection.iter().any(|listed| listed.eq_ignore_ascii_case(name.as_str()));
        if listed || !pass(name.as_str()) {
            continue;
        }
        // Both crates allow the same names and values; a difference would drop one header.
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_str().as_bytes()),
            HeaderValue::from_bytes(value.as_bytes()),
        ) {
            ours.append(name, value);
        }
    }
    ours.insert(HeaderName::from_static("x-powered-by"), HeaderValue::from_static(POWERED_BY));
}

fn status(head: &Parts) -> StatusCode {
    // Both crates allow 100 to 999.
    StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY)
}

fn content_length(head: &Parts) -> Option<u64> {
    head.headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
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
    Upstream(#[from] hyper::Error),
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
