//! The head of an answer (RFC 9112 4 to 6), and what it says of the body that follows.

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::response::Parts;
use http::{Method, Response, StatusCode, Version};
use httparse::{ParserConfig, Status};
use thiserror::Error;

use crate::header_names::{Names, place};
use crate::upstream::protocol::tokens;

/// Most lines of headers. Some applications set dozens of cookies.
pub(in crate::upstream) const LINES: usize = 256;

/// Longest head, in bytes.
const LONGEST: usize = 256 * 1024;

/// Why an answer is none.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(in crate::upstream) enum Malformed {
    #[error("its head is not HTTP: {0}")]
    Head(#[from] httparse::Error),
    #[error("its head is longer than {LONGEST} bytes")]
    TooLong,
    #[error("it has a header that HTTP does not allow")]
    Header,
    #[error("it says in two ways how long its body is, or in none that can be read")]
    Length,
    #[error("its body is in a transfer coding that nobody asked for")]
    Coding,
    #[error("a chunk of its body does not begin or end as one")]
    Chunk,
    #[error("its trailers cannot be read, or are too long")]
    Trailers,
}

/// How the end of a body is told (RFC 9112 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// This many bytes, perhaps none.
    Length(u64),
    Chunked,
    /// It ends with the connection.
    Close,
}

/// A head that was read.
pub(super) struct Head {
    pub(super) parts: Parts,
    pub(super) framing: Framing,
    /// Whether the connection may serve another request after this one.
    pub(super) keeps: bool,
}

/// What reading heads takes, kept from one to the next.
#[derive(Default)]
pub(super) struct Reader {
    names: Names,
    /// Where names and values lie.
    places: Vec<(Range<usize>, Range<usize>)>,
}

impl Reader {
    /// Takes the next head of an answer to a request with this `method` out of what has come; `None` while
    /// not all of it is there.
    pub(super) fn take(
        &mut self,
        bytes: &mut BytesMut,
        method: &Method,
    ) -> Result<Option<Head>, Malformed> {
        let mut room = [const { MaybeUninit::uninit() }; LINES];
        let mut answer = httparse::Response::new(&mut []);
        let mut config = ParserConfig::default();
        // RFC 9112 5.1 and 5.2: a proxy takes these and sends the cleaned form on.
        config.allow_spaces_after_header_name_in_responses(true);
        config.allow_obsolete_multiline_headers_in_responses(true);
        let parsed = config.parse_response_with_uninit_headers(&mut answer, bytes, &mut room)?;
        let length = match parsed {
            Status::Complete(length) if length <= LONGEST => length,
            Status::Partial if bytes.len() < LONGEST => return Ok(None),
            _ => return Err(Malformed::TooLong),
        };
        let status = answer.code.and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.ok_or(httparse::Error::Status)?;
        let version = match answer.version {
            Some(0) => Version::HTTP_10,
            _ => Version::HTTP_11,
        };
        self.places.clear();
        self.places.extend(
            answer
                .headers
                .iter()
                .map(|header| (place(bytes, header.name.as_bytes()), place(bytes, header.value))),
        );
        let raw = bytes.split_to(length).freeze();
        let headers = self.headers(&raw)?;
        let framing = framing(status, version, &headers, method)?;
        let keeps = keeps(version, &headers, framing);
        let (mut parts, ()) = Response::new(()).into_parts();
        (parts.status, parts.version, parts.headers) = (status, version, headers);
        Ok(Some(Head { parts, framing, keeps }))
    }

    fn headers(&mut self, raw: &Bytes) -> Result<HeaderMap, Malformed> {
        let mut headers = HeaderMap::with_capacity(self.places.len());
        for (at, (name, value)) in self.places.iter().enumerate() {
            let name = self.names.read(at, &raw[name.clone()]).ok_or(Malformed::Header)?;
            let value = match HeaderValue::from_maybe_shared(raw.slice(value.clone())) {
                Ok(value) => value,
                Err(_) => unfolded(&raw[value.clone()])?,
            };
            headers.append(name, value);
        }
        Ok(headers)
    }
}

/// A value that goes on over several lines, in one (RFC 9112 5.2).
fn unfolded(value: &[u8]) -> Result<HeaderValue, Malformed> {
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
    HeaderValue::from_bytes(&lines.join(&b' ')).map_err(|_| Malformed::Header)
}

