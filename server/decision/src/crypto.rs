//! Placeholder: crypto.
