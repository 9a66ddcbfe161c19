//! Websockets and other upgrades: the handshake is the upstream's own, and what follows is nobody's
//! business.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::support::{Counter, OK, Rule, Wire, answering, lines, proxy, upstream};

const UPGRADE: &str = "GET /chat?x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\nOrigin: https://a\r\n\r\n";

/// No true hash of the key: it must be passed on, not made here.
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: of-the-upstream\r\n\
    Sec-WebSocket-Protocol: superchat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\
    Set-Cookie: a=1\r\n\r\n";

/// An upstream that switches, says hello in the same packet, then echoes lines, until told `bye`.
async fn echo() -> (std::net::SocketAddr, mpsc::UnboundedReceiver<String>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let address = upstream(move |mut wire, _| {
        let sender = sender.clone();
        async move {
            let _ = sender.send(wire.head().await);
            wire.write(format!("{SWITCH}hello\n")).await;
            loop {
                let line = wire.line().await;
                if line.is_empty() || line == "bye\n" {
                    let _ = sender.send(format!("ended by {line:?}"));
                    return;
                }
                wire.write(line).await;
            }
        }
    })
    .await;
    (address, receiver)
}

#[actix_rt::test]
async fn a_tunnel_is_the_upstreams_own() {
    let (address, mut seen) = echo().await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    // The first bytes follow the request in the same packet.
    client.write(format!("{UPGRADE}first\n")).await;

    let answer = client.head().await;
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
    assert_eq!(lines(&answer, "upgrade"), ["Upgrade: websocket"]);
    assert_eq!(lines(&answer, "connection"), ["Connection: Upgrade"]);
    assert_eq!(lines(&answer, "sec-websocket-accept"), ["Sec-Websocket-Accept: of-the-upstream"]);
    assert_eq!(lines(&answer, "sec-websocket-protocol"), ["Sec-Websocket-Protocol: superchat"]);
    assert_eq!(lines(&answer, "sec-websocket-extensions").len(), 1);
    assert_eq!(lines(&answer, "set-cookie"), ["Set-Cookie: a=1"]);
    assert!(lines(&answer, "transfer-encoding").is_empty(), "{answer}");
    assert!(lines(&answer, "content-length").is_empty(), "{answer}");

    let head = seen.recv().await.unwrap();
    assert!(head.starts_with("GET /chat?x HTTP/1.1\r\n"), "{head}");
    assert_eq!(lines(&head, "connection"), ["Connection: Upgrade"]);
    assert_eq!(lines(&head, "upgrade"), ["Upgrade: websocket"]);
    assert_eq!(lines(&head, "sec-websocket-protocol"), ["Sec-Websocket-Protocol: chat, superchat"]);
    assert_eq!(lines(&head, "sec-websocket-key").len(), 1);

    assert_eq!(client.line().await, "hello\n");
    assert_eq!(client.line().await, "first\n");
    for round in 0..20 {
        client.write(format!("{round}\n")).await;
        assert_eq!(client.line().await, format!("{round}\n"));
    }
}

#[actix_rt::test]
async fn the_upstreams_end_is_the_clients() {
    let (address, _seen) = echo().await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(format!("{UPGRADE}bye\n")).await;
    client.head().await;
    assert_eq!(client.rest().await, "hello\n");
}

#[actix_rt::test]
async fn the_clients_end_is_the_upstreams() {
    let (address, mut seen) = echo().await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(UPGRADE).await;
    client.head().await;
    seen.recv().await.unwrap();
    drop(client);
    assert_eq!(seen.recv().await.unwrap(), "ended by \"\"");
}

#[actix_rt::test]
async fn the_end_of_a_session_closes_both_sides() {
    let (address, mut seen) = echo().await;
    let rule = Rule::to(address);
    let session = rule.ended.clone();
    let mut client = Wire::to(proxy(rule)).await;
    client.write(UPGRADE).await;
    client.head().await;
    assert_eq!(client.line().await, "hello\n");
    seen.recv().await.unwrap();
    session.cancel();
    assert_eq!(client.rest().await, "");
    assert_eq!(seen.recv().await.unwrap(), "ended by \"\"");
}

#[actix_rt::test]
async fn a_resting_tunnel_outlives_the_limits_of_requests() {
    let (address, _seen) = echo().await;
    let limit = Duration::from_millis(100);
    let mut rule = Rule { server_limit: limit, ..Rule::to(address) };
    rule.settings.idle_timeout = limit;
    rule.settings.pool_idle_timeout = limit;
    let mut client = Wire::to(proxy(rule)).await;
    client.write(UPGRADE).await;
    client.head().await;
    assert_eq!(client.line().await, "hello\n");
    // Time is what this is about: nothing must happen in it.
    assert!(tokio::time::timeout(limit * 6, client.line()).await.is_err());
    client.write("still there\n").await;
    assert_eq!(client.line().await, "still there\n");
}

#[actix_rt::test]
async fn a_tunnel_may_be_limited_too() {
    let (address, _seen) = echo().await;
    let mut rule = Rule::to(address);
    rule.settings.tunnel_idle_timeout = Duration::from_millis(200);
    let mut client = Wire::to(proxy(rule)).await;
    client.write(UPGRADE).await;
    client.head().await;
    assert_eq!(client.rest().await, "hello\n");
}

