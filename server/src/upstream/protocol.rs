//! What a request asks of the protocol itself.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, Version};

/// Whether the client asks to turn the connection into a websocket (RFC 6455 4.1), which is the
/// one upgrade that is forwarded: actix-http leaves the bytes after the request alone for this
/// one only, and `h2c` must not be let through in any case (requests inside the tunnel would
/// reach the application unseen).
pub(super) fn is_websocket(request: &HttpRequest) -> bool {
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && is_raw_stream(request)
        && tokens(request.headers(), header::CONNECTION).any(|t| t.eq_ignore_ascii_case("upgrade"))
        && request.headers().get(header::CONTENT_LENGTH).is_none_or(|length| length == "0")
}

/// Whether actix-http hands out all further bytes of the connection as the body of this request.
/// It does so for `Upgrade: websocket`, whatever the method and with or without
/// `Connection: upgrade`. No further request is read from such a connection, and an answer
/// without a known length must not be called chunked: actix-http would not encode it so.
pub(super) fn is_raw_stream(request: &HttpRequest) -> bool {
    request.version() <= Version::HTTP_11
        && !request.headers().contains_key(header::TRANSFER_ENCODING)
        && request.headers().get_all(header::UPGRADE).any(|value| {
            value.to_str().is_ok_and(|value| value.trim().eq_ignore_ascii_case("websocket"))
        })
}

/// Begin of the content type of gRPC.
pub(super) const GRPC: &str = "application/grpc";

/// Whether the request is a gRPC call. Such a call may rest, and so may its answer's head: servers
/// send it with the first message.
pub(super) fn is_grpc(request: &HttpRequest) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| begins(kind.as_bytes(), GRPC))
}

/// Whether a header's value begins with `start`, in any case.
pub(super) fn begins(value: &[u8], start: &str) -> bool {
    value.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
}

/// The comma-separated tokens of a header, however often it occurs.
pub(super) fn tokens(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
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
pub(super) fn binds_connection(headers: &http::HeaderMap, name: http::HeaderName) -> bool {
    headers.get_all(name).iter().any(|value| {
        value.as_bytes().split(|byte| *byte == b' ' || *byte == b',').any(|word| {
            word.eq_ignore_ascii_case(b"ntlm") || word.eq_ignore_ascii_case(b"negotiate")
        })
    })
}
