//! A set-up of 2021.5, with its proxies as they were (contract 16).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "forward_auth/ask.rs"]
#[expect(dead_code, reason = "another suite needs the rest")]
mod ask;
#[path = "akprox/paths.rs"]
mod paths;
#[path = "akprox/published.rs"]
mod published;
