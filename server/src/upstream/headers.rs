//! The headers of the request to the upstream.

use std::borrow::Cow;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use outpost_decision::cookie::strip_own_cookies;

use super::body::Length;
use super::protocol::{self, is_framing, tokens};
use super::told::{Told, may_be_set};
use super::{Leg, UpstreamError, trailers};
use crate::address_text::AddressText;
use crate::header_line::{is_value, write_line};

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_HOST: &str = "x-forwarded-host";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The headers of a request, for any HTTP/1.1 message: checked, and ready to be written.
pub(super) struct Headers<'a> {
    own: Vec<(&'a str, Cow<'a, [u8]>)>,
    /// Those that others have, too; none of them is among `own`.
    told: Option<&'a Told>,
    /// Names of the trailers that are announced.
    pub(super) trailers: Vec<HeaderName>,
    /// Whether the client waits for 100 before it sends its body.
    pub(super) expects_continue: bool,
}

/// Builds the headers. What a client sent is first filtered, and left out where ours are set: so nothing a
/// client sends, not even a name in `Connection`, can take away what is set here.
pub(super) fn request<'a>(
    sent: &'a HeaderMap,
    leg: &'a Leg<'_>,
    length: Length,
    upgrade: Option<&'a str>,
) -> Result<Headers<'a>, UpstreamError> {
    let mut headers = Headers {
        own: Vec::with_capacity(sent.len() + leg.set.len() + 8),
        told: leg.told,
        trailers: Vec::new(),
        expects_continue: false,
    };
    // First in line, as RFC 9110 7.2 asks.
    headers.add("host", leg.host.as_bytes())?;
    let set = set(leg)?;
    let is_set = |name: &str| is_among(&set, name) || leg.told.is_some_and(|told| told.has(name));
    copy(sent, leg, is_set, &mut headers)?;
    forwarded(sent, leg, is_set, &mut headers)?;
    if let Some(told) = leg.told.filter(|told| set.iter().any(|(name, _)| told.has(name))) {
        headers.told = None;
        let left = told.iter().filter(|(name, _)| !is_among(&set, name));
        headers.own.extend(left.map(|(name, value)| (name, Cow::Borrowed(value))));
    }
    headers.own.extend(set.into_iter().map(|(name, value)| (name, Cow::Borrowed(value))));

    match length {
        Length::None => {}
        Length::Known(length) => {
            headers.own.push(("content-length", length.to_string().into_bytes().into()));
        }
        Length::Unknown => headers.own.push(("transfer-encoding", b"chunked".into())),
    }
    connection(sent, upgrade, &mut headers)?;
    if length == Length::None {
        return Ok(headers);
    }
    headers.trailers = trailers(sent, leg);
    if let Some(announcement) = trailers::value(&headers.trailers) {
        headers.own.push(("trailer", announcement.as_bytes().to_vec().into()));
    }
    headers.expects_continue = protocol::expects_continue(sent);
    if headers.expects_continue {
        headers.own.push(("expect", b"100-continue".into()));
    }
    Ok(headers)
}

impl<'a> Headers<'a> {
    /// Adds one, if HTTP allows what it says.
    fn add(&mut self, name: &'a str, value: impl Into<Cow<'a, [u8]>>) -> Result<(), UpstreamError> {
        let value = value.into();
        if !is_value(&value) {
            return Err(UpstreamError::BadHeader { name: name.to_owned() });
        }
        self.own.push((name, value));
        Ok(())
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.own.iter().map(|(name, value)| (*name, &**value)).chain(self.told())
    }

    fn told(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.told.into_iter().flat_map(Told::iter)
    }

    /// Whether one of these speaks for the connection instead of for the request.
    pub(super) fn binds_connection(&self) -> bool {
        let all = self.iter();
        let mut all =
            all.filter(|(name, _)| name.eq_ignore_ascii_case(header::AUTHORIZATION.as_str()));
        all.any(|(_, value)| protocol::is_bound(value))
    }

    /// Those that are not told alike with every request, for HTTP/1.1: without a chunked body no trailer
    /// follows, and none is announced.
    fn own(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let trails = self.own.iter().any(|(name, _)| *name == "transfer-encoding");
        let own = self.own.iter().map(|(name, value)| (*name, &**value));
        own.filter(move |(name, _)| trails || *name != "trailer")
    }

