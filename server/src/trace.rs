//! Traces: what took how long on the way of a request, for a collector that speaks OTLP.
//!
//! A [`Scope`] is a place in a trace; what is done there begins a [`Span`] of it. Spans end when
//! they are dropped and go to a bounded queue, which the exporter empties on another thread:
//! nobody waits for a collector. Without a collector there is no [`Tracer`], a scope is two empty
//! pointers, and nothing is measured or allocated; what a believed caller said of its trace is
//! passed on all the same.

pub mod export;
mod otlp;
mod span;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use outpost_decision::trace_context::{SampleRatio, SpanId, TraceContext, TraceId};
use tokio::sync::mpsc;

pub use self::span::{Finished, Kind, Span, Value};
use crate::randomness;

/// Told of spans that could not be kept.
pub trait SpanWatch: fmt::Debug + Send + Sync {
    /// This many went to the collector.
    fn exported(&self, spans: usize);
    /// This many found the queue full.
    fn dropped(&self, spans: usize);
    /// This many were lost with a collector that did not take them.
    fn failed(&self, spans: usize);
}

/// Where spans go. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tracer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ratio: SampleRatio,
    queue: mpsc::Sender<Finished>,
    watch: Arc<dyn SpanWatch>,
}

impl Tracer {
    /// A tracer that records `ratio` of the traces that begin here, and what it has recorded. At
    /// most `capacity` spans wait; more are dropped.
    #[must_use]
    pub fn new(
        ratio: SampleRatio,
        capacity: usize,
        watch: Arc<dyn SpanWatch>,
    ) -> (Self, mpsc::Receiver<Finished>) {
        let (queue, finished) = mpsc::channel(capacity.max(1));
        (Self(Arc::new(Inner { ratio, queue, watch })), finished)
    }

    fn take(&self, span: Finished) {
        if self.0.queue.try_send(span).is_err() {
            self.0.watch.dropped(1);
        }
    }

    /// The context of a span below `parent`, or of the first span of a trace. `None` where the
    /// system has no randomness: then it is not traced.
    fn next(&self, parent: Option<TraceContext>) -> Option<TraceContext> {
        match parent {
            // Nobody records its parts: there is nothing to tell apart.
            Some(parent) if !parent.is_sampled() => Some(parent),
            Some(parent) => {
                let span = SpanId::from_random(randomness::bytes().ok()?);
                Some(parent.child(span))
            }
            None => {
                let trace = TraceId::from_random(randomness::bytes().ok()?);
                let span = SpanId::from_random(randomness::bytes().ok()?);
                Some(TraceContext::begin(trace, span, self.0.ratio.takes(trace)))
            }
        }
    }
}

/// A place in a trace, or where one may begin. Cheap to clone, most of all an empty one.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    tracer: Option<Tracer>,
    context: Option<TraceContext>,
    state: Option<Arc<str>>,
}

impl Scope {
    /// Where a trace begins, if there is a tracer.
    #[must_use]
    pub const fn root(tracer: Option<Tracer>) -> Self {
        Self { tracer, context: None, state: None }
    }

    /// The same place for a caller who said where it stands.
    #[must_use]
    pub fn called_by(self, context: TraceContext, state: Option<String>) -> Self {
        Self { context: Some(context), state: state.map(Arc::from), ..self }
    }

    /// Whether spans are recorded at all.
    #[must_use]
    pub const fn is_traced(&self) -> bool {
        self.tracer.is_some()
    }

    /// Whether there is anything to record, or to pass on.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tracer.is_none() && self.context.is_none()
    }

    /// The trace, where there is one.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.context.map(|context| context.trace)
    }

    /// What whoever is called from here is told in `traceparent`.
    #[must_use]
    pub const fn context(&self) -> Option<TraceContext> {
        self.context
    }

    /// What whoever is called from here is told in `tracestate`.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The headers that tell whoever is called from here.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let parent = self.context.map(|context| ("traceparent", context.to_string()));
        let state = self.state().map(|state| ("tracestate", state.to_owned()));
        parent.into_iter().chain(state)
    }

    /// Begins a span here. It ends when it is dropped.
    #[must_use]
    pub fn begin(&self, name: &'static str, kind: Kind) -> Span {
        let Some(tracer) = &self.tracer else { return Span::passing(self.clone()) };
        let Some(context) = tracer.next(self.context) else { return Span::passing(self.clone()) };
        let scope = Self { context: Some(context), ..self.clone() };
        if !context.is_sampled() {
            return Span::passing(scope);
        }
        let parent = self.context.map(|parent| parent.span);
        Span::recorded(tracer.clone(), scope, context, parent, (name, kind))
    }
}
