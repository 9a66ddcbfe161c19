//! Answers that are all head, most of which many of them share: nothing of it is made, or written out,
//! more than once.

use std::rc::Rc;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};

use super::title_case::title_case;

/// An answer without a body.
#[derive(Debug)]
pub struct HeadAnswer {
    shared: Rc<SharedHead>,
    own: Vec<(HeaderName, HeaderValue)>,
}

/// What answers have in common, as a map and as HTTP/1.1 writes it.
#[derive(Debug)]
pub struct SharedHead {
    status: StatusCode,
    headers: HeaderMap,
    lines: Box<[u8]>,
}

impl SharedHead {
    /// Of answers with this status and these headers.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap) -> Rc<Self> {
        let mut lines = format!("HTTP/1.1 {status}\r\n").into_bytes();
        for (name, value) in &headers {
            write_header(&mut lines, name, value);
        }
        Rc::new(Self { status, headers, lines: lines.into() })
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl HeadAnswer {
    /// Made of what it shares, so far.
    #[must_use]
    pub fn new(shared: Rc<SharedHead>) -> Self {
        // Nearly always enough.
        Self { shared, own: Vec::with_capacity(4) }
    }

    /// Adds a header of its own, in the place of one that it shares.
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
        *headers = self.shared.headers.clone();
        for (name, value) in self.own {
            headers.insert(name, value);
        }
        response
    }

    /// Appends it as HTTP/1.1 writes it, but for the headers of the connection and the empty line.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        let replaces = |(name, _): &(HeaderName, _)| self.shared.headers.contains_key(name);
        if self.own.iter().any(replaces) {
            let shared = self.shared.headers.clone();
            return Self::merged(self.shared.status, shared, &self.own).write(to);
        }
        to.extend_from_slice(&self.shared.lines);
        for (name, value) in &self.own {
            write_header(to, name, value);
        }
    }

    /// The same with all headers shared.
    fn merged(
        status: StatusCode,
        mut headers: HeaderMap,
        own: &[(HeaderName, HeaderValue)],
    ) -> Self {
        for (name, value) in own {
            headers.insert(name.clone(), value.clone());
        }
        Self { shared: SharedHead::new(status, headers), own: Vec::new() }
    }
}

fn write_header(to: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    to.extend(title_case(name.as_str()));
    to.extend_from_slice(b": ");
    to.extend_from_slice(value.as_bytes());
    to.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(headers: &[(&'static str, &'static str)]) -> Rc<SharedHead> {
        let pair = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        SharedHead::new(StatusCode::OK, headers.iter().copied().map(pair).collect())
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
    fn a_header_of_its_own_stands_once_in_the_place_of_a_shared_one() {
        let mut answer = HeadAnswer::new(shared(&[("user-agent", "shared"), ("x-a", "1")]));
        answer.set(HeaderName::from_static("user-agent"), HeaderValue::from_static("own"));
        let mut lines: Vec<String> = written(&answer).lines().map(ToOwned::to_owned).collect();
        lines.sort();
        assert_eq!(lines, ["HTTP/1.1 200 OK", "User-Agent: own", "X-A: 1"]);
        let headers = answer.into_response().into_parts().0.headers;
        assert_eq!((headers.len(), &headers["user-agent"]), (2, &HeaderValue::from_static("own")));
    }
}
