use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[derive(Debug, Default)]
struct Counted {
    exported: AtomicUsize,
    dropped: AtomicUsize,
    failed: AtomicUsize,
}

impl SpanWatch for Counted {
    fn exported(&self, spans: usize) {
        self.exported.fetch_add(spans, Ordering::Relaxed);
    }
    fn dropped(&self, spans: usize) {
        self.dropped.fetch_add(spans, Ordering::Relaxed);
    }
    fn failed(&self, spans: usize) {
        self.failed.fetch_add(spans, Ordering::Relaxed);
    }
}

fn context(sampled: bool) -> TraceContext {
    TraceContext::begin(TraceId::from_random([7; 16]), SpanId::from_random([8; 8]), sampled)
}

fn tracer(ratio: f64, capacity: usize) -> (Tracer, mpsc::Receiver<Finished>, Arc<Counted>) {
    let counted = Arc::new(Counted::default());
    let (tracer, spans) = Tracer::new(SampleRatio::new(ratio), capacity, counted.clone());
    (tracer, spans, counted)
}

#[test]
fn without_a_collector_a_caller_s_trace_is_passed_on_as_it_came() {
    let scope = Scope::root(None);
    assert!(scope.is_empty());
    let span = scope.begin("request", Kind::Server);
    assert!(!span.is_recorded() && span.scope().is_empty());

    let scope = scope.called_by(context(true), Some("a=b".into()));
    let span = scope.begin("request", Kind::Server);
    assert!(!span.is_recorded());
    assert_eq!(span.scope().context(), Some(context(true)));
    assert_eq!(span.scope().state(), Some("a=b"));
}

#[test]
fn spans_stand_below_each_other_in_the_caller_s_trace() {
    let (tracer, mut spans, _) = tracer(0.0, 10);
    // The caller decides, whatever our own ratio is.
    let scope = Scope::root(Some(tracer)).called_by(context(true), Some("a=b".into()));
    let mut server = scope.begin("request", Kind::Server);
    let mut client = server.scope().begin("upstream", Kind::Client);
    client.set("http.response.status_code", 502_u16);
    client.fail("connect");
    let told = client.scope().context().unwrap();
    server.rename("GET application".into());
    drop(client);
    drop(server);
    let (client, server) = (spans.try_recv().unwrap(), spans.try_recv().unwrap());
    assert_eq!(server.parent, Some(context(true).span));
    assert_eq!(client.parent, Some(server.context.span));
    assert_eq!(client.context, told);
    assert_eq!([client.context.trace, server.context.trace], [context(true).trace; 2]);
    assert_eq!((client.name.as_ref(), server.name.as_ref()), ("upstream", "GET application"));
    assert_eq!(client.failure, Some("connect"));
    assert_eq!(client.attributes, [("http.response.status_code", Value::Number(502))]);
    assert_eq!(client.state.as_deref(), Some("a=b"));
}

#[test]
fn a_trace_that_nobody_records_is_told_on_and_not_recorded() {
    let (tracer, mut spans, _) = tracer(1.0, 10);
    let scope = Scope::root(Some(tracer.clone())).called_by(context(false), None);
    let span = scope.begin("request", Kind::Server);
    assert!(!span.is_recorded());
    assert_eq!(span.scope().context(), Some(context(false)));
    drop(span);

    let (tracer, _, _) = self::tracer(0.0, 10);
    let span = Scope::root(Some(tracer)).begin("request", Kind::Server);
    let told = span.scope().context().unwrap();
    assert!(!span.is_recorded() && !told.is_sampled());
    assert!(spans.try_recv().is_err());
}

#[test]
fn each_trace_of_ours_is_another_and_what_is_discarded_is_gone() {
    let (tracer, mut spans, _) = tracer(1.0, 10);
    let scope = Scope::root(Some(tracer));
    let (one, other) = (scope.begin("a", Kind::Internal), scope.begin("b", Kind::Internal));
    assert_ne!(one.scope().trace_id(), other.scope().trace_id());
    one.discard();
    drop(other);
    assert_eq!(spans.try_recv().unwrap().name, "b");
    assert!(spans.try_recv().is_err());
}

#[test]
fn a_full_queue_costs_spans_and_a_count_and_no_time() {
    let (tracer, _spans, counted) = tracer(1.0, 2);
    let scope = Scope::root(Some(tracer));
    for _ in 0..5 {
        drop(scope.begin("a", Kind::Internal));
    }
    assert_eq!(counted.dropped.load(Ordering::Relaxed), 3);
}
