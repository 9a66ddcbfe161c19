//! The head of a request of HTTP/1.1, read where the fast path may take it up: by the parser that hyper
//! uses, too, and only where nothing is in doubt about where the request ends.

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::header::HeaderValue;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Uri};
use httparse::{Header, Status};

use crate::downstream::wire::Read;
use crate::header_names::{self, Names};

/// Most lines of headers. Nearly no request has more; hyper takes those that do.
const LINES: usize = 64;

/// Longest head, in bytes. Positions within it are kept in 16 bits.
const LONGEST: usize = 32 * 1024;

/// Longest body of a request, in bytes, after which a connection is taken back from hyper: what is lent is
/// read in steps that are not larger.
const LONGEST_BODY: usize = 1024 * 1024;

/// A request after which its connection goes on.
pub(super) struct Head {
    /// As it was sent.
    pub(super) raw: Bytes,
    /// The same, read.
    pub(super) request: Parts,
    /// Bytes of the body that follows.
    pub(super) body: usize,
}

/// Where a part of the head lies.
type Place = Range<u16>;

/// Takes the next head out of what has come, if it has no more header `lines` than that.
pub(super) fn take(bytes: &mut BytesMut, lines: usize, names: &mut Names) -> Read<Head> {
    let mut room = [const { MaybeUninit::uninit() }; LINES];
    let room = &mut room[..lines.min(LINES)];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, room) {
        Ok(Status::Complete(length)) if length <= LONGEST => length,
        Ok(Status::Partial) if bytes.len() < LONGEST => return Read::Part,
        // hyper says what is the matter.
        _ => return Read::Other,
    };
    // What follows a CONNECT is no request.
    let goes_on = request.version == Some(1) && request.method != Some("CONNECT");
    let Some(body) = body(request.headers).filter(|_| goes_on) else { return Read::Other };
    let method = request.method.map(|method| Method::from_bytes(method.as_bytes()));
    let target = request.path.map(|path| place(bytes, path.as_bytes()));
    let (Some(Ok(method)), Some(target)) = (method, target) else { return Read::Other };
    let mut places = [const { (0..0, 0..0) }; LINES];
    let count = request.headers.len();
    for (places, header) in places.iter_mut().zip(request.headers.iter()) {
        *places = (place(bytes, header.name.as_bytes()), place(bytes, header.value));
    }
    let raw = bytes.split_to(length).freeze();
    match parts(&raw, method, target, &places[..count], names) {
        Some(request) => Read::Whole(Head { raw, request, body }),
        None => {
            let mut sent = BytesMut::from(&raw[..]);
            sent.extend_from_slice(bytes);
            *bytes = sent;
            Read::Other
        }
    }
}

/// How long the body is that follows the head; `None` where that is in any doubt, or it is not sure that
/// the next request comes after the answer.
fn body(headers: &[Header<'_>]) -> Option<usize> {
    let mut length = None;
    for header in headers {
        // Nearly every other header is told by its length.
        if !matches!(header.name.len(), 2 | 6 | 7 | 10 | 14 | 17) {
            continue;
        }
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            if length.is_some() {
                return None;
            }
            length = Some(content_length(header.value)?);
        } else if is("connection") {
            if !header.value.eq_ignore_ascii_case(b"keep-alive") {
                return None;
            }
        } else if is("transfer-encoding") || is("upgrade") || is("expect") || is("te") {
            return None;
        }
    }
    Some(length.unwrap_or(0))
}

/// A length that can be read in one way alone.
fn content_length(value: &[u8]) -> Option<usize> {
    let digits =
        value.iter().all(u8::is_ascii_digit) && (value == b"0" || !value.starts_with(b"0"));
    let length = std::str::from_utf8(value).ok().filter(|_| digits)?.parse().ok()?;
    (length <= LONGEST_BODY).then_some(length)
}

/// Where `part` lies within `whole`, of which it is a part and which is no longer than [`LONGEST`].
fn place(whole: &[u8], part: &[u8]) -> Place {
    let Range { start, end } = header_names::place(whole, part);
    let fits = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    fits(start)..fits(end)
}

/// The head as HTTP libraries have it; `None` where they do not take it.
fn parts(
    raw: &Bytes,
    method: Method,
    target: Place,
    headers: &[(Place, Place)],
    names: &mut Names,
) -> Option<Parts> {
    let bytes = |place: &Place| raw.get(usize::from(place.start)..usize::from(place.end));
    let slice = |place: &Place| Some(raw.slice_ref(bytes(place)?));
    let mut map = HeaderMap::with_capacity(headers.len());
    for (at, (name, value)) in headers.iter().enumerate() {
        let name = names.read(at, bytes(name)?)?;
        map.append(name, HeaderValue::from_maybe_shared(slice(value)?).ok()?);
    }
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = method;
    parts.uri = Uri::from_maybe_shared(slice(&target)?).ok()?;
    parts.headers = map;
    Some(parts)
}

