//! The link to core over real sockets, against the stand-in core: REST and websocket.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "core_link/bench.rs"]
mod bench;
#[path = "core_link/rest.rs"]
mod rest;
#[path = "core_link/websocket.rs"]
mod websocket;
