//! Header authentication (contract 11): machines that sign in with each request.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod accepted;
mod asking;
mod refused;
mod replicas;
mod support;
