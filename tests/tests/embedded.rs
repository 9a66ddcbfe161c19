//! The outpost in front of core itself (contract 15).

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "embedded/primary_url.rs"]
mod primary_url;
#[path = "embedded/routing.rs"]
mod routing;
#[path = "embedded/support.rs"]
mod support;
