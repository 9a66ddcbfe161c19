//! What the client sees of an answer.

use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsConnector;

use crate::support::{OK, Rule, Wire, answering, lines, proxy, tls_proxy, upstream};

/// Asks over HTTP/1.1 and returns everything up to the end of the connection. Before that it has asked once
/// in the middle of the connection, which takes another way through the outpost, and heard the same.
async fn answer_to(method: &str, answer: &'static str) -> String {
    let (address, _heads) = answering(answer).await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    let ask = format!("{method} / HTTP/1.1\r\nHost: a\r\n");
    client.write(format!("{ask}\r\n{ask}Connection: close\r\n\r\n")).await;
    let both = client.rest().await;
    let (middle, last) = both.split_at(both.rfind("HTTP/1.1 ").unwrap());
    assert_eq!(lasting(middle), lasting(last));
    last.to_owned()
}

/// An answer but for its order, its time, and the end of its connection.
fn lasting(answer: &str) -> (Vec<&str>, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    lines.retain(|line| *line != "Connection: close" && !line.starts_with("Date: "));
    lines.sort_unstable();
    (lines, body)
}

#[actix_rt::test]
async fn headers_pass_untouched() {
    let answer = answer_to(
        "GET",
        "HTTP/1.1 201 Created\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\n\
         Content-Encoding: gzip\r\nX-Powered-By: PHP\r\nKeep-Alive: timeout=3\r\n\
         Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nServer: S/1\r\nContent-Length: 3\r\n\r\n\x1f\x0b\x08",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n\x1f\x0b\x08"), "{answer}");
    assert_eq!(lines(&answer, "set-cookie"), ["Set-Cookie: a=1", "Set-Cookie: b=2; Path=/"]);
    assert_eq!(lines(&answer, "content-encoding"), ["Content-Encoding: gzip"]);
    assert_eq!(lines(&answer, "content-length"), ["Content-Length: 3"]);
    assert_eq!(lines(&answer, "server"), ["Server: S/1"]);
    assert_eq!(lines(&answer, "x-powered-by"), ["X-Powered-By: goauthentik.io"]);
    assert!(lines(&answer, "x-hop").is_empty() && lines(&answer, "keep-alive").is_empty());
}

#[actix_rt::test]
async fn head_tells_the_length_and_has_no_body() {
    let answer = answer_to("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n").await;
    assert_eq!(lines(&answer, "content-length"), ["Content-Length: 12345"]);
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");

    let answer = answer_to("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    assert!(lines(&answer, "content-length").is_empty(), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[actix_rt::test]
async fn answers_without_a_body_have_none() {
    let answer = answer_to("GET", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 204") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(lines(&answer, "content-length").is_empty(), "{answer}");
    assert!(lines(&answer, "transfer-encoding").is_empty(), "{answer}");

    let answer =
        answer_to("GET", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 99\r\n\r\n")
            .await;
    assert!(answer.starts_with("HTTP/1.1 304") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!(lines(&answer, "etag").len(), 1, "{answer}");
    assert!(lines(&answer, "transfer-encoding").is_empty(), "{answer}");
}

#[actix_rt::test]
async fn ranges_pass() {
    let answer = answer_to(
        "GET",
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\
         Accept-Ranges: bytes\r\n\r\ncde",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 206 ") && answer.ends_with("\r\n\r\ncde"), "{answer}");
    assert_eq!(lines(&answer, "content-range"), ["Content-Range: bytes 2-4/9"]);

    let answer = answer_to(
        "GET",
        "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */9\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 416 "), "{answer}");
    assert_eq!(lines(&answer, "content-range"), ["Content-Range: bytes */9"]);
}

#[actix_rt::test]
async fn bodiless_answers_leave_both_connections_in_use() {
    let (address, mut heads) = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    for method in ["GET", "HEAD", "DELETE"] {
        client.write(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert!(client.head().await.starts_with("HTTP/1.1 204"));
        assert!(heads.recv().await.unwrap().starts_with(method));
    }
}

#[actix_rt::test]
async fn early_hints_come_before_the_answer() {
    const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\
        Connection: X-Hop\r\nKeep-Alive: 1\r\n\r\n";
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let may_go_on = std::cell::Cell::new(Some(may_go_on));
    let address = upstream(move |mut wire, _| {
        let may_go_on = may_go_on.take();
        async move {
            wire.head().await;
            wire.write("HTTP/1.1 102 Processing\r\n\r\n").await;
            wire.write(HINTS).await;
            may_go_on.unwrap().await.unwrap();
            wire.write(OK).await;
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 102 "));
    let hints = client.head().await;
    assert!(hints.starts_with("HTTP/1.1 103 "), "{hints}");
    assert!(lines(&hints, "link")[0].ends_with(": </a.css>; rel=preload"), "{hints}");
    assert!(lines(&hints, "connection").is_empty(), "{hints}");
    assert!(lines(&hints, "keep-alive").is_empty(), "{hints}");
    // While the answer itself is still to come.
    go_on.send(()).unwrap();
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nok"), "{answer}");
}

/// RFC 9110 15.2: HTTP/1.0 has none of them.
#[actix_rt::test]
async fn a_client_of_http_1_0_is_spared_interim_answers() {
    let (address, _heads) = answering(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(!answer.contains(" 103 ") && answer.contains(" 200 "), "{answer}");
}

#[actix_rt::test]
async fn http_1_0_answers_end_with_the_connection() {
    let answer =
        answer_to("GET", "HTTP/1.0 200 OK\r\nContent-Type: text/x\r\n\r\nto the end").await;
    assert_eq!(lines(&answer, "transfer-encoding"), ["Transfer-Encoding: chunked"]);
    assert!(answer.ends_with("\r\n\r\nA\r\nto the end\r\n0\r\n\r\n"), "{answer}");
}

#[actix_rt::test]
async fn a_client_that_takes_no_trailers_gets_none() {
    let answer = answer_to(
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n\
         3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
    )
    .await;
    assert!(answer.ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "{answer}");
}

#[actix_rt::test]
async fn an_http_1_0_client_is_not_sent_chunks() {
    let (address, _heads) =
        answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.ends_with("\r\n\r\nabc"), "{answer}");
    assert!(lines(&answer, "transfer-encoding").is_empty(), "{answer}");
}

#[actix_rt::test]
async fn old_devices_spacing_is_cleaned() {
    let answer =
        answer_to("GET", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\nX-Long: a\r\n b\r\n\r\nok")
            .await;
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    assert_eq!(lines(&answer, "x-long"), ["X-Long: a b"]);
}

#[actix_rt::test]
async fn half_an_answer_does_not_look_whole() {
    let ask = "GET / HTTP/1.1\r\nHost: a\r\n";
    let by_each_way = [format!("{ask}\r\n"), format!("{ask}TE: trailers\r\n\r\n")];
    for (head, half) in [
        ("Content-Length: 100", "half"),
        ("Transfer-Encoding: chunked", "4\r\nhalf\r\n"),
        ("Connection: close", "half"),
    ] {
        for ask in &by_each_way {
            let through = Rc::new(Notify::new());
            let is_through = Rc::clone(&through);
            let address = upstream(move |mut wire, _| {
                let is_through = Rc::clone(&is_through);
                async move {
                    wire.head().await;
                    wire.write(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{half}")).await;
                    // A reset takes along what was not read yet.
                    is_through.notified().await;
                    wire.reset();
                }
            })
            .await;
            let mut client = Wire::to(proxy(Rule::to(address))).await;
            client.write(ask).await;
            let answer = client.head().await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            if lines(&answer, "transfer-encoding").is_empty() {
                assert_eq!(client.bytes(4).await, "half");
            } else {
                assert_eq!(client.chunk().await, "half");
            }
            through.notify_one();
            assert_eq!(client.rest().await, "", "after {head}, asked by {ask}");
        }
    }
}

/// However its end comes: a client that gets nothing may take it for a request that was never taken up.
#[actix_rt::test]
async fn half_an_answer_that_breaks_off_at_once_is_passed_on() {
    for (head, half) in
        [("Content-Length: 100", "half"), ("Transfer-Encoding: chunked", "4\r\nhalf\r\n")]
    {
        let address = upstream(move |mut wire, _| async move {
            wire.head().await;
            wire.write_last(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{half}")).await;
        })
        .await;
        let address = proxy(Rule::to(address));
        for lines in ["", "Connection: close\r\n", "TE: trailers\r\n"] {
            let mut client = Wire::to(address).await;
            client.write(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")).await;
            let answer = client.rest().await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{head}, {lines}: {answer:?}");
            assert!(answer.ends_with(&format!("\r\n\r\n{half}")), "{head}, {lines}: {answer:?}");
        }
    }
}

/// RFC 9112 8: an answer that ends with the connection is whole unless the connection failed.
#[actix_rt::test]
async fn half_an_answer_does_not_look_whole_to_a_client_of_http_1_0() {
    const ASK: &[u8] = b"GET / HTTP/1.0\r\nHost: a\r\n\r\n";
    const HALF: &str = "4\r\nhalf\r\n";
    for (answer, is_whole) in [(HALF.to_owned(), false), (format!("{HALF}0\r\n\r\n"), true)] {
        let told =
            Arc::new(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{answer}"));
        let address = upstream(move |mut wire, _| {
            let told = Arc::clone(&told);
            async move {
                wire.head().await;
                wire.write_last(&*told).await;
            }
        })
        .await;
        let expected = |failure| if is_whole { Ok(()) } else { Err(failure) };

        let mut plain = TcpStream::connect(proxy(Rule::to(address))).await.unwrap();
        plain.write_all(ASK).await.unwrap();
        assert_eq!(half_until_end(plain).await, expected(ErrorKind::ConnectionReset));

        let (server, client) = own_tls();
        let stream = TcpStream::connect(tls_proxy(Rule::to(address), server)).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let mut secure = TlsConnector::from(client).connect(name, stream).await.unwrap();
        secure.write_all(ASK).await.unwrap();
        assert_eq!(half_until_end(secure).await, expected(ErrorKind::ConnectionReset));
    }
}

/// Reads an answer to its end, of which half comes for certain, and tells what the end was.
async fn half_until_end(mut stream: impl AsyncRead + Unpin) -> Result<(), ErrorKind> {
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("\r\n\r\nhalf"), "{answer:?}");
    end.map(drop).map_err(|error| error.kind())
}

/// TLS for `localhost`, and for clients that trust it.
fn own_tls() -> (ServerConfig, Arc<ClientConfig>) {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let certificate = issued.cert.der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, Arc::new(client))
}

#[actix_rt::test]
async fn many_headers_are_no_reason_to_fail() {
    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        let cookies: String = (0..200).map(|n| format!("Set-Cookie: c{n}={n}\r\n")).collect();
        wire.write(format!("HTTP/1.1 200 OK\r\n{cookies}Content-Length: 0\r\n\r\n")).await;
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(lines(&client.head().await, "set-cookie").len(), 200);
}
