//! One span: something that was done, from when to when.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use outpost_decision::trace_context::{SpanId, TraceContext};

use super::{Scope, Tracer};
use crate::clock;

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Work within the program.
    Internal,
    /// A request that was answered.
    Server,
    /// A request that was made.
    Client,
}

/// Value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
    /// Yes or no.
    Switch(bool),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value {
    fn from(switch: bool) -> Self {
        Self::Switch(switch)
    }
}

/// A span that is over.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its place.
    pub context: TraceContext,
    /// The span that it is a part of.
    pub parent: Option<SpanId>,
    /// What other tracing systems want to be told.
    pub state: Option<Arc<str>>,
    /// What was done; of a small set.
    pub name: Cow<'static, str>,
    /// Which side of it this is.
    pub kind: Kind,
    /// When it began, since 1970.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// Details. No secret.
    pub attributes: Vec<(&'static str, Value)>,
    /// What went wrong, by name.
    pub failure: Option<&'static str>,
}

/// A span that is under way, or nothing at all. Ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    scope: Scope,
    open: Option<Box<Open>>,
}

#[derive(Debug)]
struct Open {
    tracer: Tracer,
    began: Instant,
    span: Finished,
}

impl Span {
    /// One that records nothing, and hands on what it was given.
    pub(super) const fn passing(scope: Scope) -> Self {
        Self { scope, open: None }
    }

    pub(super) fn recorded(
        tracer: Tracer,
        scope: Scope,
        context: TraceContext,
        parent: Option<SpanId>,
        (name, kind): (&'static str, Kind),
    ) -> Self {
        let span = Finished {
            context,
            parent,
            state: scope.state.clone(),
            name: Cow::Borrowed(name),
            kind,
            began: clock::since_epoch(),
            took: Duration::ZERO,
            attributes: Vec::new(),
            failure: None,
        };
        Self { scope, open: Some(Box::new(Open { tracer, began: Instant::now(), span })) }
    }

    /// The place of what is done within it.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether details are of use to anybody: do not make them where not.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.open.is_some()
    }

    /// Adds a detail. Never a secret, and bounded in length.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(open) = &mut self.open {
            open.span.attributes.push((key, value.into()));
        }
    }

    /// Gives it a better name, of a small set.
    pub fn rename(&mut self, name: String) {
        if let Some(open) = &mut self.open {
            open.span.name = Cow::Owned(name);
        }
    }

    /// It went wrong; `failure` names how, of a small set.
    pub fn fail(&mut self, failure: &'static str) {
        if let Some(open) = &mut self.open {
            open.span.failure = Some(failure);
        }
    }

    /// Forgets it: nobody wants to know.
    pub fn discard(mut self) {
        self.open = None;
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let Open { tracer, began, mut span } = *open;
            span.took = began.elapsed();
            tracer.take(span);
        }
    }
}
