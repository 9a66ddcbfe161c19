//! Real applications behind the whole outpost: particular ones, old ones, gRPC, very large bodies,
//! and what is left of it all after a hundred refreshes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "applications/flat.rs"]
mod flat;
#[path = "applications/grpc.rs"]
mod grpc;
#[path = "applications/large.rs"]
mod large;
#[path = "applications/manners.rs"]
mod manners;
#[path = "applications/particular.rs"]
mod particular;
#[path = "applications/support.rs"]
mod support;
