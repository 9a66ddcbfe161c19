//! Placeholder: headers.
