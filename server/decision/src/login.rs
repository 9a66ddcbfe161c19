//! Placeholder: login.
