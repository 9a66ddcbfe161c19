//! A collector of traces.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use outpost_demo::core::{CoreOptions, ProviderSpec};
use outpost_tests::{Post, Receiver, World};
use prost::Message as _;

/// A span as the collector understands it.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) state: String,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) failed: bool,
    pub(crate) nanoseconds: (u64, u64),
}

impl Span {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// An outpost whose traces go to a collector of its own.
pub(crate) async fn traced(variables: &[(&str, &str)]) -> (World, Receiver) {
    let collector = Receiver::start().await;
    let endpoint = format!("http://{}", collector.address());
    let mut all = vec![
        ("OUTPOST__TRACING__OTLP_ENDPOINT", endpoint.as_str()),
        ("OUTPOST__TRACING__EXPORT_INTERVAL", "10ms"),
    ];
    all.extend_from_slice(variables);
    let world = World::with(CoreOptions::default(), &all).await;
    // At `open.test` everybody sees the same application as at `app.test`.
    let open = ProviderSpec::proxy("open", &world.url("open.test", ""), &world.app.url());
    world.serve([world.proxy(), open.skip("^/")]).await;
    (world, collector)
}

/// All spans in what was posted.
pub(crate) fn spans(posts: &[Post]) -> Vec<Span> {
    requests(posts)
        .into_iter()
        .flat_map(|request| request.resource_spans)
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .map(|span| Span {
            trace: hex::encode(&span.trace_id),
            id: hex::encode(&span.span_id),
            parent: hex::encode(&span.parent_span_id),
            kind: span.kind(),
            failed: span.status.as_ref().is_some_and(|it| it.code() == StatusCode::Error),
            state: span.trace_state,
            name: span.name,
            attributes: pairs(&span.attributes),
            nanoseconds: (span.start_time_unix_nano, span.end_time_unix_nano),
        })
        .collect()
}

/// Attributes of the resource in each post.
pub(crate) fn resources(posts: &[Post]) -> Vec<Vec<(String, String)>> {
    requests(posts)
        .into_iter()
        .flat_map(|request| request.resource_spans)
        .filter_map(|spans| spans.resource)
        .map(|resource| pairs(&resource.attributes))
        .collect()
}

fn requests(posts: &[Post]) -> Vec<ExportTraceServiceRequest> {
    let decode = |post: &Post| ExportTraceServiceRequest::decode(post.body.as_slice()).unwrap();
    posts.iter().map(decode).collect()
}

fn pairs(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|it| it.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(switch)) => switch.to_string(),
        other => panic!("an attribute of another type: {other:?}"),
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(&pair.value))).collect()
}

/// Waits for a span for which `wanted` holds.
pub(crate) async fn span(collector: &Receiver, what: &str, wanted: impl Fn(&Span) -> bool) -> Span {
    collector.wait(what, |posts| spans(posts).into_iter().find(|span| wanted(span))).await
}
