//! The upstream leg over real sockets: the product's own connections and a minimal application that forwards, upstreams that
//! look at every byte, and clients that send every byte.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "upstream/answers.rs"]
mod answers;
#[path = "upstream/connections.rs"]
mod connections;
#[path = "upstream/expectations.rs"]
mod expectations;
#[path = "upstream/http2.rs"]
mod http2;
#[path = "upstream/manners.rs"]
mod manners;
#[path = "upstream/request_headers.rs"]
mod request_headers;
#[path = "upstream/smuggling.rs"]
mod smuggling;
#[path = "upstream/streaming.rs"]
mod streaming;
#[path = "upstream/support.rs"]
mod support;
#[path = "upstream/tls.rs"]
mod tls;
#[path = "upstream/trailers.rs"]
mod trailers;
#[path = "upstream/tunnels.rs"]
mod tunnels;