fn framing(
    status: StatusCode,
    version: Version,
    headers: &HeaderMap,
    method: &Method,
) -> Result<Framing, Malformed> {
    // Whatever they say of a length.
    if status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || *method == Method::HEAD
    {
        return Ok(Framing::Length(0));
    }
    let length = length(headers)?;
    let mut codings = tokens(headers, TRANSFER_ENCODING)
        // What it meant before it was struck out: none.
        .filter(|coding| !coding.eq_ignore_ascii_case("identity"));
    match (codings.next(), codings.next()) {
        (None, _) => Ok(length.map_or(Framing::Close, Framing::Length)),
        // RFC 9112 6.1: what a server of HTTP/1.0 says of codings is not its own.
        (Some(coding), None)
            if coding.eq_ignore_ascii_case("chunked") && version == Version::HTTP_11 =>
        {
            Ok(Framing::Chunked)
        }
        _ => Err(Malformed::Coding),
    }
}

/// What all of its lengths say, of which each may be a list (RFC 9110 8.6).
fn length(headers: &HeaderMap) -> Result<Option<u64>, Malformed> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        let value = value.to_str().map_err(|_| Malformed::Length)?;
        for one in value.split(',').map(str::trim) {
            let digits = !one.is_empty() && one.bytes().all(|byte| byte.is_ascii_digit());
            let one = one.parse().ok().filter(|_| digits).ok_or(Malformed::Length)?;
            if length.is_some_and(|length| length != one) {
                return Err(Malformed::Length);
            }
            length = Some(one);
        }
    }
    Ok(length)
}

