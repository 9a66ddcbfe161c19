//! The span of a request: whatever is logged on its way carries its id.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage, HttpRequest};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};
use uuid::Uuid;

/// Makes the span of each request. What became of it is said by `finish`, not here.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = id_of(request.request());
        tracing::info_span!("request", id)
    }

    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}

/// The id that finds log lines, page and decision of a request.
#[must_use]
pub fn id_of(request: &HttpRequest) -> String {
    let id = request.extensions().get::<RequestId>().map_or_else(Uuid::new_v4, |id| **id);
    id.simple().to_string()
}
