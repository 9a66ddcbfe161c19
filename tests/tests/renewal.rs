//! Sessions that are renewed with a refresh token, and how long sessions last.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "renewal/lifetimes.rs"]
mod lifetimes;
#[path = "renewal/refused.rs"]
mod refused;
#[path = "renewal/renewed.rs"]
mod renewed;
#[path = "renewal/replaced.rs"]
mod replaced;
#[path = "renewal/world.rs"]
mod world;
