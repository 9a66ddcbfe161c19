//! Placeholder: link.
