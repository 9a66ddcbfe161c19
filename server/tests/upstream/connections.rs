//! Which connections are used, kept, tried again, and what is said when there is none.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::support::{Counter, OK, Rule, Wire, answering, proxy, upstream};

async fn get(client: &mut Wire) -> String {
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = client.head().await;
    assert_eq!(client.bytes(2).await, "ok");
    head
}

async fn failure(rule: Rule, request: &str) -> String {
    let mut client = Wire::to(proxy(rule)).await;
    client.write(request).await;
    let answer = client.rest().await;
    let (head, code) = answer.split_once("\r\n\r\n").unwrap();
    format!("{} {code}", head.split(' ').nth(1).unwrap())
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Serves `per_connection` requests on each connection and closes it when the next has been
/// read; counts connections and requests.
async fn closing(per_connection: usize) -> (std::net::SocketAddr, Counter, Counter) {
    let (connections, requests) = (Counter::default(), Counter::default());
    let counts = (connections.clone(), requests.clone());
    let address = upstream(move |mut wire, _| {
        let (connections, requests) = counts.clone();
        async move {
            connections.add(1);
            for served in 0.. {
                if wire.head().await.is_empty() {
                    return;
                }
                requests.add(1);
                if served == per_connection {
                    return;
                }
                wire.write(OK).await;
            }
        }
    })
    .await;
    (address, connections, requests)
}

#[actix_rt::test]
async fn connections_are_kept_for_the_next_client_too() {
    let (address, connections, requests) = closing(usize::MAX).await;
    let proxy = proxy(Rule::to(address));
    for _ in 0..3 {
        let mut client = Wire::to(proxy).await;
        get(&mut client).await;
        get(&mut client).await;
    }
    assert_eq!((connections.get(), requests.get()), (1, 6));
}

#[actix_rt::test]
async fn no_connection_is_kept_if_none_shall_be() {
    let (address, connections, _) = closing(usize::MAX).await;
    let mut rule = Rule::to(address);
    rule.settings.pool_max_idle_per_host = 0;
    let mut client = Wire::to(proxy(rule)).await;
    get(&mut client).await;
    get(&mut client).await;
    assert_eq!(connections.get(), 2);
}

/// NTLM signs in a connection: the next user of it would be the one before.
#[actix_rt::test]
async fn a_connection_that_knows_a_user_serves_no_other() {
    let (address, connections, _) = closing(usize::MAX).await;
    let server = proxy(Rule::to(address));
    for authorization in ["NTLM TlRMTVNTUAAB", "Negotiate YII=", "negotiate", "Basic eDp5"] {
        let mut client = Wire::to(server).await;
        client
            .write(format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\n\r\n"))
            .await;
        client.head().await;
        assert_eq!(client.bytes(2).await, "ok");
    }
    get(&mut Wire::to(server).await).await;
    assert_eq!(connections.get(), 4, "the last one was kept");

    let connections = Counter::default();
    let count = connections.clone();
    let address = upstream(move |mut wire, _| {
        let connections = count.clone();
        async move {
            connections.add(1);
            while !wire.head().await.is_empty() {
                wire.write(
                    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\n\
                     WWW-Authenticate: NTLM\r\nContent-Length: 2\r\n\r\nok",
                )
                .await;
            }
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    get(&mut client).await;
    get(&mut client).await;
    assert_eq!(connections.get(), 2);
}

#[actix_rt::test]
async fn a_connection_nobody_needs_is_closed() {
    let (ended, is_ended) = oneshot::channel();
    let ended = std::cell::Cell::new(Some(ended));
    let address = upstream(move |mut wire, _| {
        let ended = ended.take();
        async move {
            wire.head().await;
            wire.write(OK).await;
            assert_eq!(wire.rest().await, "");
            ended.unwrap().send(()).unwrap();
        }
    })
    .await;
    let mut rule = Rule::to(address);
    rule.settings.pool_idle_timeout = Duration::from_millis(100);
    let mut client = Wire::to(proxy(rule)).await;
    get(&mut client).await;
    is_ended.await.unwrap();
}

#[actix_rt::test]
async fn a_get_on_a_stale_connection_is_sent_again() {
    let (address, connections, requests) = closing(1).await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    for _ in 0..3 {
        assert!(get(&mut client).await.starts_with("HTTP/1.1 200"));
    }
    // The second and third were read twice: on the stale connection, and on a new one.
    assert_eq!((connections.get(), requests.get()), (3, 5));
}

#[actix_rt::test]
async fn a_post_that_may_have_been_read_is_not_sent_again() {
    let (address, connections, requests) = closing(1).await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    get(&mut client).await;
    client
        .write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.ends_with("closed"), "{answer}");
    assert_eq!((connections.get(), requests.get()), (1, 2));
}

#[actix_rt::test]
async fn a_get_is_sent_again_once_only() {
    let (address, connections, _) = closing(0).await;
    assert_eq!(failure(Rule::to(address), GET).await, "502 closed");
    assert_eq!(connections.get(), 1, "a new connection is not stale");
}

#[actix_rt::test]
async fn failures_have_names() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    assert_eq!(failure(Rule::to(nobody), GET).await, "502 refused");
    assert_eq!(failure(Rule::to_url("http://nowhere.invalid"), GET).await, "502 dns");
    assert_eq!(failure(Rule::to_url("ftp://127.0.0.1"), GET).await, "502 bad_upstream");

    let (address, _) = answering("SSH-2.0-OpenSSH_9.2p1\r\n").await;
    assert_eq!(failure(Rule::to(address), GET).await, "502 protocol");

    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        wire.reset();
    })
    .await;
    assert_eq!(failure(Rule::to(address), GET).await, "502 closed");
}

#[actix_rt::test]
async fn connecting_has_a_limit() {
    // A listener whose queue is full answers no further handshake.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(300), tokio::net::TcpStream::connect(address))
            .await
    {
        waiting.push(stream);
    }
    let mut rule = Rule::to(address);
    rule.settings.connect_timeout = Duration::from_millis(100);
    assert_eq!(failure(rule, GET).await, "504 connect_timeout");
}
