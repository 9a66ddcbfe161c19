//! Proxy mode through the whole outpost: what streams, what stays open and for how long, what the
//! application is told, what people see when it is away, and what raw bytes can do.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "proxy_mode/errors.rs"]
mod errors;
#[path = "proxy_mode/identity.rs"]
mod identity;
#[path = "proxy_mode/identity_rules.rs"]
mod identity_rules;
#[path = "proxy_mode/raw.rs"]
mod raw;
#[path = "proxy_mode/spoofing.rs"]
mod spoofing;
#[path = "proxy_mode/streaming.rs"]
mod streaming;
#[path = "proxy_mode/support.rs"]
mod support;
#[path = "proxy_mode/upstreams.rs"]
mod upstreams;
#[path = "proxy_mode/websockets.rs"]
mod websockets;
