//! Operations: logs, metrics, the journal of decisions, readiness, the operators' page.
//!
//! Every request ends in one [`event::RequestEvent`]; [`finish::Finish`] makes a log line, figures
//! and a journal entry of it.

pub mod dashboard;
pub mod endpoints;
pub mod event;
pub mod finish;
pub mod journal;
pub mod logging;
pub mod masking;
pub mod metrics;
pub mod readiness;
