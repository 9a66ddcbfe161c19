//! Operators see who is signed in, and sign people out: `outpost sessions` and the API under it.

mod access;
mod listing;
mod reaching;
mod revoking;
mod support;
