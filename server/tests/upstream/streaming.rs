//! Both ways at once, as fast as the slower side, and no longer than anybody is interested.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::support::{Counter, OK, Rule, Wire, lines, proxy, upstream};

const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
/// Long enough for anything that does move on this machine.
const STALLED: Duration = Duration::from_millis(700);

#[actix_rt::test]
async fn upload_and_download_at_the_same_time() {
    // The upstream answers each chunk before the next is sent, and ends when told to.
    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        loop {
            let chunk = wire.chunk().await;
            wire.write(format!("{:x}\r\n{chunk}\r\n", chunk.len())).await;
            if chunk.is_empty() {
                return;
            }
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(POST).await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    for round in 0..50 {
        let said = format!("round {round}");
        client.write(format!("{:x}\r\n{said}\r\n", said.len())).await;
        assert_eq!(client.chunk().await, said);
    }
    client.write("0\r\n\r\n").await;
    assert_eq!(client.chunk().await, "");
}

#[actix_rt::test]
async fn an_early_refusal_is_passed_on_at_once() {
    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        wire.write("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig").await;
        // Stays open: the client is answered although nobody reads.
        wire.rest().await;
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nfirst").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    assert_eq!(client.bytes(3).await, "big");
}

#[actix_rt::test]
async fn a_client_sends_the_rest_of_a_small_body_after_its_answer_and_goes_on() {
    for reads_on in [true, false] {
        let address = upstream(move |mut wire, _| async move {
            if wire.head().await.is_empty() {
                return;
            }
            wire.write(OK).await;
            if reads_on {
                wire.rest().await;
            }
        })
        .await;
        let mut client = Wire::to(proxy(Rule::to(address))).await;
        for _ in 0..2 {
            client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst").await;
            assert!(client.head().await.starts_with("HTTP/1.1 200"), "{reads_on}");
            assert_eq!(client.bytes(2).await, "ok");
            client.write("other").await;
        }
        client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 200"), "{reads_on}");
    }
}

#[actix_rt::test]
async fn events_arrive_one_by_one() {
    let (say, to_say) = mpsc::unbounded_channel::<&str>();
    let to_say = std::cell::Cell::new(Some(to_say));
    let address = upstream(move |mut wire, _| {
        let to_say = to_say.take();
        async move {
            wire.head().await;
            wire.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").await;
            let mut to_say = to_say.unwrap();
            while let Some(event) = to_say.recv().await {
                wire.write(event).await;
            }
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
        say.send(event).unwrap();
        assert_eq!(client.chunk().await, event);
    }
    drop(say);
    assert_eq!(client.chunk().await, "");
}

#[actix_rt::test]
async fn a_client_that_does_not_read_stops_the_upstream() {
    const SIZE: usize = 200 * 1024 * 1024;
    let written = Counter::default();
    let (stalled, has_stalled) = oneshot::channel();
    let stalled = std::cell::Cell::new(Some(stalled));
    let count = written.clone();
    let address = upstream(move |mut wire, _| {
        let (count, stalled) = (count.clone(), stalled.take());
        async move {
            wire.head().await;
            wire.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")).await;
            let block = vec![b'x'; 64 * 1024];
            let mut stalled = stalled;
            while count.get() < SIZE {
                let socket = wire.0.get_mut();
                match timeout(STALLED, socket.write(&block[..block.len().min(SIZE - count.get())]))
                    .await
                {
                    Ok(length) => {
                        count.add(length.unwrap());
                    }
                    Err(_) => {
                        if let Some(stalled) = stalled.take() {
                            stalled.send(count.get()).unwrap();
                        }
                    }
                }
            }
            wire.rest().await;
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    // What the sockets' own buffers take on the way, and a little more.
    let taken = has_stalled.await.unwrap();
    assert!(taken < 64 * 1024 * 1024, "{taken} bytes were buffered");

    let mut read = 0;
    let mut buffer = vec![0; 256 * 1024];
    while let length @ 1.. = client.0.read(&mut buffer).await.unwrap() {
        read += length;
    }
    assert_eq!(read, SIZE);
}

#[actix_rt::test]
async fn an_upstream_that_does_not_read_stops_the_client() {
    const SIZE: usize = 100 * 1024 * 1024;
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let may_go_on = std::cell::Cell::new(Some(may_go_on));
    let address = upstream(move |mut wire, _| {
        let may_go_on = may_go_on.take();
        async move {
            wire.head().await;
            may_go_on.unwrap().await.unwrap();
            let mut read = 0;
            let mut buffer = vec![0; 256 * 1024];
            while read < SIZE {
                read += wire.0.read(&mut buffer).await.unwrap();
            }
            wire.write(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Read: {read}\r\n\r\n"))
                .await;
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n")).await;
    let block = vec![b'x'; 64 * 1024];
    let mut go_on = Some(go_on);
    let mut sent = 0;
    while sent < SIZE {
        let socket = client.0.get_mut();
        match timeout(STALLED, socket.write(&block[..block.len().min(SIZE - sent)])).await {
            Ok(length) => sent += length.unwrap(),
            Err(_) => {
                if let Some(go_on) = go_on.take() {
                    assert!(sent < 64 * 1024 * 1024, "{sent} bytes were buffered");
                    go_on.send(()).unwrap();
                }
            }
        }
    }
    assert!(go_on.is_none(), "the client was never held back");
    let head = client.head().await;
    assert_eq!(lines(&head, "x-read"), [format!("X-Read: {SIZE}")]);
}

#[actix_rt::test]
async fn a_client_that_goes_away_frees_the_upstream() {
    let (ended, upstream_ended) = oneshot::channel();
    let ended = std::cell::Cell::new(Some(ended));
    let address = upstream(move |mut wire, _| {
        let ended = ended.take();
        async move {
            wire.head().await;
            wire.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            while wire.0.write_all(b"5\r\nevent\r\n").await.is_ok() {
                tokio::task::yield_now().await;
            }
            ended.unwrap().send(()).unwrap();
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(client.chunk().await, "event");
    client.reset();
    upstream_ended.await.unwrap();
}

#[actix_rt::test]
async fn a_client_that_breaks_off_its_upload_breaks_it_off_upstream() {
    let (sender, mut upstream_saw) = mpsc::unbounded_channel();
    let address = upstream(move |mut wire, _| {
        let sender = sender.clone();
        async move {
            wire.head().await;
            sender.send(wire.chunk().await).unwrap();
            sender.send(wire.rest().await).unwrap();
        }
    })
    .await;
    let mut client = Wire::to(proxy(Rule::to(address))).await;
    client.write(format!("{POST}4\r\npart\r\n")).await;
    assert_eq!(upstream_saw.recv().await.unwrap(), "part");
    drop(client);
    // No last chunk: half an upload must not look whole.
    assert_eq!(upstream_saw.recv().await.unwrap(), "");
}

fn idle_after(rule: Rule, limit: Duration) -> Rule {
    let mut rule = rule;
    rule.settings.idle_timeout = limit;
    rule
}

#[actix_rt::test]
async fn a_silent_upstream_is_given_up() {
    let address = upstream(|mut wire, _| async move {
        wire.rest().await;
    })
    .await;
    let rule = idle_after(Rule::to(address), Duration::from_millis(200));
    let mut client = Wire::to(proxy(rule)).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 504") && answer.ends_with("idle"), "{answer}");
}

#[actix_rt::test]
async fn an_answer_that_stops_moving_is_cut() {
    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
        wire.rest().await;
    })
    .await;
    let rule = idle_after(Rule::to(address), Duration::from_millis(200));
    let mut client = Wire::to(proxy(rule)).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(client.chunk().await, "abc");
    assert_eq!(client.rest().await, "");
}

#[actix_rt::test]
async fn a_client_that_stops_sending_is_told_so() {
    let address = upstream(|mut wire, _| async move {
        wire.rest().await;
    })
    .await;
    let rule = idle_after(Rule::to(address), Duration::from_millis(200));
    let mut client = Wire::to(proxy(rule)).await;
    client.write(format!("{POST}1\r\nx\r\n")).await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 408"), "{head}");
    assert_eq!(client.bytes(14).await, "client_stalled");
}

#[actix_rt::test]
async fn what_keeps_moving_has_no_time_limit() {
    // Six times three quarters of the limit: upload first, then download.
    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        wire.chunks().await;
        wire.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(750)).await;
            wire.write("1\r\ny\r\n").await;
        }
        wire.write("0\r\n\r\n").await;
    })
    .await;
    let rule = idle_after(Rule::to(address), Duration::from_secs(1));
    let mut client = Wire::to(proxy(rule)).await;
    client.write(POST).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(750)).await;
        client.write("1\r\nx\r\n").await;
    }
    client.write("0\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(client.chunks().await, "yyy");
}

#[actix_rt::test]
async fn event_streams_may_rest_longer() {
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let may_go_on = std::cell::Cell::new(Some(may_go_on));
    let address = upstream(move |mut wire, _| {
        let may_go_on = may_go_on.take();
        async move {
            wire.head().await;
            wire.write(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\
                 Transfer-Encoding: chunked\r\n\r\n",
            )
            .await;
            may_go_on.unwrap().await.unwrap();
            wire.write("3\r\nabc\r\n0\r\n\r\n").await;
        }
    })
    .await;
    let limit = Duration::from_millis(100);
    let mut client = Wire::to(proxy(idle_after(Rule::to(address), limit))).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert!(timeout(limit * 4, client.chunk()).await.is_err());
    go_on.send(()).unwrap();
    assert_eq!(client.chunks().await, "abc");
}

#[actix_rt::test]
async fn the_end_of_a_session_ends_its_streams() {
    let address = upstream(|mut wire, _| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
        wire.rest().await;
    })
    .await;
    let rule = Rule::to(address);
    let session = rule.ended.clone();
    let mut client = Wire::to(proxy(rule)).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200"));
    assert_eq!(client.chunk().await, "abc");
    session.cancel();
    assert_eq!(client.rest().await, "");
}

#[actix_rt::test]
async fn the_end_of_a_session_ends_the_wait_for_an_answer() {
    let (seen, is_seen) = oneshot::channel();
    let seen = std::cell::Cell::new(Some(seen));
    let address = upstream(move |mut wire, _| {
        let seen = seen.take();
        async move {
            seen.unwrap().send(wire.head().await).unwrap();
            wire.rest().await;
            wire.write(OK).await;
        }
    })
    .await;
    let rule = Rule::to(address);
    let session = rule.ended.clone();
    let mut client = Wire::to(proxy(rule)).await;
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    is_seen.await.unwrap();
    session.cancel();
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 401") && answer.ends_with("session_ended"), "{answer}");
}
