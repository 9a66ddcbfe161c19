//! Placeholder: cookie.
