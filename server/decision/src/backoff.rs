//! Placeholder: backoff.
