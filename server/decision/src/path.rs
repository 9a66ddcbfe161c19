//! Placeholder: path.