#[actix_rt::test]
async fn one_direction_goes_on_while_the_other_is_blocked() {
    const SIZE: usize = 32 * 1024 * 1024;
    let (done, is_done) = oneshot::channel();
    let done = std::cell::Cell::new(Some(done));
    let address = upstream(move |mut wire, _| {
        let done = done.take();
        async move {
            wire.head().await;
            wire.write(SWITCH).await;
            // Floods the client, which does not read, and takes what the client sends meanwhile.
            let (read, write) = wire.0.into_inner().into_split();
            let flood = actix_rt::spawn(async move {
                let mut write = write;
                tokio::io::copy(&mut tokio::io::repeat(b'x'), &mut write).await
            });
            let mut limited = tokio::io::AsyncReadExt::take(read, SIZE as u64);
            let read = tokio::io::copy(&mut limited, &mut tokio::io::sink()).await.unwrap();
            done.unwrap().send(read).unwrap();
            flood.abort();
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(UPGRADE).await;
    client.head().await;
    client.write(vec![b'y'; SIZE]).await;
    assert_eq!(is_done.await.unwrap(), SIZE as u64);
}

#[actix_rt::test]
async fn a_refused_upgrade_is_an_ordinary_answer_and_the_connection_goes_on() {
    for answer in [
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    ] {
        let (address, _heads) = answering(answer).await;
        let mut client = Wire::to(proxy(Rule::to(address))).await;
        for _ in 0..2 {
            client.write(UPGRADE).await;
            let head = client.head().await;
            assert_eq!(head[..12], answer[..12], "{head}");
            assert!(lines(&head, "upgrade").is_empty(), "{head}");
            if lines(&head, "content-length").is_empty() {
                assert_eq!(client.chunks().await, "no");
            } else {
                assert_eq!(client.bytes(2).await, "no");
            }
        }
    }
}

/// A connection on which an upgrade was asked for and declined serves nobody else.
#[actix_rt::test]
async fn a_declined_upgrade_leaves_no_connection_behind() {
    let connections = Counter::default();
    let count = connections.clone();
    let address = upstream(move |mut wire, _| {
        count.add(1);
        async move {
            while !wire.head().await.is_empty() {
                wire.write(OK).await;
            }
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    for expected in 1..=3 {
        client.write(UPGRADE).await;
        assert!(client.head().await.starts_with("HTTP/1.1 200"));
        assert_eq!(client.bytes(2).await, "ok");
        assert_eq!(connections.get(), expected);
    }
}

#[actix_rt::test]
async fn the_version_an_upstream_asks_for_is_passed_on() {
    let (address, _heads) = answering(
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 426"), "{head}");
    assert_eq!(lines(&head, "upgrade"), ["Upgrade: websocket"]);
}

#[actix_rt::test]
async fn a_switch_nobody_asked_for_is_an_error() {
    let (address, _heads) = answering(SWITCH).await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.ends_with("protocol"), "{answer}");
}

/// `docker exec` and `kubectl exec` begin so: a POST with a body, bytes both ways, and a client that
/// has said all it has to say and listens on.
#[actix_rt::test]
async fn any_other_protocol_is_tunnelled_too() {
    let (hear, heard) = mpsc::unbounded_channel();
    let address = upstream(move |mut wire, _| {
        let hear = hear.clone();
        async move {
            let head = wire.head().await;
            let body = wire.bytes(2).await;
            wire.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
                .await;
            hear.send((head, body)).unwrap();
            let said = wire.rest().await;
            // After the client's last word, and longer than a websocket could.
            tokio::time::sleep(Duration::from_secs(3)).await;
            wire.write(format!("heard {said}")).await;
        }
    })
    .await;
    let mut heard = heard;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client
        .write(
            "POST /exec/1/start HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\
             Upgrade: h2c, tcp\r\nContent-Length: 2\r\n\r\n{}",
        )
        .await;
    let answer = client.head().await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert_eq!(lines(&answer, "upgrade"), ["Upgrade: tcp"]);
    assert_eq!(lines(&answer, "connection"), ["Connection: Upgrade"]);
    let (head, body) = heard.recv().await.unwrap();
    assert_eq!(lines(&head, "upgrade"), ["Upgrade: tcp"]);
    assert_eq!(lines(&head, "connection"), ["Connection: Upgrade"]);
    assert_eq!(body, "{}");
    client.write("stdin").await;
    tokio::io::AsyncWriteExt::shutdown(client.0.get_mut()).await.unwrap();
    assert_eq!(client.rest().await, "heard stdin");
}

#[actix_rt::test]
async fn a_switch_to_what_was_not_offered_is_an_error() {
    for switch in [
        "Upgrade: h2c\r\nConnection: Upgrade\r\n",
        "Connection: Upgrade\r\n",
        "Upgrade: websocket\r\n",
    ] {
        let address = upstream(move |mut wire, _| async move {
            wire.head().await;
            wire.write(format!("HTTP/1.1 101 Switching Protocols\r\n{switch}\r\n")).await;
            wire.rest().await;
        })
        .await;
        let mut client = Wire::to(proxy(Rule::to(address))).await;
        client.write(UPGRADE).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 502"), "{switch}: {head}");
    }
}

#[actix_rt::test]
async fn http_and_tls_are_never_offered() {
    let (address, mut heads) = answering(OK).await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client
        .write(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n\
             Upgrade: h2c, TLS/1.0\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        )
        .await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    let head = heads.recv().await.unwrap();
    assert!(!head.to_lowercase().contains("upgrade") && !head.contains("h2c"), "{head}");
}
