//! Placeholder: decide.
