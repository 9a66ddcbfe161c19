//! The answer to a request, as the HTTP libraries take it.

use actix_http::Payload;
use actix_http::body::{BodySize, BoxBody};
use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};

use super::connection::Context;
use super::{Next, Seen, request};
use crate::carried::{AnswerBody, Carried};

/// The answer of whoever sees the request first, else that of whom it was left to.
pub(super) async fn answer(
    context: &Context,
    carried: Carried,
    payload: Payload,
) -> Response<AnswerBody> {
    match (context.direct.first)(&carried).await {
        Seen::Answered(told) => {
            let answer = told.into_response().map(|()| AnswerBody::empty());
            with_length(answer, &carried.head().method)
        }
        Seen::Left(next) => rest(context, next, carried, payload).await,
    }
}

/// The answer to a request that whoever sees it first has left to others.
pub(super) async fn rest(
    context: &Context,
    next: Next,
    carried: Carried,
    payload: Payload,
) -> Response<AnswerBody> {
    let method = carried.head().method.clone();
    let answer = match next {
        Next::Forward => (context.direct.forward)(carried, payload).await,
        Next::App => adapt(match request::adapt(payload, carried) {
            Ok(request) => (context.app)(request).await,
            Err(request::Unreadable) => actix_http::Response::bad_request(),
        }),
    };
    with_length(answer, &method)
}

/// An answer of actix-web's.
pub fn adapt(answer: actix_http::Response<BoxBody>) -> Response<AnswerBody> {
    let mut head = Response::new(());
    // Both crates allow 100 to 999.
    *head.status_mut() =
        StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    copy_headers(answer.headers(), head.headers_mut());
    head.map(|()| AnswerBody::new(answer.into_body(), None))
}

/// Without a body, its length is said all the same (RFC 9110 9.3.2).
fn with_length(mut answer: Response<AnswerBody>, method: &Method) -> Response<AnswerBody> {
    if method == Method::HEAD
        && let BodySize::Sized(length) = answer.body().size()
    {
        answer.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    answer
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
