//! Proxy mode through the whole outpost: what streams, what stays open and for how long, what the
//! application is told, what people see when it is away, and what raw bytes can do.

mod errors;
mod identity;
mod identity_rules;
mod raw;
mod spoofing;
mod streaming;
pub(crate) mod support;
mod upstreams;
mod websockets;
