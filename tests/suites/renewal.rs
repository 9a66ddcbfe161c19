//! Sessions that are renewed with a refresh token, and how long sessions last.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod lifetimes;
mod refused;
mod renewed;
mod replaced;
mod world;
