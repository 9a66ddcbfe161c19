//! What sessions live on, as the stand-in core gives and takes it: refresh tokens, introspection, the link.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

#[path = "surviving/introspection.rs"]
mod introspection;
#[path = "surviving/link.rs"]
mod link;
#[path = "surviving/refresh.rs"]
mod refresh;
#[path = "surviving/world.rs"]
mod world;
