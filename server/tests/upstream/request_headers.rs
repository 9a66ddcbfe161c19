//! What the upstream sees of a request.

use crate::support::{OK, Rule, Wire, answering, lines, proxy, upstream};

/// Sends a request and returns the head the upstream saw.
async fn seen(rule: impl FnOnce(Rule) -> Rule, request: &str) -> String {
    let (address, mut heads) = answering(OK).await;
    let mut client = Wire::to(proxy(rule(Rule::to(address)))).await;
    client.write(request).await;
    let answer = client.head().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    heads.recv().await.unwrap()
}

#[actix_rt::test]
async fn a_plain_request_is_plain() {
    let head = seen(
        |rule| rule,
        "GET /a/../%2e?b=%20c HTTP/1.1\r\nhost: App.Example\r\naccept: */*\r\n\r\n",
    )
    .await;
    assert_eq!(
        head,
        "GET /a/../%2e?b=%20c HTTP/1.1\r\n\
         Host: App.Example\r\n\
         Accept: */*\r\n\
         X-Forwarded-For: 192.0.2.7\r\n\
         X-Forwarded-Host: App.Example\r\n\
         X-Forwarded-Proto: https\r\n\r\n"
    );
}

#[actix_rt::test]
async fn an_overridden_host_is_the_only_one() {
    let head = seen(
        |rule| Rule { host: Some("inner.example:8443"), ..rule },
        "GET / HTTP/1.1\r\nHost: app.example\r\n\r\n",
    )
    .await;
    assert_eq!(lines(&head, "host"), ["Host: inner.example:8443"]);
    assert_eq!(lines(&head, "x-forwarded-host"), ["X-Forwarded-Host: app.example"]);
}

