//! Placeholder: redirect.
