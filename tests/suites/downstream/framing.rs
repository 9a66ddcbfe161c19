//! Where one request ends and the next begins, and what a refused request leaves behind.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::downstream::support::{ASK, ask_at, read_to_end, status, world};

/// C15: a length beside `Transfer-Encoding` can be read in two ways, wherever in a connection the
/// request stands.
#[tokio::test]
async fn a_request_with_two_lengths_is_refused_and_ends_the_connection() {
    let world = world(&[]).await;
    let two = "POST /json HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\n\
        Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let reversed = "POST /json HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\
        content-LENGTH: 4\r\n\r\n0\r\n\r\n";
    let next = "GET /json HTTP/1.1\r\nHost: app.test\r\n\r\n";
    for request in [two, reversed] {
        let answer = ask_at(world.http(), format!("{request}{next}").as_bytes()).await;
        assert_eq!(status(&answer), 400, "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "nothing after it: {answer}");
        // After another request of the same connection.
        let answer = ask_at(world.http(), format!("{next}{request}{next}").as_bytes()).await;
        let answers = answer.matches("HTTP/1.1 ").count();
        assert!(answers <= 2, "the one after the ambiguous one is never read: {answer}");
    }
}

#[tokio::test]
async fn chunked_requests_share_a_connection() {
    let world = world(&[]).await;
    let mut stream = TcpStream::connect(world.http()).await.unwrap();
    let chunked = "POST /json HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n\
        5\r\nhello\r\n0\r\n\r\n";
    for _ in 0..2 {
        stream.write_all(chunked.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        crate::downstream::support::soon("an answer", async {
            use tokio::io::AsyncReadExt as _;
            while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0);
            }
        })
        .await;
        let head = String::from_utf8_lossy(&head).into_owned();
        assert_eq!(status(&head), 200, "{head}");
        assert!(!head.to_ascii_lowercase().contains("connection: close"), "{head}");
    }
    stream.write_all(ASK).await.unwrap();
    let answer = read_to_end(stream).await;
    assert!(answer.contains("HTTP/1.1 200"), "{answer}");
}

/// A client that sends all of a large upload before it reads must still learn why it was refused.
#[tokio::test]
async fn a_refused_upload_is_told_why() {
    let world = world(&[]).await;
    // More than the buffers of both systems hold.
    let body = vec![b'x'; 30_000_000];
    let head = format!(
        "POST /private HTTP/1.1\r\nHost: app.test\r\nAccept: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(world.http()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    let answer = read_to_end(stream).await;
    assert_eq!(status(&answer), 401, "{answer}");
    assert!(answer.contains("request_id") || answer.contains('{'), "{answer}");
}
