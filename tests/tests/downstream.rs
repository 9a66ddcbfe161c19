//! The connections from clients and the proxies in front: PROXY headers of real senders, sockets
//! of every kind, what is refused, and what ends connections.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at the first surprise")]

#[path = "downstream/framing.rs"]
mod framing;
#[path = "downstream/http2.rs"]
mod http2;
#[path = "downstream/pauses.rs"]
mod pauses;
#[path = "downstream/proxy_protocol.rs"]
mod proxy_protocol;
#[path = "downstream/sockets.rs"]
mod sockets;
#[path = "downstream/support.rs"]
mod support;
