//! Real applications behind the whole outpost: particular ones, old ones, gRPC, very large bodies,
//! and what is left of it all after a hundred refreshes.

mod flat;
mod grpc;
mod large;
mod manners;
mod particular;
mod support;
