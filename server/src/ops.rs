//! Operations: logs, metrics, the journal of decisions, readiness, the operators' page.
