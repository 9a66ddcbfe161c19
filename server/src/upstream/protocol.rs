//! What a request asks of the protocol itself.

use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;
use http::{Method, Version};

/// The protocols, joined by commas, that the client asks to go on with on this connection
/// (RFC 9110 7.8) and that may be offered to the upstream; `None` if there is none.
///
/// HTTP itself is not offered in any version, nor is TLS: requests inside such a tunnel would reach
/// the application unseen.
pub(super) fn upgrade(request: &Parts) -> Option<String> {
    let headers = &request.headers;
    let asks = request.version == Version::HTTP_11
        && tokens(headers, header::CONNECTION).any(|t| t.eq_ignore_ascii_case("upgrade"));
    if !asks {
        return None;
    }
    let websocket = is_bodiless_get(request);
    let offered: Vec<&str> = tokens(headers, header::UPGRADE)
        .filter(|protocol| may_be_offered(protocol))
        .filter(|protocol| websocket || !is_websocket(protocol))
        .collect();
    (!offered.is_empty()).then(|| offered.join(", "))
}

/// What a websocket begins with (RFC 6455 4.1).
fn is_bodiless_get(request: &Parts) -> bool {
    request.method == Method::GET
        && !request.headers.contains_key(header::TRANSFER_ENCODING)
        && request.headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0")
}

/// Whether an upgrade is one to a websocket.
pub(super) fn is_websocket(protocol: &str) -> bool {
    protocol.eq_ignore_ascii_case("websocket")
}

fn may_be_offered(protocol: &str) -> bool {
    let mut parts = protocol.split('/');
    let name = parts.next().unwrap_or_default();
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
    is_token(name)
        && parts.next().is_none_or(is_token)
        && parts.next().is_none()
        && !["h2c", "h2", "h3", "http", "https", "tls", "ssl"]
            .iter()
            .any(|refused| name.eq_ignore_ascii_case(refused))
}

/// RFC 9110 5.6.2.
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// Whether an answer 101 says what RFC 9110 7.8 wants of it, and only what was offered.
pub(super) fn is_switch(headers: &HeaderMap, offered: &str) -> bool {
    let mut chosen = tokens(headers, header::UPGRADE).peekable();
    tokens(headers, header::CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"))
        && chosen.peek().is_some()
        && chosen.all(|protocol| {
            offered.split(", ").any(|offered| offered.eq_ignore_ascii_case(protocol))
        })
}

/// Whether the body of a request is in no coding, or one that is undone here. Others (RFC 9112 7)
/// nobody asks for, and passed on they would no longer be named.
pub(super) fn is_readable(headers: &HeaderMap) -> bool {
    let mut codings = tokens(headers, header::TRANSFER_ENCODING);
    codings.next().is_none_or(|coding| coding.eq_ignore_ascii_case("chunked"))
        && codings.next().is_none()
}

/// Whether the client waits for 100 before it sends its body (RFC 9110 10.1.1).
pub(super) fn expects_continue(headers: &HeaderMap) -> bool {
    tokens(headers, header::EXPECT).any(|t| t.eq_ignore_ascii_case("100-continue"))
}

/// Begin of the content type of gRPC.
pub(super) const GRPC: &str = "application/grpc";

/// Whether the request is a gRPC call. Such a call may rest, and so may its answer's head: servers
/// send it with the first message.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| begins(kind.as_bytes(), GRPC))
}

/// Whether a header's value begins with `start`, in any case.
pub(super) fn begins(value: &[u8], start: &str) -> bool {
    value.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
}

/// The comma-separated tokens of a header, however often it occurs.
pub(super) fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

/// Headers that speak of one connection and end at each hop (RFC 9110 7.6.1 and 11.7).
pub(super) fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// Headers that decide where a message ends or goes. Only this module writes them.
pub(super) fn is_framing(name: &str) -> bool {
    is_hop_by_hop(name) || matches!(name, "host" | "content-length" | "expect")
}

/// Schemes that authenticate a connection instead of a request (NTLM, and Negotiate where it
/// falls back to it). A connection they were spoken on must serve nobody else.
pub(super) fn binds_connection(headers: &HeaderMap, name: HeaderName) -> bool {
    headers.get_all(name).iter().any(|value| is_bound(value.as_bytes()))
}

/// Whether one of those schemes is spoken.
pub(super) fn is_bound(value: &[u8]) -> bool {
    value
        .split(|byte| *byte == b' ' || *byte == b',')
        .any(|word| word.eq_ignore_ascii_case(b"ntlm") || word.eq_ignore_ascii_case(b"negotiate"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn head(request: http::request::Builder) -> Parts {
        request.body(()).unwrap().into_parts().0
    }

    fn offered(version: Version, connection: &str, protocols: &[&str]) -> Option<String> {
        let mut request = http::Request::get("/").version(version).header("connection", connection);
        for protocols in protocols {
            request = request.header("upgrade", *protocols);
        }
        upgrade(&head(request))
    }

    #[test]
    fn any_upgrade_is_offered_but_http_and_tls() {
        let of = |protocols: &[&str]| offered(Version::HTTP_11, "keep-alive, Upgrade", protocols);
        for one in ["websocket", "tcp", "SPDY/3.1", "IRC/6.9", "RTA/x11", "connect-udp"] {
            assert_eq!(of(&[one]).as_deref(), Some(one));
        }
        assert_eq!(of(&["h2c, websocket, tcp"]).as_deref(), Some("websocket, tcp"));
        assert_eq!(of(&["h2c", "websocket"]).as_deref(), Some("websocket"));
        for none in [
            "h2c",
            "H2C",
            "h2",
            "HTTP/2.0",
            "http/1.1",
            "HTTP",
            "TLS/1.0",
            "tls",
            "h2c/1",
            "",
            "h2c websocket",
            "h2c;q=1",
            "a/b/c",
            "/h2c",
            "web\tsocket",
        ] {
            assert_eq!(of(&[none]), None, "{none:?}");
        }
    }

    #[test]
    fn an_upgrade_is_asked_of_a_connection_of_http_1_1() {
        assert_eq!(offered(Version::HTTP_11, "keep-alive", &["websocket"]), None);
        assert_eq!(offered(Version::HTTP_10, "upgrade", &["websocket"]), None);
        assert_eq!(offered(Version::HTTP_2, "upgrade", &["websocket"]), None);
    }

    #[test]
    fn a_websocket_begins_with_a_get_and_nothing_else() {
        let post = |protocol: &str| {
            let request = http::Request::post("/").header("connection", "upgrade");
            upgrade(&head(request.header("upgrade", protocol)))
        };
        assert_eq!(post("tcp").as_deref(), Some("tcp"));
        assert_eq!(post("websocket"), None);
    }

    #[test]
    fn a_switch_says_what_to_and_that_it_does() {
        let is = |connection: &'static str, upgrade: &'static str, offer: &str| {
            let pairs = [("connection", connection), ("upgrade", upgrade)];
            let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
            let headers: HeaderMap = pairs
                .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
                .collect();
            is_switch(&headers, offer)
        };
        assert!(is("Upgrade", "WebSocket", "websocket"));
        assert!(is("keep-alive, upgrade", "tcp", "websocket, tcp"));
        assert!(!is("", "websocket", "websocket"));
        assert!(!is("upgrade", "", "websocket"));
        assert!(!is("upgrade", "h2c", "websocket"));
        assert!(!is("upgrade", "websocket, h2c", "websocket"));
    }
}
