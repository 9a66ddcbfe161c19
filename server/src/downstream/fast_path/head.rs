//! The head of a request of HTTP/1.1, read where the fast path may take it up: by the parser that hyper
//! uses, too, and only where nothing is in doubt about where the request ends.

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Uri};
use httparse::{Header, Status};
use outpost_decision::OUTPOST_PREFIX;
use outpost_decision::endpoint::AKPROX_PREFIX;

use crate::downstream::wire::Read;

/// Most lines of headers. Nearly no request has more; hyper takes those that do.
const LINES: usize = 64;

/// Longest head, in bytes. Positions within it are kept in 16 bits.
const LONGEST: usize = 32 * 1024;

/// A request without a body, after which its connection goes on.
pub(super) struct Head {
    /// As it was sent.
    pub(super) raw: Bytes,
    /// The same, read, where a reverse proxy asks.
    pub(super) check: Option<Parts>,
}

/// Names of headers as they were sent, and read, each at the place where it stood in the head before:
/// reverse proxies send the same ones in the same order all the time.
#[derive(Default)]
pub(super) struct Names(Vec<(Bytes, HeaderName)>);

impl Names {
    /// Longest name that is remembered: a connection is not to keep much.
    const LONGEST: usize = 64;

    fn read(&mut self, at: usize, sent: &[u8]) -> Option<HeaderName> {
        if let Some((before, name)) = self.0.get(at)
            && before == sent
        {
            return Some(name.clone());
        }
        let name = HeaderName::from_bytes(sent).ok()?;
        if sent.len() <= Self::LONGEST {
            let entry = (Bytes::copy_from_slice(sent), name.clone());
            if let Some(before) = self.0.get_mut(at) {
                *before = entry;
            } else if self.0.len() == at {
                self.0.push(entry);
            }
        }
        Some(name)
    }
}

/// Where a part of the head lies.
type Place = Range<u16>;

/// Takes the next head out of what has come, if it has no more header `lines` than that. Requests other
/// than those of reverse proxies that ask are taken only if it `lends`; else they are where the fast path
/// ends.
pub(super) fn take(
    bytes: &mut BytesMut,
    lends: bool,
    lines: usize,
    names: &mut Names,
) -> Read<Head> {
    let check = match asks(bytes) {
        None if bytes.len() < LONGEST => return Read::Part,
        None => return Read::Other,
        Some(false) if !lends => return Read::Other,
        Some(check) => check,
    };
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
    if !goes_on || !request.headers.iter().all(ends_at_its_head) {
        return Read::Other;
    }
    if !check {
        return Read::Whole(Head { raw: bytes.split_to(length).freeze(), check: None });
    }
    let method = request.method.map(|method| Method::from_bytes(method.as_bytes()));
    let target = request.path.map(|path| place(bytes, path.as_bytes()));
    let (Some(Ok(method)), Some(target)) = (method, target) else { return Read::Other };
    let mut places = [const { (0..0, 0..0) }; LINES];
    let count = request.headers.len();
    for (places, header) in places.iter_mut().zip(request.headers.iter()) {
        *places = (place(bytes, header.name.as_bytes()), place(bytes, header.value));
    }
    let raw = bytes.split_to(length).freeze();
    let check = parts(&raw, method, target, &places[..count], names);
    Read::Whole(Head { raw, check })
}

/// Whether a reverse proxy asks; `None` when that cannot be told yet.
fn asks(bytes: &[u8]) -> Option<bool> {
    let line = &bytes[..bytes.iter().position(|byte| *byte == b'\n')?];
    let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let below = |prefix: &str| target.strip_prefix(prefix.as_bytes());
    let today = below(OUTPOST_PREFIX).is_some_and(|rest| rest.starts_with(b"/auth/"));
    Some(today || below(AKPROX_PREFIX).is_some_and(|rest| rest.starts_with(b"/auth")))
}

/// Whether a header leaves it at that: no body follows the head, and after the answer comes the next
/// request.
fn ends_at_its_head(header: &Header<'_>) -> bool {
    let is = |name: &str| header.name.eq_ignore_ascii_case(name);
    if is("content-length") {
        return header.value == b"0";
    }
    if is("connection") {
        return header.value.eq_ignore_ascii_case(b"keep-alive");
    }
    !(is("transfer-encoding") || is("upgrade") || is("expect"))
}

