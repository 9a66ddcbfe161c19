//! The layer of the log that takes errors while core asks for them.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::{DefaultFields, JsonFields};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::event::Occurrence;
use super::{Gate, PANIC};
use crate::clock;

/// Longest text that is taken of one field, in bytes.
const LONGEST: usize = 1024;

/// Takes errors. Give it a filter: it takes what it is shown.
#[derive(Debug)]
pub struct ReportLayer {
    gate: Arc<Gate>,
    queue: mpsc::Sender<Occurrence>,
}

impl ReportLayer {
    pub(super) const fn new(gate: Arc<Gate>, queue: mpsc::Sender<Occurrence>) -> Self {
        Self { gate, queue }
    }
}

impl<S> Layer<S> for ReportLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !self.gate.is_open() {
            return;
        }
        let Ok(place) = self.queue.try_reserve() else {
            self.gate.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (metadata, span) = (event.metadata(), context.event_span(event));
        place.send(Occurrence {
            at: clock::since_epoch(),
            target: metadata.target(),
            file: metadata.file(),
            line: metadata.line(),
            is_panic: metadata.target() == PANIC,
            message: fields.message,
            fields: fields.others,
            // As the lines of the log carry them: the id of the request, and of its trace.
            request: span.and_then(|span| {
                let extensions = span.extensions();
                let json = extensions.get::<FormattedFields<JsonFields>>();
                let text = || extensions.get::<FormattedFields<DefaultFields>>();
                json.map(|it| it.fields.clone()).or_else(|| Some(text()?.fields.clone()))
            }),
        });
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        let value = value[..value.floor_char_boundary(LONGEST)].to_owned();
        if field.name() == "message" {
            self.message = value;
        } else {
            self.others.push((field.name(), value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.record_str(field, &text);
    }
}
