//! The headers of the request to the upstream.

use std::borrow::Cow;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use outpost_decision::cookie::strip_own_cookies;

use super::body::Length;
use super::protocol::{self, is_framing, tokens};
use super::{Leg, UpstreamError, trailers};

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_HOST: &str = "x-forwarded-host";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Builds the headers for HTTP/1.1. What a client sent is first filtered, then ours are set: so
/// nothing a client sends, not even a name in `Connection`, can take away what is set here.
pub(super) fn request(
    sent: &HeaderMap,
    leg: &Leg<'_>,
    length: Length,
    upgrade: Option<&str>,
) -> Result<HeaderMap, UpstreamError> {
    let mut headers = HeaderMap::with_capacity(sent.len() + leg.set.len() + 8);
    // First in line, as RFC 9110 7.2 asks.
    headers.insert(http::header::HOST, value("Host", leg.host.as_bytes())?);
    copy(sent, leg, &mut headers)?;
    forwarded(sent, leg, &mut headers)?;

    for (name, value) in &leg.set {
        if is_framing(name.as_str()) {
            tracing::warn!(%name, "a header that frames messages cannot be set");
            continue;
        }
        headers.insert(name.clone(), value.clone());
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
    connection(sent, upgrade, &mut headers)?;
    if length == Length::None {
        return Ok(headers);
    }
    if let Some(announcement) = trailers::value(&trailers(sent, leg)) {
        headers.insert(http::header::TRAILER, announcement);
    }
    if protocol::expects_continue(sent) {
        headers.insert(http::header::EXPECT, HeaderValue::from_static("100-continue"));
    }
    Ok(headers)
}

/// Takes over what the client sent, as far as it may pass.
fn copy(sent: &HeaderMap, leg: &Leg<'_>, headers: &mut HeaderMap) -> Result<(), UpstreamError> {
    let of_connection: Vec<&str> = tokens(sent, http::header::CONNECTION).collect();
    let mut cookies: Vec<Cow<'_, [u8]>> = Vec::new();
    for (name, value) in sent {
        if !may_pass(name.as_str(), &of_connection, leg) {
            continue;
        }
        if name == http::header::COOKIE {
            cookies.extend(strip_own_cookies(value.as_bytes()));
            continue;
        }
        headers.append(name.clone(), value.clone());
    }
    // HTTP/2 clients may send them apart; HTTP/1.1 knows one line only (RFC 9113 8.2.3).
    if !cookies.is_empty() {
        let line = cookies.join(&b"; "[..]);
        headers.insert(http::header::COOKIE, value("Cookie", &line)?);
    }
    Ok(())
}

/// Whether what the client sent under this name may reach the application.
fn may_pass(name: &str, of_connection: &[&str], leg: &Leg<'_>) -> bool {
    !(is_framing(name)
        || of_connection.iter().any(|listed| listed.eq_ignore_ascii_case(name))
        || is_replaced(name)
        || (!leg.forwarded.peer_trusted && is_claim_about_origin(name))
        || (leg.strip)(name))
}

/// The trailers that the client announces, as far as they may pass: those that would as headers and
/// that say nothing of whence the request came, which trailers are too late for.
fn trailers(sent: &HeaderMap, leg: &Leg<'_>) -> Vec<HeaderName> {
    let of_connection: Vec<&str> = tokens(sent, http::header::CONNECTION).collect();
    trailers::announcement(tokens(sent, http::header::TRAILER), |name| {
        may_pass(name, &of_connection, leg) && !is_claim_about_origin(name)
    })
}

fn forwarded(
    sent: &HeaderMap,
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
fn connection(
    sent: &HeaderMap,
    upgrade: Option<&str>,
    headers: &mut HeaderMap,
) -> Result<(), UpstreamError> {
    let trailers =
        tokens(sent, http::header::TE).any(|coding| coding.eq_ignore_ascii_case("trailers"));
    if trailers {
        headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
    }
    if let Some(protocols) = upgrade {
        headers.insert(http::header::UPGRADE, value("Upgrade", protocols.as_bytes())?);
    }
    let connection = match (upgrade.is_some(), trailers) {
        (true, true) => "Upgrade, TE",
        (true, false) => "Upgrade",
        (false, true) => "TE",
        (false, false) => return Ok(()),
    };
    headers.insert(http::header::CONNECTION, HeaderValue::from_static(connection));
    Ok(())
}

/// Headers built for any HTTP/1.1 message, as far as they fit this one: without a chunked body, it has no
/// trailers.
pub(super) fn of_http1(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let trails = headers.contains_key(http::header::TRANSFER_ENCODING);
    headers.iter().filter(move |(name, _)| trails || *name != http::header::TRAILER)
}

/// Turns headers built for HTTP/1.1 into those of HTTP/2 (RFC 9113 8.2.2 and 8.3.1): the host
/// moves into `:authority`, the connection has no headers.
pub(super) fn for_http2(headers: &mut HeaderMap) -> Option<HeaderValue> {
    headers.remove(http::header::CONNECTION);
    headers.remove(http::header::TRANSFER_ENCODING);
    // Nobody could tell us that it is met.
    headers.remove(http::header::EXPECT);
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

/// A header to set ([`Leg::set`]).
///
/// # Errors
/// [`UpstreamError::BadHeader`].
pub fn header(name: &str, bytes: &[u8]) -> Result<(HeaderName, HeaderValue), UpstreamError> {
    let bad = |_| UpstreamError::BadHeader { name: name.to_owned() };
    Ok((HeaderName::from_bytes(name.as_bytes()).map_err(bad)?, value(name, bytes)?))
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
