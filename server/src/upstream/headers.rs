//! The headers of the request to the upstream.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::Version;
use actix_web::http::header as client;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use outpost_decision::cookie::strip_own_cookies;

use super::body::Length;
use super::protocol::{is_framing, tokens};
use super::{Leg, UpstreamError};

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_HOST: &str = "x-forwarded-host";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Builds the headers for HTTP/1.1. What a client sent is first filtered, then ours are set: so
/// nothing a client sends, not even a name in `Connection`, can take away what is set here.
pub(super) fn request(
    request: &HttpRequest,
    leg: &Leg<'_>,
    length: Length,
    websocket: bool,
) -> Result<HeaderMap, UpstreamError> {
    let sent = request.headers();
    let mut headers = HeaderMap::with_capacity(sent.len() + leg.set.len() + 8);
    // First in line, as RFC 9110 7.2 asks.
    headers.insert(http::header::HOST, value("Host", leg.host.as_bytes())?);
    copy(request, leg, &mut headers)?;
    forwarded(sent, leg, &mut headers)?;

    for (name, bytes) in &leg.set {
        let bad = || UpstreamError::BadHeader { name: name.to_string() };
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        if is_framing(header.as_str()) {
            tracing::warn!(name = %header, "a header that frames messages cannot be set");
            continue;
        }
        headers.insert(header, HeaderValue::from_bytes(bytes).map_err(|_| bad())?);
    }

    match length {
        Length::None => {}
        Length::Known(length) => {
            headers.insert(http::header::CONTENT_LENGTH, length.into());
        }
        Length::Unknown => {
            let chunked = HeaderValue::from_static("chunked");
            headers.insert(http::header::TRANSFER_ENCODING, chunked);
        }
    }
    connection(request, websocket, &mut headers);
    Ok(headers)
}

/// Takes over what the client sent, as far as it may pass.
fn copy(
    request: &HttpRequest,
    leg: &Leg<'_>,
    headers: &mut HeaderMap,
) -> Result<(), UpstreamError> {
    let sent = request.headers();
    let of_connection: Vec<&str> = tokens(sent, client::CONNECTION).collect();
    let mut cookies: Vec<Cow<'_, [u8]>> = Vec::new();
    for (name, bytes) in sent {
        let name = name.as_str();
        let bytes = bytes.as_bytes();
        if is_framing(name)
            || of_connection.iter().any(|listed| listed.eq_ignore_ascii_case(name))
            || is_replaced(name)
            || (!leg.forwarded.peer_trusted && is_claim_about_origin(name))
            || (leg.strip)(name)
        {
            continue;
        }
        if name == "cookie" {
            cookies.extend(strip_own_cookies(bytes));
            continue;
        }
        let bad = || UpstreamError::BadHeader { name: name.to_owned() };
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?,
            value(name, bytes)?,
        );
    }
    // HTTP/2 clients may send them apart; HTTP/1.1 knows one line only (RFC 9113 8.2.3).
    if !cookies.is_empty() {
        let line = cookies.join(&b"; "[..]);
        headers.insert(http::header::COOKIE, value("Cookie", &line)?);
    }
    Ok(())
}

fn forwarded(
    sent: &client::HeaderMap,
    leg: &Leg<'_>,
    headers: &mut HeaderMap,
) -> Result<(), UpstreamError> {
    let mut chain = Vec::new();
    if leg.forwarded.peer_trusted {
        for hop in sent.get_all(FORWARDED_FOR) {
            chain.extend_from_slice(hop.as_bytes());
            chain.extend_from_slice(b", ");
        }
    }
    if let Some(peer) = leg.forwarded.peer {
        chain.extend_from_slice(peer.to_canonical().to_string().as_bytes());
    } else {
        chain.truncate(chain.len().saturating_sub(2));
    }
    if !chain.is_empty() {
        headers.insert(FORWARDED_FOR, value(FORWARDED_FOR, &chain)?);
    }
    headers.insert(FORWARDED_HOST, value(FORWARDED_HOST, leg.forwarded.host.as_bytes())?);
    headers.insert(FORWARDED_PROTO, value(FORWARDED_PROTO, leg.forwarded.proto.as_bytes())?);
    Ok(())
}

/// Says anew what concerns the connection to the upstream.
fn connection(request: &HttpRequest, websocket: bool, headers: &mut HeaderMap) {
    let trailers =
        tokens(request.headers(), client::TE).any(|coding| coding.eq_ignore_ascii_case("trailers"));
    if trailers {
        headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
    }
    if websocket {
        headers.insert(http::header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    let connection = match (websocket, trailers && request.version() <= Version::HTTP_11) {
        (true, true) => "Upgrade, TE",
        (true, false) => "Upgrade",
        (false, true) => "TE",
        (false, false) => return,
    };
    headers.insert(http::header::CONNECTION, HeaderValue::from_static(connection));
}

/// Turns headers built for HTTP/1.1 into those of HTTP/2 (RFC 9113 8.2.2 and 8.3.1): the host
/// moves into `:authority`, the connection has no headers.
pub(super) fn for_http2(headers: &mut HeaderMap) -> Option<HeaderValue> {
    headers.remove(http::header::CONNECTION);
    headers.remove(http::header::TRANSFER_ENCODING);
    headers.remove(http::header::HOST)
}

/// Names we always write ourselves, and what applications that read `_` as `-` take for them.
fn is_replaced(name: &str) -> bool {
    [FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO].iter().any(|ours| is_alias(name, ours))
}

/// Headers by which a proxy says whence a request came and where it was meant to go. From a peer
/// that is no trusted proxy they are made up; some frameworks route by them, past the path that
/// was decided upon.
fn is_claim_about_origin(name: &str) -> bool {
    const PREFIX: &str = "x-forwarded-";
    ["forwarded", "x-real-ip", "x-original-url", "x-original-uri", "x-rewrite-url"]
        .iter()
        .any(|ours| is_alias(name, ours))
        || name.get(..PREFIX.len()).is_some_and(|start| is_alias(start, PREFIX))
}

fn is_alias(name: &str, ours: &str) -> bool {
    name.len() == ours.len()
        && name.bytes().zip(ours.bytes()).all(|(theirs, ours)| {
            theirs.eq_ignore_ascii_case(&ours) || (ours == b'-' && matches!(theirs, b'_' | b'.'))
        })
}

fn value(name: &str, bytes: &[u8]) -> Result<HeaderValue, UpstreamError> {
    HeaderValue::from_bytes(bytes).map_err(|_| UpstreamError::BadHeader { name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_of_forwarding_headers() {
        for name in ["x-forwarded-for", "x_forwarded_for", "x-forwarded_for", "x.forwarded.for"] {
            assert!(is_replaced(name), "{name}");
        }
        assert!(!is_replaced("x-forwarded-fore"));
        assert!(!is_replaced("xaforwardedafor"));
        for name in ["forwarded", "x-forwarded-prefix", "x_forwarded_port", "x_original_url"] {
            assert!(is_claim_about_origin(name), "{name}");
        }
        assert!(!is_claim_about_origin("x-forwardedness"));
    }
}
