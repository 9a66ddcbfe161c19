//! A request as the HTTP libraries give it, turned into one for actix-web, which still uses the
//! types of an older `http` crate.

use actix_http::{HttpMessage, Method, Payload, Request, Version};
use actix_web::http::Uri;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::uri::PathAndQuery;
use bytes::{Bytes, BytesMut};

use crate::carried::Carried;

/// A request that one crate takes and the other refuses; none is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Builds the request.
pub(super) fn adapt(payload: Payload, carried: Carried) -> Result<Request, Unreadable> {
    let head = carried.head();
    let mut request = Request::with_payload(payload);
    let ours = request.head_mut();
    ours.peer_addr = carried.connection().peer;
    ours.method = Method::from_bytes(head.method.as_str().as_bytes()).map_err(|_| Unreadable)?;
    ours.version = match head.version {
        http::Version::HTTP_10 => Version::HTTP_10,
        http::Version::HTTP_11 => Version::HTTP_11,
        http::Version::HTTP_2 => Version::HTTP_2,
        _ => return Err(Unreadable),
    };
    ours.uri = uri(&head.uri)?;

    // One allocation for all values, of which each is a part.
    let mut values =
        BytesMut::with_capacity(head.headers.values().map(http::HeaderValue::len).sum());
    for value in head.headers.values() {
        values.extend_from_slice(value.as_bytes());
    }
    let mut values = values.freeze();
    for (name, value) in &head.headers {
        let bytes = values.split_to(value.len());
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|_| Unreadable)?;
        let value = HeaderValue::from_maybe_shared(bytes).map_err(|_| Unreadable)?;
        ours.headers.append(name, value);
    }
    request.extensions_mut().insert(carried);
    Ok(request)
}

fn uri(uri: &http::Uri) -> Result<Uri, Unreadable> {
    // Nearly always: the path alone.
    if uri.authority().is_none() && uri.scheme().is_none() {
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let path = Bytes::copy_from_slice(path.as_bytes());
        return PathAndQuery::from_maybe_shared(path).map(Uri::from).map_err(|_| Unreadable);
    }
    Uri::from_maybe_shared(Bytes::from(uri.to_string())).map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Arc;

    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::carried::{Connection, InterimSink};

    struct Nowhere;

    impl InterimSink for Nowhere {
        fn send(&self, _: StatusCode, _: &HeaderMap) {}
    }

    fn adapted(request: http::request::Builder) -> Result<Request, Unreadable> {
        let peer = Some("192.0.2.7:1234".parse().unwrap());
        let connection = Connection { peer, tls: true, server_name: None };
        let (head, ()) = request.body(()).unwrap().into_parts();
        let carried = Carried::new(head, usize::MAX, Rc::new(connection), Arc::new(Nowhere), None);
        adapt(Payload::None, carried)
    }

    #[test]
    fn a_request_stays_what_it_was() {
        let request = http::Request::builder()
            .method("PROPFIND")
            .uri("/a//b/../%2e?x=%20&y")
            .header("Host", "app.test")
            .header("Cookie", "a=1")
            .header("Empty", "")
            .header("Cookie", "b=2")
            .header("X-Odd", http::HeaderValue::from_bytes(b"\xff\t ").unwrap());
        let adapted = adapted(request).unwrap();
        assert_eq!(adapted.method().as_str(), "PROPFIND");
        assert_eq!(adapted.uri().to_string(), "/a//b/../%2e?x=%20&y");
        assert_eq!(adapted.version(), Version::HTTP_11);
        let of = |name: &str| -> Vec<&[u8]> {
            adapted.headers().get_all(name).map(HeaderValue::as_bytes).collect()
        };
        assert_eq!(of("host"), [b"app.test"]);
        assert_eq!(of("cookie"), [b"a=1", b"b=2"]);
        assert_eq!(of("empty"), [b""]);
        assert_eq!(of("x-odd"), [b"\xff\t "]);
        assert_eq!(adapted.peer_addr().unwrap().to_string(), "192.0.2.7:1234");
        assert!(adapted.extensions().get::<Carried>().unwrap().connection().tls);
    }

    #[test]
    fn targets_of_every_form() {
        for target in ["/", "*", "http://app.test/x?y", "https://app.test:8443/", "/?", "/x?a?b"] {
            let adapted = adapted(http::Request::builder().uri(target)).unwrap();
            assert_eq!(adapted.uri().to_string(), target);
        }
    }
}