#[cfg(test)]
mod against_hyper;

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    const CHECK: &str = "GET /outpost.goauthentik.io/auth/nginx HTTP/1.1\r\n";

    fn taken(sent: &str) -> (Read<Head>, String) {
        let mut bytes = BytesMut::from(sent);
        let read = take(&mut bytes, 512, &mut Names::default());
        (read, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn a_request_is_read_as_it_was_sent_and_what_follows_stays() {
        let head = format!(
            "{CHECK}Host: outpost:9000\r\nX-Original-URL: https://app.test/a?b\r\ncookie:a=1 \r\n\
             Cookie: b=\u{fc}\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n"
        );
        let (Read::Whole(read), rest) = taken(&format!("{head}GET /next")) else {
            panic!("not taken")
        };
        assert_eq!((&read.raw[..], read.body, &*rest), (head.as_bytes(), 0, "GET /next"));
        let check = read.request;
        assert_eq!((check.method, check.version), (Method::GET, http::Version::HTTP_11));
        assert_eq!(check.uri, "/outpost.goauthentik.io/auth/nginx");
        let cookies: Vec<_> = check.headers.get_all("cookie").into_iter().collect();
        assert_eq!(cookies, ["a=1".as_bytes(), "b=\u{fc}".as_bytes()]);
        assert_eq!(check.headers["x-original-url"], "https://app.test/a?b");
        assert_eq!(check.headers.len(), 6);
    }

    #[test]
    fn names_are_those_that_were_sent_whatever_came_before() {
        let mut names = Names::default();
        for lines in [
            "Host: a\r\nX-One: 1\r\nX-Two: 2\r\n",
            "Host: a\r\nX-One: 1\r\nX-Two: 2\r\n",
            "host: a\r\nX-Two: 2\r\nX-One: 1\r\nX-One: 3\r\n",
            "Host: a\r\n",
            "Host: a\r\nX-Two: 2\r\nX-O: 1\r\nX-One: 3\r\nCookie: c\r\nX-Three: 3\r\n",
        ] {
            let mut bytes = BytesMut::from(&*format!("{CHECK}{lines}\r\n"));
            let Read::Whole(read) = take(&mut bytes, 512, &mut names) else { panic!("{lines}") };
            let headers = read.request.headers;
            let mut expected = HeaderMap::new();
            for line in lines.lines() {
                let (name, value) = line.split_once(": ").unwrap();
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                expected.append(name, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(headers, expected);
        }
    }

    #[test]
    fn hyper_gets_whatever_is_of_unknown_length_or_may_be_the_last_of_its_connection() {
        for line in [
            "Content-Length: 1048577",
            "Content-Length: 99999999999999999999999",
            "Content-Length: 01",
            "Content-Length: +1",
            "Content-Length: 5\r\nContent-Length: 5",
            "TE: trailers",
            "Content-Length: 00",
            "Content-Length: 0, 0",
            "Content-Length:",
            "Transfer-Encoding: chunked",
            "transfer-encoding: identity",
            "Upgrade: websocket",
            "Expect: 100-continue",
            "Connection: close",
            "Connection: keep-alive, upgrade",
            "Folded: a\r\n b",
            "No colon",
            "A name: x",
        ] {
            let sent = format!("{CHECK}Host: a\r\n{line}\r\n\r\n");
            let (read, rest) = taken(&sent);
            assert!(matches!(read, Read::Other), "{line}");
            assert_eq!(rest, sent, "nothing is lost");
        }
        for (from, to) in [("1.1", "1.0"), ("GET", "CONNECT")] {
            let other = CHECK.replace(from, to) + "\r\n";
            assert!(matches!(taken(&other).0, Read::Other), "{to}");
        }
        let many = format!("{CHECK}{}\r\n", "A: b\r\n".repeat(LINES + 1));
        assert!(matches!(taken(&many).0, Read::Other));
        let three = format!("{CHECK}{}\r\n", "A: b\r\n".repeat(3));
        for (lines, whole) in [(2, false), (3, true)] {
            let read = take(&mut BytesMut::from(&*three), lines, &mut Names::default());
            assert_eq!(matches!(read, Read::Whole(_)), whole, "as many as the settings allow");
        }
        let long = format!("{CHECK}A: {}\r\n\r\n", "b".repeat(LONGEST));
        assert!(matches!(taken(&long).0, Read::Other));
        assert!(matches!(taken(&long[..LONGEST]).0, Read::Other));
        let line = "x".repeat(LONGEST);
        assert!(matches!(taken(&line).0, Read::Other), "a line that does not end");
        assert!(matches!(taken(&line[1..]).0, Read::Part));
    }

    #[test]
    fn a_head_is_waited_for_wherever_it_is_cut() {
        let whole = format!("{CHECK}Host: a\r\nX-Forwarded-Uri: /\r\n\r\n");
        for cut in 0..whole.len() {
            let (read, rest) = taken(&whole[..cut]);
            assert!(matches!(read, Read::Part), "{cut}");
            assert_eq!(rest, whole[..cut]);
        }
        assert!(matches!(taken(&whole).0, Read::Whole(_)));
    }

    #[test]
    fn a_body_is_as_long_as_its_head_says() {
        for (line, length) in [
            ("Content-Length: 1", 1),
            ("content-length:1048576", LONGEST_BODY),
            ("Content-Length: 0", 0),
            ("Accept: */*", 0),
        ] {
            let head = format!("POST /upload HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
            let (read, rest) = taken(&format!("{head}body"));
            let Read::Whole(read) = read else { panic!("{line}") };
            assert_eq!((&read.raw[..], read.body, &*rest), (head.as_bytes(), length, "body"));
        }
    }

    #[test]
    fn targets_of_every_form_are_read_and_what_is_none_is_left_to_hyper() {
        for target in ["/a//b/../%2e?x=%20&y", "http://a/outpost.goauthentik.io/auth/nginx", "*"] {
            let (read, _) = taken(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
            let Read::Whole(read) = read else { panic!("{target}") };
            assert_eq!(read.request.uri.to_string(), target);
        }
        let none = "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\nnext";
        let (read, rest) = taken(none);
        assert!(matches!(read, Read::Other) && rest == none, "nothing is lost");
    }
}
