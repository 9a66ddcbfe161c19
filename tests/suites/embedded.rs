//! The outpost in front of core itself (contract 15).

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod primary_url;
mod routing;
mod support;
