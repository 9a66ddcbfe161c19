//! What others may have of this process.

use outpost_decision::skip::SkipLimits;

/// What clients, browsers, administrators and core may send, and how much is kept for them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of all headers together.
    pub header_bytes: usize,
    /// Bytes of all cookies together.
    pub cookie_bytes: usize,
    /// Header lines of a request.
    pub header_lines: usize,
    /// Connections at a time for each worker.
    pub connections: usize,
    /// Connections at a time for each client; 0: any number.
    pub connections_per_address: usize,
    /// Sign-ins that a client may begin in a minute; 0: any number.
    pub sign_ins_per_minute: usize,
    /// Codes of a client that core may refuse in a minute; 0: any number.
    pub failed_codes_per_minute: usize,
    /// Clients that each of the counts by the minute knows at a time.
    pub counted_clients: usize,
    /// Sign-ins under way that a browser keeps, for each provider.
    pub flows_per_browser: usize,
    /// Bytes of the form that a logout token comes in.
    pub logout_form_bytes: usize,
    /// Unauthenticated paths of a provider.
    pub skip_paths: SkipLimits,
    /// Bytes of an answer of core's API: one page of a list, or a certificate.
    pub core_page_bytes: usize,
    /// Bytes of an answer of core's token and introspection endpoints.
    pub core_answer_bytes: usize,
    /// Bytes of a key set of core's.
    pub core_key_set_bytes: usize,
    /// Bytes of a message, and of a frame, on core's websocket.
    pub core_message_bytes: usize,
}
