//! The connections from clients and the proxies in front: PROXY headers of real senders, sockets
//! of every kind, what is refused, and what ends connections.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

mod framing;
mod http2;
mod pauses;
mod proxy_protocol;
mod sockets;
mod support;
