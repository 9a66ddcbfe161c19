//! Header authentication (contract 11): machines that sign in with each request.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "header_auth/accepted.rs"]
mod accepted;
#[path = "header_auth/asking.rs"]
mod asking;
#[path = "header_auth/refused.rs"]
mod refused;
#[path = "header_auth/replicas.rs"]
mod replicas;
#[path = "header_auth/support.rs"]
mod support;
