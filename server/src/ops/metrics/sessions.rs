//! Figures of sessions and their store.

use std::time::Duration;

use prometheus::{HistogramVec, IntCounter, IntCounterVec};

use super::names::{Maker, SESSION_LOOKUPS, STORE_ERRORS, STORE_OPERATIONS};
use crate::session::Found;

/// Where sessions were found and how the store does.
#[derive(Debug)]
pub(super) struct SessionFigures {
    cached: IntCounter,
    asked: IntCounter,
    degraded: IntCounter,
    operations: HistogramVec,
    errors: IntCounterVec,
}

impl SessionFigures {
    pub(super) fn new(make: &Maker<'_>) -> Result<Self, prometheus::Error> {
        let lookups = make.counters(&SESSION_LOOKUPS)?;
        Ok(Self {
            cached: lookups.with_label_values(&["cache"]),
            asked: lookups.with_label_values(&["store"]),
            degraded: lookups.with_label_values(&["degraded"]),
            operations: make.histogram(&STORE_OPERATIONS)?,
            errors: make.counters(&STORE_ERRORS)?,
        })
    }

    pub(super) fn looked_up(&self, found: Found) {
        match found {
            Found::Cached => self.cached.inc(),
            Found::Asked => self.asked.inc(),
            Found::Degraded => self.degraded.inc(),
        }
    }

    pub(super) fn answered(&self, operation: &'static str, took: Duration) {
        self.operations.with_label_values(&[operation]).observe(took.as_secs_f64());
    }

    pub(super) fn failed(&self, operation: &'static str) {
        self.errors.with_label_values(&[operation]).inc();
    }
}