/// Where `part` lies within `whole`, of which it is a part and which is no longer than [`LONGEST`].
fn place(whole: &[u8], part: &[u8]) -> Place {
    let begin = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    let fits = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    fits(begin)..fits(begin + part.len())
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
    use super::*;

    const CHECK: &str = "GET /outpost.goauthentik.io/auth/nginx HTTP/1.1\r\n";

    fn taken(sent: &str, lends: bool) -> (Read<Head>, String) {
        let mut bytes = BytesMut::from(sent);
        let read = take(&mut bytes, lends, 512, &mut Names::default());
        (read, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn a_check_is_read_as_it_was_sent_and_what_follows_stays() {
        let head = format!(
            "{CHECK}Host: outpost:9000\r\nX-Original-URL: https://app.test/a?b\r\ncookie:a=1 \r\n\
             Cookie: b=\u{fc}\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n"
        );
        let (Read::Whole(read), rest) = taken(&format!("{head}GET /next"), false) else {
            panic!("not taken")
        };
        assert_eq!((&read.raw[..], &*rest), (head.as_bytes(), "GET /next"));
        let check = read.check.unwrap();
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
            let Read::Whole(read) = take(&mut bytes, false, 512, &mut names) else {
                panic!("{lines}")
            };
            let headers = read.check.unwrap().headers;
            let mut expected = HeaderMap::new();
            for line in lines.lines() {
                let (name, value) = line.split_once(": ").unwrap();
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                expected.append(name, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(headers, expected);
        }
        let long = "X".repeat(Names::LONGEST + 1);
        assert!(names.read(0, long.as_bytes()).is_some());
        assert!(names.0.iter().all(|(sent, _)| sent.len() <= Names::LONGEST));
    }

    #[test]
    fn hyper_gets_whatever_may_have_a_body_or_be_the_last_of_its_connection() {
        for line in [
            "Content-Length: 1",
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
            let (read, rest) = taken(&sent, true);
            assert!(matches!(read, Read::Other), "{line}");
            assert_eq!(rest, sent, "nothing is lost");
        }
        for (from, to) in [("1.1", "1.0"), ("GET", "CONNECT")] {
            let other = CHECK.replace(from, to) + "\r\n";
            assert!(matches!(taken(&other, true).0, Read::Other), "{to}");
        }
        let many = format!("{CHECK}{}\r\n", "A: b\r\n".repeat(LINES + 1));
        assert!(matches!(taken(&many, true).0, Read::Other));
        let three = format!("{CHECK}{}\r\n", "A: b\r\n".repeat(3));
        for (lines, whole) in [(2, false), (3, true)] {
            let read = take(&mut BytesMut::from(&*three), true, lines, &mut Names::default());
            assert_eq!(matches!(read, Read::Whole(_)), whole, "as many as the settings allow");
        }
        let long = format!("{CHECK}A: {}\r\n\r\n", "b".repeat(LONGEST));
        assert!(matches!(taken(&long, true).0, Read::Other));
        assert!(matches!(taken(&long[..LONGEST], true).0, Read::Other));
        let line = "x".repeat(LONGEST);
        assert!(matches!(taken(&line, false).0, Read::Other), "a line that does not end");
        assert!(matches!(taken(&line[1..], false).0, Read::Part));
    }

    #[test]
    fn a_head_is_waited_for_wherever_it_is_cut() {
        let whole = format!("{CHECK}Host: a\r\nX-Forwarded-Uri: /\r\n\r\n");
        for cut in 0..whole.len() {
            let (read, rest) = taken(&whole[..cut], false);
            assert!(matches!(read, Read::Part), "{cut}");
            assert_eq!(rest, whole[..cut]);
        }
        assert!(matches!(taken(&whole, false).0, Read::Whole(_)));
    }

    #[test]
    fn other_requests_are_for_hyper_at_once_or_lent() {
        let sent = "GET /outpost.goauthentik.io/start?rd=/auth/nginx HTTP/1.1\r\nHost: a\r\n\r\n";
        assert!(matches!(taken(sent, false).0, Read::Other));
        let (Read::Whole(read), rest) = taken(sent, true) else { panic!("not taken") };
        assert!(read.check.is_none() && read.raw == sent && rest.is_empty());
        for (target, check) in [
            ("/outpost.goauthentik.io/auth/envoy/page?x", true),
            ("/akprox/auth?nginx", true),
            ("/akprox/auth%3Fnginx", true),
            ("/akprox/start", false),
            ("/outpost.goauthentik.io/auth", false),
            ("/app/outpost.goauthentik.io/auth/nginx", false),
            ("http://a/outpost.goauthentik.io/auth/nginx", false),
            ("*", false),
        ] {
            let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let is_taken =
                matches!(taken(&head, false).0, Read::Whole(Head { check: Some(_), .. }));
            assert_eq!(is_taken, check, "{target}");
        }
        assert!(matches!(taken("\r\nGET / HTTP/1.1\r\n\r\n", false).0, Read::Other));
    }
}
