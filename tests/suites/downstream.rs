//! The connections from clients and the proxies in front: PROXY headers of real senders, sockets
//! of every kind, what is refused, and what ends connections.

mod checks;
mod framing;
mod http2;
mod pauses;
mod proxy_protocol;
mod sockets;
mod support;
