//! The link to core over real sockets, against the stand-in core: REST and websocket.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod bench;
mod rest;
mod websocket;
