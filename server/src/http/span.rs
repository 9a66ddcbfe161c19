//! The beginning of a request's telemetry: its id, its place in a trace, and the log span that
//! puts both on every line.
//!
//! Id and place are given once, when the request comes. The span is made where something may be logged
//! in it: for a request that goes on to actix-web, or is not decided at once.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use http::{HeaderMap, HeaderName, HeaderValue};
use outpost_decision::request_id;
use outpost_decision::trace_context::{TraceContext, trace_state};
use tracing::Instrument as _;
use tracing_actix_web::RootSpanBuilder;
use uuid::{Builder, Uuid};

use super::Worker;
use super::pipeline::{left_span, peer};
use crate::carried::Carried;
use crate::trace::{Kind, Scope, Span, Tracer};

/// Header of the id that finds everything of a request.
pub const REQUEST_ID: &str = "x-request-id";

/// Header of a caller's place in a trace.
pub const TRACEPARENT: &str = "traceparent";

/// Header of what other tracing systems carry along.
pub const TRACESTATE: &str = "tracestate";

/// The same as names that need not be read.
pub(super) const NAMED_REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID);
const NAMED_TRACEPARENT: HeaderName = HeaderName::from_static(TRACEPARENT);

/// Whose word on ids and traces is taken, and where traces go.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// Whose word is taken.
    pub believe: Believe,
    /// Where spans go, if anywhere.
    pub tracer: Option<Tracer>,
}

/// Whose `traceparent`, `tracestate` and `X-Request-ID` are taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Believe {
    /// Trusted proxies'.
    #[default]
    Trusted,
    /// Everybody's.
    Everybody,
    /// Nobody's.
    Nobody,
}

/// The id of a request and its span.
#[derive(Debug)]
pub struct Identity {
    /// Finds log lines, page and decision of the request.
    pub id: Arc<str>,
    /// The request as traces show it.
    pub span: Span,
}

impl Identity {
    /// Takes over what a believed caller says of itself, and gives what is missing.
    #[must_use]
    fn new(headers: &HeaderMap, believed: bool, tracer: Option<&Tracer>, own: Uuid) -> Self {
        let values =
            |name: &HeaderName| headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
        let given = if believed { request_id::accept(values(&NAMED_REQUEST_ID)) } else { None };
        let id = match given {
            Some(given) => Arc::from(given),
            None => Arc::from(&*own.simple().encode_lower(&mut Uuid::encode_buffer())),
        };
        let mut scope = Scope::root(tracer.cloned());
        if believed && let Some(context) = TraceContext::parse(values(&NAMED_TRACEPARENT)) {
            scope =
                scope.called_by(context, trace_state(values(&HeaderName::from_static(TRACESTATE))));
        }
        Self { id, span: scope.begin("request", Kind::Server) }
    }

    /// The identity of a request that has come.
    #[must_use]
    pub fn of(worker: &Worker, carried: &Carried) -> Self {
        let gateway = &worker.gateway;
        // It is a name, and opens nothing: without randomness there is one for all.
        let own = Builder::from_random_bytes(worker.ids.take().unwrap_or_default());
        let Telemetry { believe, tracer } = &gateway.telemetry;
        let believed = match believe {
            Believe::Trusted => gateway.trusted.networks.contains(peer(carried).address),
            Believe::Everybody => true,
            Believe::Nobody => false,
        };
        Self::new(&carried.head().headers, believed, tracer.as_ref(), own.into_uuid())
    }
}

/// The span of the log's lines about a request.
pub(super) fn of_log(id: &str, span: &Span) -> tracing::Span {
    match span.scope().trace_id() {
        Some(trace) => tracing::info_span!("request", id, trace_id = %trace),
        None => tracing::info_span!("request", id),
    }
}

/// Does `work`. What is not done at once goes on within a log span.
pub(super) async fn unless_at_once<F: Future>(
    mut work: Pin<&mut F>,
    span: impl FnOnce() -> tracing::Span,
) -> F::Output {
    match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        Poll::Ready(done) => done,
        Poll::Pending => work.instrument(span()).await,
    }
}

/// Makes the log span of each request that goes on to actix-web. What became of it is said by `finish`,
/// not here.
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> tracing::Span {
        let carried = Carried::of(request.request());
        carried.and_then(|carried| left_span(&carried)).unwrap_or_else(tracing::Span::none)
    }

    fn on_request_end<B: MessageBody>(_: tracing::Span, _: &Result<ServiceResponse<B>, Error>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_believed_caller_s_id_and_trace_are_taken_over_and_others_are_given_new_ones() {
        let sent =
            headers(&[("x-request-id", "theirs"), ("traceparent", PARENT), ("tracestate", "a=b")]);
        let own = Uuid::new_v4();
        let believed = Identity::new(&sent, true, None, own);
        assert_eq!(&*believed.id, "theirs");
        let scope = believed.span.scope();
        assert_eq!(scope.context().unwrap().to_string(), PARENT);
        assert_eq!(scope.state(), Some("a=b"));

        let other = Identity::new(&sent, false, None, own);
        assert_eq!(&*other.id, own.simple().to_string());
        assert!(other.span.scope().is_empty());
    }

    #[test]
    fn an_id_that_could_do_harm_and_a_trace_that_is_none_are_replaced() {
        let sent = headers(&[
            ("x-request-id", "a b"),
            ("traceparent", "00-zz-00f067aa0ba902b7-01"),
            ("tracestate", "a=b"),
        ]);
        let identity = Identity::new(&sent, true, None, Uuid::nil());
        assert_eq!(&*identity.id, "0".repeat(32));
        assert!(identity.span.scope().is_empty() && identity.span.scope().state().is_none());
    }
}