    /// Appends them as HTTP/1.1 writes them.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        for (name, value) in self.own() {
            write_line(to, name, value);
        }
        if let Some(told) = self.told {
            to.extend_from_slice(told.lines());
        }
    }

    /// The same as hyper takes them.
    pub(super) fn http1(&self) -> HeaderMap {
        map(self.own().chain(self.told()))
    }

    /// Those of HTTP/2 (RFC 9113 8.2.2 and 8.3.1): the host moves into `:authority`, the connection has none,
    /// and nobody could tell us that an expectation is met.
    pub(super) fn http2(&self) -> (HeaderMap, Option<&[u8]>) {
        const GONE: [&str; 4] = ["connection", "transfer-encoding", "expect", "host"];
        let headers = map(self.iter().filter(|(name, _)| !GONE.contains(name)));
        let host = self.own.iter().find(|(name, _)| *name == "host");
        (headers, host.map(|(_, value)| &**value))
    }
}

fn map<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> HeaderMap {
    let pairs = headers.filter_map(|(name, value)| {
        // Both were checked.
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value).ok()?))
    });
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(name, value);
    }
    map
}

/// What is set for this request alone: of several that have the same name, the last.
fn set<'a>(leg: &'a Leg<'_>) -> Result<Vec<(&'a str, &'a [u8])>, UpstreamError> {
    let mut set: Vec<(&str, &[u8])> = Vec::with_capacity(leg.set.len());
    for (name, value) in &leg.set {
        if may_be_set(name, value)? {
            set.retain(|(before, _)| !before.eq_ignore_ascii_case(name));
            set.push((name, value));
        }
    }
    Ok(set)
}

fn is_among(set: &[(&str, &[u8])], name: &str) -> bool {
    set.iter().any(|(of, _)| of.eq_ignore_ascii_case(name))
}

/// Takes over what the client sent, as far as it may pass.
fn copy<'a>(
    sent: &'a HeaderMap,
    leg: &Leg<'_>,
    is_set: impl Fn(&str) -> bool,
    headers: &mut Headers<'a>,
) -> Result<(), UpstreamError> {
    let of_connection: Vec<&str> = tokens(sent, header::CONNECTION).collect();
    let mut cookies: Vec<Cow<'_, [u8]>> = Vec::new();
    for (name, value) in sent {
        if !may_pass(name.as_str(), &of_connection, leg) || is_set(name.as_str()) {
            continue;
        }
        if name == header::COOKIE {
            cookies.extend(strip_own_cookies(value.as_bytes()));
            continue;
        }
        headers.own.push((name.as_str(), value.as_bytes().into()));
    }
    // HTTP/2 clients may send them apart; HTTP/1.1 knows one line only (RFC 9113 8.2.3).
    if !cookies.is_empty() {
        headers.add("cookie", cookies.join(&b"; "[..]))?;
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
    let of_connection: Vec<&str> = tokens(sent, header::CONNECTION).collect();
    trailers::announcement(tokens(sent, header::TRAILER), |name| {
        may_pass(name, &of_connection, leg) && !is_claim_about_origin(name)
    })
}

fn forwarded<'a>(
    sent: &HeaderMap,
    leg: &'a Leg<'_>,
    is_set: impl Fn(&str) -> bool,
    headers: &mut Headers<'a>,
) -> Result<(), UpstreamError> {
    let mut chain = Vec::new();
    if leg.forwarded.peer_trusted {
        for hop in sent.get_all(FORWARDED_FOR) {
            chain.extend_from_slice(hop.as_bytes());
            chain.extend_from_slice(b", ");
        }
    }
    if let Some(peer) = leg.forwarded.peer {
        chain.extend_from_slice(AddressText::of(peer.to_canonical()).as_str().as_bytes());
    } else {
        chain.truncate(chain.len().saturating_sub(2));
    }
    if !chain.is_empty() && !is_set(FORWARDED_FOR) {
        headers.add(FORWARDED_FOR, chain)?;
    }
    if !is_set(FORWARDED_HOST) {
        headers.add(FORWARDED_HOST, leg.forwarded.host.as_bytes())?;
    }
    if !is_set(FORWARDED_PROTO) {
        headers.add(FORWARDED_PROTO, leg.forwarded.proto.as_bytes())?;
    }
    Ok(())
}

/// Says anew what concerns the connection to the upstream.
fn connection<'a>(
    sent: &HeaderMap,
    upgrade: Option<&'a str>,
    headers: &mut Headers<'a>,
) -> Result<(), UpstreamError> {
    let trailers = tokens(sent, header::TE).any(|coding| coding.eq_ignore_ascii_case("trailers"));
    if trailers {
        headers.own.push(("te", b"trailers".into()));
    }
    if let Some(protocols) = upgrade {
        headers.add("upgrade", protocols.as_bytes())?;
    }
    let connection: &[u8] = match (upgrade.is_some(), trailers) {
        (true, true) => b"Upgrade, TE",
        (true, false) => b"Upgrade",
        (false, true) => b"TE",
        (false, false) => return Ok(()),
    };
    headers.own.push(("connection", connection.into()));
    Ok(())
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
