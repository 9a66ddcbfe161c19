//! The answer to a request, as the HTTP libraries take it.

use std::io;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use actix_http::Payload;
use actix_http::body::{BodySize, BoxBody, MessageBody};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use hyper::body::{Body, Frame, SizeHint};

use super::connection::Context;
use super::request;
use crate::carried::{Carried, Trailers};

/// The answer of whoever sees the request first, else that of the application: its head, and its
/// body.
pub(super) async fn answer(
    context: &Context,
    carried: Carried,
    payload: Payload,
) -> (http::Response<()>, AnswerBody) {
    if let Some(told) = (context.first)(&carried).await {
        return with_length(told.into_response(), AnswerBody::empty(), &carried.head().method);
    }
    rest(context, carried, payload).await
}

/// The answer of the application to a request that whoever sees it first has left to it.
pub(super) async fn rest(
    context: &Context,
    carried: Carried,
    payload: Payload,
) -> (http::Response<()>, AnswerBody) {
    let method = carried.head().method.clone();
    let answer = match request::adapt(payload, carried) {
        Ok(request) => (context.app)(request).await,
        Err(request::Unreadable) => actix_http::Response::bad_request(),
    };
    adapt(answer, &method)
}

/// The head and the body of an answer of actix-web's. `method` is that of the request.
pub(super) fn adapt(
    answer: actix_http::Response<BoxBody>,
    method: &Method,
) -> (http::Response<()>, AnswerBody) {
    let mut head = http::Response::new(());
    // Both crates allow 100 to 999.
    *head.status_mut() =
        StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    copy_headers(answer.headers(), head.headers_mut());
    let trailers = answer.extensions().get::<Trailers>().cloned();
    let body = answer.into_body();
    let size = body.size();
    with_length(head, AnswerBody { body, size, trailers }, method)
}

/// Without a body, its length is said all the same (RFC 9110 9.3.2).
fn with_length(
    mut head: http::Response<()>,
    body: AnswerBody,
    method: &Method,
) -> (http::Response<()>, AnswerBody) {
    if method == Method::HEAD
        && let BodySize::Sized(length) = body.size
    {
        head.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    (head, body)
}

fn copy_headers(theirs: &actix_http::header::HeaderMap, ours: &mut HeaderMap) {
    ours.reserve(theirs.len() + 2);
    // One allocation for all values, of which each is a part.
    let mut values = BytesMut::with_capacity(theirs.iter().map(|(_, value)| value.len()).sum());
    for (_, value) in theirs {
        values.extend_from_slice(value.as_bytes());
    }
    let mut values = values.freeze();
    for (name, value) in theirs {
        let bytes = values.split_to(value.len());
        // Both crates allow the same names and values; a difference would drop one header.
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_str().as_bytes()),
            HeaderValue::from_maybe_shared(bytes),
        ) {
            ours.append(name, value);
        }
    }
}

/// The body of an answer.
pub(super) struct AnswerBody {
    body: BoxBody,
    size: BodySize,
    trailers: Option<Trailers>,
}

impl AnswerBody {
    /// That of an answer which is all head.
    fn empty() -> Self {
        Self { body: BoxBody::new(()), size: BodySize::Sized(0), trailers: None }
    }

    /// Whether there is nothing to send after the head.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.size, BodySize::None | BodySize::Sized(0)) && self.trailers.is_none()
    }

    /// The next bytes.
    pub(super) fn poll_data(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        if matches!(self.size, BodySize::None) {
            return Poll::Ready(None);
        }
        // The cause is not sent to anybody, and need not be sent between threads.
        Pin::new(&mut self.body).poll_next(cx).map(|next| {
            next.map(|bytes| bytes.map_err(|error| io::Error::other(error.to_string())))
        })
    }

    /// What follows the last byte; to be called after it.
    pub(super) fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()?.take()
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match this.poll_data(cx) {
            Poll::Ready(Some(Ok(bytes))) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => {
                this.size = BodySize::None;
                Poll::Ready(this.take_trailers().map(|trailers| Ok(Frame::trailers(trailers))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.size {
            BodySize::None => SizeHint::with_exact(0),
            BodySize::Sized(length) => SizeHint::with_exact(length),
            BodySize::Stream => SizeHint::default(),
        }
    }
}
