//! What one request may hold.

use outpost_tests::World;

use crate::ask;
use crate::limits::support::{becomes, reached, world};

/// The status of a request with these header lines.
async fn status(world: &World, lines: &str) -> u16 {
    let head = format!("GET /public/x HTTP/1.1\r\nHost: app.test\r\n{lines}");
    ask::raw(world.http(), head.as_bytes()).await.status
}

#[tokio::test]
async fn a_request_has_so_many_header_lines() {
    let world = world(&[("OUTPOST__LIMITS__HEADER_LINES", "64")]).await;
    // Beside the host and what ends the connection.
    let lines = |count: usize| "X-Line: 1\r\n".repeat(count);
    assert_eq!(status(&world, &lines(62)).await, 200);
    assert_eq!(reached(&world, "request_head").await, 0);
    assert_eq!(status(&world, &lines(63)).await, 431);
    becomes(&world, "request_head", 1).await;
}

#[tokio::test]
async fn headers_and_cookies_have_so_many_bytes() {
    let world = world(&[
        ("OUTPOST__LIMITS__HEADER_BYTES", "8192"),
        ("OUTPOST__LIMITS__COOKIE_BYTES", "2048"),
    ])
    .await;
    let cookie = |bytes: usize| format!("Cookie: c={}\r\n", "c".repeat(bytes - 2));
    assert_eq!(status(&world, &cookie(2048)).await, 200);
    assert_eq!(reached(&world, "cookie_bytes").await, 0);
    assert_eq!(status(&world, &cookie(2049)).await, 431);
    assert_eq!(reached(&world, "cookie_bytes").await, 1);

    // Names and values: `host` and `app.test`, `connection` and `close`, `x-large`.
    let others = "hostapp.testconnectionclosex-large".len();
    let large = |bytes: usize| format!("X-Large: {}\r\n", "x".repeat(bytes - others));
    assert_eq!(status(&world, &large(8192)).await, 200);
    assert_eq!(reached(&world, "header_bytes").await, 0);
    assert_eq!(status(&world, &large(8193)).await, 431);
    assert_eq!(reached(&world, "header_bytes").await, 1);
    // Far more is refused before it is read.
    assert_eq!(status(&world, &large(100_000)).await, 431);
    becomes(&world, "request_head", 1).await;
}