/// Whether the connection goes on (RFC 9112 9.3). After an answer that says in two ways where it ends, it does
/// not (6.3).
fn keeps(version: Version, headers: &HeaderMap, framing: Framing) -> bool {
    let says =
        |option: &str| tokens(headers, CONNECTION).any(|token| token.eq_ignore_ascii_case(option));
    let doubtful = headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH);
    let goes_on = match version {
        Version::HTTP_11 => !says("close"),
        _ => says("keep-alive") && !says("close"),
    };
    goes_on && !doubtful && framing != Framing::Close
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(answer: &str, method: Method) -> Result<Option<Head>, Malformed> {
        Reader::default().take(&mut BytesMut::from(answer), &method)
    }

    fn got(answer: &str) -> Head {
        read(answer, Method::GET).unwrap().unwrap()
    }

    #[test]
    fn a_head_is_read_as_it_was_sent_and_what_follows_stays() {
        let mut reader = Reader::default();
        let sent = "HTTP/1.1 404 Nothing here\r\nServer: a\r\nSet-Cookie: a=1\r\nset-cookie:b=\u{fc} \r\n\
                    Content-Length: 3\r\n\r\n";
        for _ in 0..2 {
            let mut bytes = BytesMut::from(&*format!("{sent}abc"));
            let head = reader.take(&mut bytes, &Method::GET).unwrap().unwrap();
            assert_eq!(&bytes[..], b"abc");
            assert_eq!(head.parts.status, StatusCode::NOT_FOUND);
            let cookies: Vec<_> = head.parts.headers.get_all("set-cookie").into_iter().collect();
            assert_eq!(cookies, ["a=1".as_bytes(), "b=\u{fc}".as_bytes()]);
            assert_eq!((head.framing, head.keeps), (Framing::Length(3), true));
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_in_one_way(
            lines in prop::collection::vec(prop_oneof![
                prop::sample::select(vec![
                    "Content-Length: 3\r\n", "Content-Length: 4\r\n", "Connection: close\r\n",
                    "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n",
                    " folded\r\n", "A : b\r\n", "\r\n", "\r", "\n", ":", "\0", "HTTP/1.1 200 OK\r\n",
                ]).prop_map(|line| line.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..6),
            ], 0..8),
            status in prop::sample::select(vec!["HTTP/1.1 200 OK\r\n", "HTTP/1.0 304\r\n", ""]),
            cut in any::<prop::sample::Index>(),
        ) {
            let sent = [status.as_bytes(), &lines.concat(), b"\r\n"].concat();
            let told = |head: Option<Head>, left: &BytesMut| {
                let head = head.map(|head| (head.parts.status, head.parts.headers, head.framing, head.keeps));
                (head, left.to_vec())
            };
            let mut whole = BytesMut::from(&sent[..]);
            let expected = Reader::default().take(&mut whole, &Method::GET).map(|head| told(head, &whole));
            let cut = cut.index(sent.len());
            let (mut reader, mut part) = (Reader::default(), BytesMut::from(&sent[..cut]));
            let got = match reader.take(&mut part, &Method::GET) {
                Ok(None) => {
                    part.extend_from_slice(&sent[cut..]);
                    reader.take(&mut part, &Method::GET).map(|head| told(head, &part))
                }
                other => other.map(|head| {
                    part.extend_from_slice(&sent[cut..]);
                    told(head, &part)
                }),
            };
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn a_head_is_waited_for_wherever_it_is_cut() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: b\r\n\r\n";
        for cut in 0..whole.len() {
            let mut bytes = BytesMut::from(&whole[..cut]);
            assert!(Reader::default().take(&mut bytes, &Method::GET).unwrap().is_none(), "{cut}");
            assert_eq!(bytes, whole[..cut]);
        }
    }

    #[test]
    fn the_end_of_a_body_is_told_in_one_way() {
        let framing = |lines: &str| {
            read(&format!("HTTP/1.1 200 OK\r\n{lines}\r\n"), Method::GET)
                .map(|head| head.unwrap().framing)
        };
        for (lines, expected) in [
            ("", Ok(Framing::Close)),
            ("Content-Length: 0\r\n", Ok(Framing::Length(0))),
            ("Content-Length: 007\r\n", Ok(Framing::Length(7))),
            ("Content-Length: 7\r\nContent-Length: 7, 7\r\n", Ok(Framing::Length(7))),
            ("Transfer-Encoding: Chunked\r\n", Ok(Framing::Chunked)),
            ("Transfer-Encoding: identity\r\nContent-Length: 7\r\n", Ok(Framing::Length(7))),
            ("Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", Ok(Framing::Chunked)),
            ("Content-Length: 7\r\nContent-Length: 8\r\n", Err(Malformed::Length)),
            ("Content-Length: 7, 8\r\n", Err(Malformed::Length)),
            ("Content-Length: 7,\r\n", Err(Malformed::Length)),
            ("Content-Length: +7\r\n", Err(Malformed::Length)),
            ("Content-Length: -7\r\n", Err(Malformed::Length)),
            ("Content-Length:\r\n", Err(Malformed::Length)),
            ("Content-Length: \u{fc}\r\n", Err(Malformed::Length)),
            ("Content-Length: 99999999999999999999\r\n", Err(Malformed::Length)),
            ("Transfer-Encoding: gzip, chunked\r\n", Err(Malformed::Coding)),
            ("Transfer-Encoding: chunked, chunked\r\n", Err(Malformed::Coding)),
            ("Transfer-Encoding: gzip\r\nContent-Length: 7\r\n", Err(Malformed::Coding)),
            ("Transfer-Encoding: chunked\r\nContent-Length: x\r\n", Err(Malformed::Length)),
        ] {
            assert_eq!(framing(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn answers_that_have_no_body_end_with_their_head_whatever_it_says() {
        let lines = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
        for (status, method) in
            [(200, Method::HEAD), (204, Method::GET), (304, Method::GET), (103, Method::GET)]
        {
            let head =
                read(&format!("HTTP/1.1 {status} x\r\n{lines}\r\n"), method).unwrap().unwrap();
            assert_eq!(head.framing, Framing::Length(0), "{status}");
        }
    }

    #[test]
    fn a_connection_goes_on_where_nothing_speaks_against_it() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: x, Keep-Alive\r\nContent-Length: 0\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", false),
        ] {
            assert_eq!(got(answer).keeps, expected, "{answer}");
        }
    }

    #[test]
    fn what_old_servers_do_with_spaces_is_cleaned() {
        let head = got("HTTP/1.1 200\r\nServer : a\r\nX-Folded: a\r\n\t b\r\n  c \r\nX: y\r\n\r\n");
        assert_eq!(head.parts.headers["server"], "a");
        assert_eq!(head.parts.headers["x-folded"], "a b c");
        assert_eq!(head.parts.headers["x"], "y");
    }

    #[test]
    fn what_is_no_answer_is_told_from_one_that_is_not_whole() {
        for none in [
            "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 099 OK\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(read(none, Method::GET).is_err(), "{none}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(LINES + 1));
        assert!(read(&many, Method::GET).is_err());
        let long = format!("HTTP/1.1 200 OK\r\nA: {}", "b".repeat(LONGEST));
        assert_eq!(read(&long, Method::GET).err(), Some(Malformed::TooLong));
    }
}
