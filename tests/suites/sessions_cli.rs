//! Operators see who is signed in, and sign people out: `outpost sessions` and the API under it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod access;
mod listing;
mod reaching;
mod revoking;
mod support;
