//! Limits that hold for every connection.

use std::time::Duration;

/// Limits on time and size.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for a request's head to arrive, for a PROXY header and a TLS handshake.
    pub head: Duration,
    /// Time a connection may idle between requests.
    pub idle: Duration,
    /// Longest pause of a client within a request's body (HTTP/1.1; streams of HTTP/2 may rest).
    pub body: Duration,
    /// Longest time a client may take no byte of an answer that waits for it.
    pub write: Duration,
    /// Time for requests in flight to finish at the end; whole seconds count.
    pub end: Duration,
    /// Bytes of all headers of a request that are answered with a page that says so. Much more is
    /// refused without one, before anything reads it.
    pub header_bytes: usize,
    /// Most header lines of a request (HTTP/1.1). Beyond it hyper answers 431.
    pub header_lines: usize,
}
