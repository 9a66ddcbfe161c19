//! One request in, one request out, whatever the client says about where it ends.

use crate::support::{OK, Rule, Wire, answering, lines, proxy, upstream};

/// What the client gets until the server closes, and the heads the upstream saw.
async fn outcome(request: &str) -> (String, Vec<String>) {
    let (address, mut heads) = answering(OK).await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(request).await;
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
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        "CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\nConnection: close\r\n\r\n",
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

/// Some servers take all that follows `Upgrade: websocket` for one stream, whatever the rest of the
/// request says. It is not offered to them then, and what follows is a request of its own.
#[actix_rt::test]
async fn an_upgrade_that_is_none_is_not_offered() {
    const SECOND: &str = "GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for (request, answers) in [
        (
            "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 4\r\n\r\nbody",
            2,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 4\r\n\r\nbody",
            2,
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", 2),
        ("GET / HTTP/1.0\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 1),
    ] {
        let (sender, mut heads) = tokio::sync::mpsc::unbounded_channel();
        let address = upstream(move |mut wire, _| {
            let sender = sender.clone();
            async move {
                loop {
                    let head = wire.head().await;
                    if head.is_empty() {
                        return;
                    }
                    if !lines(&head, "content-length").is_empty() {
                        assert_eq!(wire.bytes(4).await, "body");
                    }
                    let _ = sender.send(head);
                    wire.write(OK).await;
                }
            }
        })
        .await;
        let mut client = Wire::to(proxy(Rule::to(address))).await;
        client.write(format!("{request}{SECOND}")).await;
        let answer = client.rest().await;
        assert_eq!(answer.matches("HTTP/1.").count(), answers, "{request:?}: {answer}");
        let first = heads.try_recv().unwrap();
        assert!(lines(&first, "upgrade").is_empty(), "{request:?}: {first}");
        if answers == 2 {
            let second = heads.try_recv().unwrap();
            assert!(second.starts_with("GET /second "), "{request:?}: {second}");
        }
        assert!(heads.try_recv().is_err());
    }
}

#[actix_rt::test]
async fn absolute_targets_become_paths() {
    let (_, seen) =
        outcome("GET http://other/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(seen[0].starts_with("GET /x?y HTTP/1.1\r\nHost: a\r\n"), "{seen:?}");
}
