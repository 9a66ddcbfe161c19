//! Operators see who is signed in, and sign people out: `outpost sessions` and the API under it.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "sessions_cli/access.rs"]
mod access;
#[path = "sessions_cli/listing.rs"]
mod listing;
#[path = "sessions_cli/reaching.rs"]
mod reaching;
#[path = "sessions_cli/revoking.rs"]
mod revoking;
#[path = "sessions_cli/support.rs"]
mod support;
