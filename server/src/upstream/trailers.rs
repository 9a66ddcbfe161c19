//! Trailers, both ways. Those of a request pass if its head announced them (RFC 9110 6.6.2) and
//! they would pass as headers; those of an answer pass unless no trailer may have their name.

use http::header::{CONNECTION, TRAILER};
use http::{HeaderMap, HeaderName, HeaderValue};
use outpost_decision::trailers::may_trail;

use super::protocol::{is_framing, tokens};

/// What a `Trailer` header may announce: of `names`, those that `pass` and that may trail.
pub(super) fn announcement<'a>(
    names: impl Iterator<Item = &'a str>,
    pass: impl Fn(&str) -> bool,
) -> Vec<HeaderName> {
    names
        .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .filter(|name| may_pass(name) && pass(name.as_str()))
        .collect()
}

/// The value of a `Trailer` header; `None` where there is nothing to announce.
pub(super) fn value(names: &[HeaderName]) -> Option<HeaderValue> {
    if names.is_empty() {
        return None;
    }
    let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
    HeaderValue::try_from(names.join(", ")).ok()
}

/// Of a request's trailers, those with these names.
pub(super) fn announced(mut sent: HeaderMap, names: &[HeaderName]) -> HeaderMap {
    remove(&mut sent, |name| !names.contains(name));
    sent
}

/// An answer's trailers, as far as they may pass.
pub(super) fn of_answer(mut sent: HeaderMap) -> HeaderMap {
    remove(&mut sent, |name| !may_pass(name));
    sent
}

/// The `Trailer` header of an answer, anew. `head`: the upstream's.
pub(super) fn of_answer_announced(head: &HeaderMap) -> Option<HeaderValue> {
    let of_connection: Vec<&str> = tokens(head, CONNECTION).collect();
    value(&announcement(tokens(head, TRAILER), |name| {
        !of_connection.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    }))
}

fn may_pass(name: &HeaderName) -> bool {
    may_trail(name.as_str()) && !is_framing(name.as_str())
}

fn remove(headers: &mut HeaderMap, gone: impl Fn(&HeaderName) -> bool) {
    let gone: Vec<HeaderName> = headers.keys().filter(|name| gone(name)).cloned().collect();
    for name in gone {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn what_would_not_pass_as_a_header_is_not_announced() {
        let names = "X-Sum, x-authentik-username,Content-Length, Host,TE, a b, , X-Time";
        let names =
            announcement(names.split(',').map(str::trim), |name| !name.starts_with("x-authentik"));
        assert_eq!(names, ["x-sum", "x-time"]);
        assert_eq!(value(&names).unwrap(), "x-sum, x-time");
        assert_eq!(value(&[]), None);
    }

    #[test]
    fn only_what_was_announced_follows_a_request() {
        let sent = map(&[("x-sum", "1"), ("x-authentik-username", "mallory"), ("cookie", "a=b")]);
        let names = [HeaderName::from_static("x-sum"), HeaderName::from_static("x-time")];
        assert_eq!(announced(sent, &names), map(&[("x-sum", "1")]));
    }

    #[test]
    fn what_decides_about_an_answer_does_not_follow_it() {
        let sent = map(&[("grpc-status", "0"), ("content-length", "7"), ("set-cookie", "a=b")]);
        assert_eq!(of_answer(sent), map(&[("grpc-status", "0")]));
        let head = map(&[("trailer", "Grpc-Status, X-Hop, Set-Cookie"), ("connection", "x-hop")]);
        assert_eq!(of_answer_announced(&head).unwrap(), "grpc-status");
        assert_eq!(of_answer_announced(&map(&[])), None);
    }
}
