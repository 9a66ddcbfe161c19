//! The link to core over real sockets, against the stand-in core: REST and websocket.

mod bench;
mod rest;
mod websocket;
