//! Which fields may stand behind a body (RFC 9110 6.5.1).
//!
//! A trailer comes when everything has been decided already. A field that frames a message, says
//! where it goes or whose it is, or tells how to read it, would be obeyed by some and not by others;
//! none of them may trail.

/// Whether a field with this name, in lower case, may be a trailer at all.
#[must_use]
pub fn may_trail(name: &str) -> bool {
    !(NEVER.contains(&name) || name.starts_with("if-") || name.starts_with("content-"))
}

/// Beside `Content-*` and `If-*`.
const NEVER: [&str; 30] = [
    // Framing and routing.
    "connection",
    "forwarded",
    "host",
    "keep-alive",
    "max-forwards",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    // Who asks, and who may.
    "authorization",
    "cookie",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "referer",
    "set-cookie",
    "www-authenticate",
    // What the head of a message decides.
    "age",
    "cache-control",
    "date",
    "expect",
    "expires",
    "location",
    "pragma",
    "range",
    "retry-after",
    "vary",
    "warning",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_about_a_message_never_trails() {
        for name in NEVER {
            assert!(!may_trail(name), "{name}");
            assert_eq!(name, name.to_ascii_lowercase());
        }
        for name in ["content-length", "content-encoding", "content-type", "content-range"] {
            assert!(!may_trail(name), "{name}");
        }
        for name in ["if-match", "if-none-match", "if-modified-since", "if-range"] {
            assert!(!may_trail(name), "{name}");
        }
    }

    #[test]
    fn what_is_known_only_at_the_end_may_trail() {
        for name in ["grpc-status", "grpc-message", "server-timing", "etag", "digest", "x-md5"] {
            assert!(may_trail(name), "{name}");
        }
    }
}
