//! `Expect: 100-continue`: the client sends its body when the upstream takes it.

use tokio::sync::{mpsc, oneshot};

use crate::support::{OK, Rule, Wire, lines, proxy, upstream};

const POST: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n";

#[actix_rt::test]
async fn a_client_is_told_to_go_on_when_the_upstream_is() {
    let (saw, mut seen) = mpsc::unbounded_channel();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let may_go_on = std::cell::Cell::new(Some(may_go_on));
    let address = upstream(move |mut wire, _| {
        let (saw, may_go_on) = (saw.clone(), may_go_on.take());
        async move {
            saw.send(wire.head().await).unwrap();
            may_go_on.unwrap().await.unwrap();
            wire.write("HTTP/1.1 100 Continue\r\n\r\n").await;
            saw.send(wire.bytes(5).await).unwrap();
            wire.write(OK).await;
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(POST).await;
    assert_eq!(lines(&seen.recv().await.unwrap(), "expect"), ["Expect: 100-continue"]);
    go_on.send(()).unwrap();
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 100 "), "{head}");
    client.write("hello").await;
    assert_eq!(seen.recv().await.unwrap(), "hello");
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[actix_rt::test]
async fn a_refusal_costs_no_upload() {
    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        wire.write("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig").await;
        assert_eq!(wire.rest().await, "", "the body was not asked for");
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(POST).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    assert_eq!(client.bytes(3).await, "big");
}

/// Servers of HTTP/1.0 do not know the word (RFC 9110 10.1.1).
#[actix_rt::test]
async fn an_upstream_that_says_nothing_gets_the_body_after_a_moment() {
    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        assert_eq!(wire.bytes(5).await, "hello");
        wire.write("HTTP/1.0 200 OK\r\n\r\nok").await;
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(POST).await;
    assert!(client.head().await.starts_with("HTTP/1.1 100 "));
    client.write("hello").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 "));
}

#[actix_rt::test]
async fn a_client_that_does_not_wait_is_not_waited_for() {
    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        wire.write("HTTP/1.1 100 Continue\r\n\r\n").await;
        assert_eq!(wire.bytes(5).await, "hello");
        wire.write(OK).await;
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(format!("{POST}hello")).await;
    let mut head = client.head().await;
    if head.starts_with("HTTP/1.1 100 ") {
        head = client.head().await;
    }
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}
