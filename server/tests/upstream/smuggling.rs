//! One request in, one request out, whatever the client says about where it ends.

use crate::support::{OK, Rule, Wire, answering, lines, proxy};

/// What the client gets and the heads the upstream saw.
async fn outcome(request: &str) -> (String, Vec<String>) {
    let (address, mut heads) = answering(OK).await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(request).await;
    // Our own end of the connection; without it a well-behaved server would wait for more.
    tokio::io::AsyncWriteExt::shutdown(client.0.get_mut()).await.unwrap();
    let answer = client.rest().await;
    let mut seen = Vec::new();
    while let Ok(head) = heads.try_recv() {
        seen.push(head);
    }
    (answer, seen)
}

#[actix_rt::test]
async fn ambiguous_ends_are_refused() {
    for request in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        "CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n",
    ] {
        let (answer, seen) = outcome(request).await;
        assert!(
            answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.0 400"),
            "{request:?}: {answer}"
        );
        assert_eq!(seen, Vec::<String>::new(), "{request:?}");
    }
}

#[actix_rt::test]
async fn bad_chunks_do_not_become_a_request() {
    let (_, seen) = outcome(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\nabcGET /second HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .await;
    assert!(seen.iter().all(|head| !head.contains("/second")), "{seen:?}");
}

/// `Upgrade: websocket` makes actix-http hand out everything that follows as one body.
#[actix_rt::test]
async fn an_upgrade_that_is_none_carries_no_second_request() {
    for (request, length) in [
        (
            "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 4\r\n\r\n",
            Some(4),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 4\r\n\r\n",
            Some(4),
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", None),
        ("GET / HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", None),
    ] {
        let (answer, seen) =
            outcome(&format!("{request}bodyGET /second HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{request:?}: {answer}");
        assert!(answer.ends_with("\r\n\r\nok"), "{request:?}: {answer}");
        // The upstream takes the body, if announced, for the begin of a head: it reads heads only.
        assert!(seen.iter().all(|head| !head.contains("/second")), "{request:?}: {seen:?}");
        let announced = length.map(|length| format!("Content-Length: {length}"));
        assert_eq!(lines(&seen[0], "content-length"), announced.as_slice(), "{request:?}");
        assert!(lines(&seen[0], "upgrade").is_empty(), "{request:?}: {seen:?}");
    }
}

#[actix_rt::test]
async fn absolute_targets_become_paths() {
    let (_, seen) = outcome("GET http://other/x?y HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(seen[0].starts_with("GET /x?y HTTP/1.1\r\nHost: a\r\n"), "{seen:?}");
}