#[actix_rt::test]
async fn the_path_of_the_upstream_goes_first() {
    let head = seen(
        |mut rule| {
            rule.base.set_path("/inner/");
            rule
        },
        "GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .await;
    assert!(head.starts_with("GET /inner/x?y HTTP/1.1\r\n"), "{head}");
}

#[actix_rt::test]
async fn connection_headers_end_here() {
    let head = seen(
        |rule| rule,
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Of-Connection\r\n\
         X-Of-Connection: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n\
         Proxy-Authorization: Basic x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\
         TE: gzip\r\nTrailer: X-T\r\nX-Stays: 1\r\n\r\n",
    )
    .await;
    for gone in [
        "connection",
        "x-of-connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "upgrade",
        "http2-settings",
        "te",
        "trailer",
    ] {
        assert!(lines(&head, gone).is_empty(), "{gone} in {head}");
    }
    assert_eq!(lines(&head, "x-stays"), ["X-Stays: 1"]);
}

#[actix_rt::test]
async fn what_is_set_cannot_be_taken_away_by_the_client() {
    let ours = || {
        vec![
            ("X-authentik-username", b"alice".to_vec()),
            ("X-authentik-name", "Ålice".as_bytes().to_vec()),
            ("Content-Length", b"7".to_vec()),
            ("Host", b"evil".to_vec()),
            ("X-Forwarded-Proto", b"gopher".to_vec()),
        ]
    };
    let before = || {
        let names = ["x-authentik-name", "X-Forwarded-Proto", "X-Told"];
        names.map(|name| (name, b"before".to_vec())).to_vec()
    };
    for (told, set) in [(ours(), vec![]), (vec![], ours()), (before(), ours())] {
        // What nobody sets passes, whatever it is called.
        let tells_more = told.len() == before().len();
        let more = if tells_more { "X-Told: mallory\r\n" } else { "" };
        let head = seen(
            |rule| Rule {
                strip: |name| name.replace('_', "-").starts_with("x-authentik-"),
                told,
                set,
                ..rule
            },
            &format!(
                "GET / HTTP/1.1\r\nHost: a\r\n\
                 Connection: X-authentik-username, X-Forwarded-For, Host, Content-Length\r\n\
                 X-authentik-username: mallory\r\nX_Authentik_Username: mallory\r\n\
                 x-authentik-groups: admins\r\n{more}\r\n"
            ),
        )
        .await;
        assert!(!head.contains("mallory") && !head.contains("admins"), "{head}");
        assert_eq!(lines(&head, "x-authentik-username"), ["X-Authentik-Username: alice"]);
        assert_eq!(lines(&head, "x-authentik-name"), ["X-Authentik-Name: Ålice"]);
        assert_eq!(lines(&head, "x-forwarded-for"), ["X-Forwarded-For: 192.0.2.7"]);
        assert_eq!(lines(&head, "x-forwarded-proto"), ["X-Forwarded-Proto: gopher"]);
        assert_eq!(lines(&head, "host"), ["Host: a"]);
        assert!(lines(&head, "content-length").is_empty(), "{head}");
        assert_eq!(lines(&head, "x-told").len(), usize::from(tells_more), "{head}");
    }
}

#[actix_rt::test]
async fn a_header_that_http_forbids_fails_the_request() {
    let bad = || vec![("X-authentik-name", b"a\r\nX: y".to_vec())];
    for (told, set) in [(bad(), vec![]), (vec![], bad())] {
        let (address, mut heads) = answering(OK).await;
        let mut client = Wire::to(proxy(Rule { told, set, ..Rule::to(address) })).await;
        client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 500") && answer.ends_with("bad_header"), "{answer}");
        assert!(heads.try_recv().is_err());
    }
}

const CLAIMS: &str = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.1\r\n\
    x_forwarded_for: 203.0.113.2\r\nX-Forwarded-For: 203.0.113.3\r\nX-Forwarded-Host: evil\r\n\
    X-Forwarded-Proto: ftp\r\nX-Forwarded-Prefix: /p\r\nForwarded: for=203.0.113.4\r\n\
    X-Real-IP: 203.0.113.5\r\nX-Original-URL: /admin\r\n\r\n";

#[actix_rt::test]
async fn an_untrusted_peer_claims_nothing() {
    let head = seen(|rule| rule, CLAIMS).await;
    assert!(!head.contains("203.0.113") && !head.contains("admin"), "{head}");
    assert_eq!(lines(&head, "x-forwarded-for"), ["X-Forwarded-For: 192.0.2.7"]);
    assert_eq!(lines(&head, "x-forwarded-host"), ["X-Forwarded-Host: a"]);
    assert_eq!(lines(&head, "x-forwarded-proto"), ["X-Forwarded-Proto: https"]);
    assert!(lines(&head, "x-forwarded-prefix").is_empty(), "{head}");
}

#[actix_rt::test]
async fn a_trusted_proxy_is_continued() {
    let head = seen(|rule| Rule { peer_trusted: true, ..rule }, CLAIMS).await;
    assert_eq!(
        lines(&head, "x-forwarded-for"),
        ["X-Forwarded-For: 203.0.113.1, 203.0.113.3, 192.0.2.7"]
    );
    assert!(!head.contains("203.0.113.2"), "{head}");
    assert_eq!(lines(&head, "x-forwarded-host"), ["X-Forwarded-Host: a"]);
    assert_eq!(lines(&head, "x-forwarded-prefix"), ["X-Forwarded-Prefix: /p"]);
    assert_eq!(lines(&head, "x-real-ip"), ["X-Real-Ip: 203.0.113.5"]);
}

#[actix_rt::test]
async fn our_cookie_stays_here() {
    let head = seen(
        |rule| rule,
        "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1; authentik_proxy_1=secret; b=2\r\n\r\n",
    )
    .await;
    assert_eq!(lines(&head, "cookie"), ["Cookie: a=1; b=2"]);
}

#[actix_rt::test]
async fn trailers_in_te_pass() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\nConnection: TE\r\n\r\n";
    let head = seen(|rule| rule, request).await;
    assert_eq!(lines(&head, "te"), ["Te: trailers"]);
    assert_eq!(lines(&head, "connection"), ["Connection: TE"]);
}

/// Sends a request and returns head and body as the upstream saw them.
async fn seen_with_body(request: &'static str, read_chunks: bool, body: usize) -> (String, String) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let address = upstream(move |mut wire, _| {
        let sender = sender.clone();
        async move {
            let head = wire.head().await;
            let body = if read_chunks { wire.chunks().await } else { wire.bytes(body).await };
            sender.send((head, body)).unwrap();
            wire.write(OK).await;
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(request).await;
    let mut answer = client.head().await;
    if answer.starts_with("HTTP/1.1 100") {
        answer = client.head().await;
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    receiver.recv().await.unwrap()
}

#[actix_rt::test]
async fn a_known_length_stays_known() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    let (head, body) = seen_with_body(request, false, 5).await;
    assert_eq!(lines(&head, "content-length"), ["Content-Length: 5"]);
    assert!(lines(&head, "transfer-encoding").is_empty(), "{head}");
    assert_eq!(body, "hello");
}

#[actix_rt::test]
async fn an_empty_post_says_so() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    let (head, _) = seen_with_body(request, false, 0).await;
    assert_eq!(lines(&head, "content-length"), ["Content-Length: 0"]);
    assert!(lines(&head, "transfer-encoding").is_empty(), "{head}");
}

#[actix_rt::test]
async fn an_unknown_length_stays_unknown_even_of_a_get() {
    for request in [
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
    ] {
        let (head, body) = seen_with_body(request, true, 0).await;
        assert_eq!(lines(&head, "transfer-encoding"), ["Transfer-Encoding: chunked"]);
        assert!(lines(&head, "content-length").is_empty(), "{head}");
        assert_eq!(body, "abcde");
    }
}
