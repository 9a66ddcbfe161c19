//! Operations: logs, metrics, the journal of decisions, readiness, the operators' page and their
//! API.
//!
//! Every request ends in one [`event::RequestEvent`]; [`finish::Finish`] makes a log line, figures
//! and a journal entry of it.

pub mod access;
pub mod activity;
pub mod api;
pub mod audit;
pub mod chosen_headers;
pub mod dashboard;
pub mod endpoints;
pub mod event;
pub mod finish;
pub mod forwarding;
mod host;
pub mod journal;
pub mod logging;
pub mod masking;
pub mod metrics;
pub mod outcome;
pub mod questions;
pub mod readiness;
pub mod views;
