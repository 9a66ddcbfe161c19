//! The demo's providers and users.
