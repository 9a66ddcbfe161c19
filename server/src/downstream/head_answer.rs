//! Answers that are all head, most of which many of them share: nothing of it is made, or written out,
//! more than once.

use std::cell::OnceCell;
use std::io::Write as _;
use std::rc::Rc;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, DATE, HeaderName, HeaderValue, SET_COOKIE,
    TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, Response, StatusCode};

use crate::header_line::{is_name, is_value, write_header, write_line, write_titled};

/// Room for what most identities take, with tokens of 2 kB.
const ROOM: usize = 4096;

/// Headers that whoever sends an answer says for himself: two of a kind would be read in two ways.
const OF_SENDERS: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING];

/// An answer without a body.
#[derive(Debug)]
pub struct HeadAnswer {
    shared: Rc<SharedHead>,
    own: Vec<(HeaderName, HeaderValue)>,
}

/// Headers that an answer may have of its own, by [`HeadAnswer::set`].
const OWN: [HeaderName; 4] =
    [USER_AGENT, AUTHORIZATION, SET_COOKIE, HeaderName::from_static("x-request-id")];

/// The same names as they are written.
const OWN_TITLED: [&str; 4] = ["User-Agent", "Authorization", "Set-Cookie", "X-Request-Id"];

/// What answers have in common, as HTTP/1.1 writes it and, where that is asked for, as a map.
#[derive(Debug)]
pub struct SharedHead {
    status: StatusCode,
    lines: Box<[u8]>,
    headers: OnceCell<HeaderMap>,
    /// Whether one of those is among its headers.
    has_own: bool,
}

impl SharedHead {
    /// Of answers with this status and these headers, each name once. What HTTP forbids is left out, and
    /// what is for whoever sends the answer to say (its length, its date, the end of the connection).
    #[must_use]
    pub fn new<'h>(
        status: StatusCode,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
    ) -> Rc<Self> {
        // Made for each session: no names are read that are only written again.
        let mut lines = Vec::with_capacity(ROOM);
        // To a vector, it cannot fail.
        let _ = write!(lines, "HTTP/1.1 {status}\r\n");
        let mut has_own = false;
        for (name, value) in headers {
            let is_one = |of: &HeaderName| name.eq_ignore_ascii_case(of.as_str());
            if !is_name(name) || !is_value(value) || OF_SENDERS.iter().any(is_one) {
                continue;
            }
            has_own |= OWN.iter().any(is_one);
            write_line(&mut lines, name, value);
        }
        Rc::new(Self { status, lines: lines.into(), headers: OnceCell::new(), has_own })
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| {
            let lines = self.lines.split(|byte| *byte == b'\n').skip(1);
            let pairs = lines.filter_map(|line| {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let (name, value) = line.split_at_checked(colon)?;
                let value = value.strip_prefix(b": ")?.strip_suffix(b"\r")?;
                Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
            });
            pairs.collect()
        })
    }
}

impl HeadAnswer {
    /// Made of what it shares, so far.
    #[must_use]
    pub fn new(shared: Rc<SharedHead>) -> Self {
        // Nearly always enough.
        Self { shared, own: Vec::with_capacity(4) }
    }

    /// Adds a header of its own (`User-Agent`, `Authorization`, `Set-Cookie` or `X-Request-Id`) in the place
    /// of one that it shares.
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.own.push((name, value));
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.shared.status
    }

    /// As HTTP libraries take it.
    #[must_use]
    pub fn into_response(self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = self.shared.status;
        let headers = response.headers_mut();
        headers.clone_from(self.shared.headers());
        for (name, value) in self.own {
            headers.insert(name, value);
        }
        response
    }

    /// Appends it as HTTP/1.1 writes it, but for the headers of the connection and the empty line.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        if self.shared.has_own {
            let replaced = |name: &HeaderName| self.own.iter().any(|(own, _)| own == name);
            let kept = self.shared.headers().iter().filter(|(name, _)| !replaced(name));
            let kept = kept.map(|(name, value)| (name.as_str(), value.as_bytes()));
            to.extend_from_slice(&SharedHead::new(self.shared.status, kept).lines);
        } else {
            to.extend_from_slice(&self.shared.lines);
        }
        for (name, value) in &self.own {
            match OWN.iter().position(|own| own == name) {
                Some(at) => write_titled(to, OWN_TITLED[at], value.as_bytes()),
                None => write_header(to, name, value.as_bytes()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(headers: &[(&'static str, &'static str)]) -> Rc<SharedHead> {
        let pairs = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        SharedHead::new(StatusCode::OK, pairs)
    }

    fn written(answer: &HeadAnswer) -> String {
        let mut to = Vec::new();
        answer.write(&mut to);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn what_is_written_is_what_the_response_says() {
        let mut answer =
            HeadAnswer::new(shared(&[("x-authentik-uid", "1"), ("cache-control", "no-store")]));
        answer.set(HeaderName::from_static("x-request-id"), HeaderValue::from_static("abc"));
        let expected = "HTTP/1.1 200 OK\r\nX-Authentik-Uid: 1\r\nCache-Control: no-store\r\nX-Request-Id: abc\r\n";
        assert_eq!(written(&answer), expected);
        let response = answer.into_response();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers().len(), 3);
        assert_eq!(response.headers()["x-request-id"], "abc");
    }

    #[test]
    fn headers_of_its_own_are_written_as_all_others_are() {
        for (name, titled) in OWN.iter().zip(OWN_TITLED) {
            let mut line = Vec::new();
            write_header(&mut line, name, b"");
            assert_eq!(String::from_utf8(line).unwrap(), format!("{titled}: \r\n"));
        }
    }

    #[test]
    fn a_header_of_its_own_stands_once_in_the_place_of_a_shared_one() {
        let mut answer = HeadAnswer::new(shared(&[("user-agent", "shared"), ("x-a", "1")]));
        answer.set(HeaderName::from_static("user-agent"), HeaderValue::from_static("own"));
        let mut lines: Vec<String> = written(&answer).lines().map(ToOwned::to_owned).collect();
        lines.sort();
        assert_eq!(lines, ["HTTP/1.1 200 OK", "User-Agent: own", "X-A: 1"]);
        let headers = answer.into_response().into_parts().0.headers;
        assert_eq!((headers.len(), &headers["user-agent"]), (2, &HeaderValue::from_static("own")));
    }

    #[test]
    fn what_http_forbids_and_what_senders_say_is_left_out() {
        let head = shared(&[
            ("x-a", "1\r\nx-b: 2"),
            ("x c", "3"),
            ("x-d", "\u{7f}"),
            ("x-e", "\tü: é "),
            ("x-f", ""),
            ("Content-Length", "5"),
            ("transfer-encoding", "chunked"),
            ("connection", "close"),
            ("Date", "yesterday"),
        ]);
        let mut expected = HeaderMap::new();
        expected.insert("x-e", HeaderValue::from_bytes("\tü: é ".as_bytes()).unwrap());
        expected.insert("x-f", HeaderValue::from_static(""));
        assert_eq!(head.headers(), &expected);
    }
}
