//! Whatever the fast path takes, hyper reads as the same request, with a body of the same length, and finds
//! the next one right behind it: nobody in front can see other requests than we do.

use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::*;

const NEXT: &str = "GET /next HTTP/1.1\r\nHost: next\r\nConnection: close\r\n\r\n";

/// What hyper makes of these bytes: each request, and the length of its body.
fn read_by_hyper(bytes: &[u8]) -> Vec<(Parts, usize)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let seen = RefCell::new(Vec::new());
    runtime.block_on(async {
        let (client, server) = tokio::io::duplex(256 * 1024);
        let service = service_fn(|request: Request<Incoming>| {
            let seen = &seen;
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.map_or(usize::MAX, |body| body.to_bytes().len());
                seen.borrow_mut().push((head, body));
                Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new()))
            }
        });
        let mut builder = http1::Builder::new();
        builder.title_case_headers(true).max_headers(512).header_read_timeout(None);
        let served = builder.serve_connection(TokioIo::new(server), service);
        let ask = async move {
            let (mut read, mut write) = tokio::io::split(client);
            write.write_all(bytes).await.unwrap();
            let mut answers = Vec::new();
            let _ = read.read_to_end(&mut answers).await;
        };
        // Where hyper waits for more than there is, the two of us differ.
        let _ = timeout(Duration::from_secs(5), async { tokio::join!(served, ask) }).await;
    });
    seen.into_inner()
}

/// Names, values and ends of lines with everything that has ever led two parsers apart.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let names = prop::sample::select(vec![
        "Host",
        "X-Original-URL",
        "cookie",
        "Content-Length",
        "content-length",
        "Content-Length ",
        " Content-Length",
        "Content_Length",
        "Transfer-Encoding",
        "TRANSFER-ENCODING",
        "Connection",
        "Expect",
        "Upgrade",
        "Trailer",
        "TE",
        "Keep-Alive",
        "X\0",
        "X:Y",
        "",
    ]);
    let values = prop_oneof![
        prop::sample::select(vec![
            "0",
            "00",
            "+0",
            "-0",
            "0 ",
            "0, 0",
            "1",
            "7",
            "",
            "chunked",
            "identity",
            "close",
            "keep-alive",
            "Keep-Alive, x",
            "100-continue",
            "a\tb",
            "a\rb",
            "\u{7f}",
            "ü",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ];
    let colons = prop::sample::select(vec![": ", ":", ":\t ", " : ", ""]);
    let ends = prop::sample::select(vec!["\r\n", "\r\n", "\r\n", "\n", "\r", "\r\n ", "\r\n\t"]);
    (names, colons, values, ends).prop_map(|(name, colon, value, end)| {
        [name.as_bytes(), colon.as_bytes(), &value, end.as_bytes()].concat()
    })
}

fn head() -> impl Strategy<Value = Vec<u8>> {
    let methods = prop::sample::select(vec!["GET", "HEAD", "POST", "CONNECT", "get", "G T", ""]);
    let targets = prop::sample::select(vec![
        "/outpost.goauthentik.io/auth/nginx",
        "/outpost.goauthentik.io/auth/envoy/a?b#c",
        "/outpost.goauthentik.io/auth/\u{fc}",
        "/akprox/auth?nginx",
        "/outpost.goauthentik.io/start",
        "http://a/outpost.goauthentik.io/auth/nginx",
        "*",
    ]);
    let versions =
        prop::sample::select(vec!["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2"]);
    let lines = prop::collection::vec(line(), 0..5);
    (methods, targets, versions, lines).prop_map(|(method, target, version, lines)| {
        let first = format!("{method} {target} {version}\r\n");
        [first.as_bytes(), &lines.concat(), b"\r\n"].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_taken_is_one_request_to_hyper_as_well(head in head()) {
        let mut bytes = BytesMut::from(&*[&head, NEXT.as_bytes()].concat());
        let sent = bytes.clone().freeze();
        match take(&mut bytes, 512, &mut Names::default()) {
            Read::Whole(taken) => {
                prop_assert_eq!(&sent[taken.raw.len()..], &bytes[..], "nothing is lost");
                prop_assert_eq!(&sent[..taken.raw.len()], &taken.raw[..]);
                let body = vec![b'x'; taken.body];
                let read = read_by_hyper(&[&taken.raw, &body[..], NEXT.as_bytes()].concat());
                let (theirs, body) = read.first().expect("hyper has read it, too");
                prop_assert_eq!(*body, taken.body);
                prop_assert_eq!(&taken.request.method, &theirs.method);
                prop_assert_eq!(&taken.request.uri, &theirs.uri);
                prop_assert_eq!(&taken.request.headers, &theirs.headers);
                prop_assert_eq!(read.len(), 2, "the next request follows");
                prop_assert_eq!(read[1].0.uri.path(), "/next");
            }
            Read::Part | Read::Other => prop_assert_eq!(&sent[..], &bytes[..], "nothing is lost"),
        }
    }
}
