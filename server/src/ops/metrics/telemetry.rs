//! Figures of what is sent to collectors: spans of traces, reports of errors.

use prometheus::{IntCounter, IntCounterVec};

use super::Metrics;
use super::names::{ERROR_REPORTS, Maker, TRACE_SPANS};
use crate::trace::SpanWatch;

/// What became of something that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was taken.
    Sent,
    /// Too much waited, or came too quickly.
    Dropped,
    /// It was not taken.
    Failed,
}

/// Spans and reports.
#[derive(Debug)]
pub struct TelemetryFigures {
    spans: [IntCounter; 3],
    reports: [IntCounter; 3],
}

impl TelemetryFigures {
    pub(super) fn new(make: &Maker<'_>) -> Result<Self, prometheus::Error> {
        let fates = |family: IntCounterVec| {
            ["sent", "dropped", "failed"].map(|fate| family.with_label_values(&[fate]))
        };
        Ok(Self {
            spans: fates(make.counters(&TRACE_SPANS)?),
            reports: fates(make.counters(&ERROR_REPORTS)?),
        })
    }

    /// Spans have met their fate.
    pub fn spans(&self, fate: Fate, count: usize) {
        self.spans[fate as usize].inc_by(count as u64);
    }

    /// A report of an error has met its fate.
    pub fn report(&self, fate: Fate) {
        self.reports[fate as usize].inc();
    }
}

impl SpanWatch for Metrics {
    fn exported(&self, spans: usize) {
        self.telemetry().spans(Fate::Sent, spans);
    }

    fn dropped(&self, spans: usize) {
        self.telemetry().spans(Fate::Dropped, spans);
    }

    fn failed(&self, spans: usize) {
        self.telemetry().spans(Fate::Failed, spans);
    }
}
