//! What is left of a hundred refreshes: nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::applications::support::{Wire, application, before};

/// Refreshes that change the provider, each followed by a request.
const REFRESHES: usize = 100;

/// Connections of the application that are open, and how many there have been.
#[derive(Default)]
struct Connections {
    open: AtomicUsize,
    ever: AtomicUsize,
}

#[tokio::test]
async fn file_handles_and_connections_stay_as_many_as_they_were() {
    let connections = Arc::<Connections>::default();
    let counted = Arc::clone(&connections);
    let app = application("127.0.0.1:0", move |mut wire: Wire| {
        let counted = Arc::clone(&counted);
        async move {
            counted.ever.fetch_add(1, Ordering::SeqCst);
            counted.open.fetch_add(1, Ordering::SeqCst);
            while !wire.head().await.is_empty() {
                wire.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            }
            counted.open.fetch_sub(1, Ordering::SeqCst);
        }
    })
    .await;
    // One worker, so that one connection can serve every request.
    let variables = [
        ("OUTPOST__WEB__WORKERS", "1"),
        ("OUTPOST__UPSTREAM__POOL_IDLE_TIMEOUT", "1h"),
        ("AUTHENTIK_WEB__TIMEOUT_HTTP_IDLE", "1h"),
    ];
    let (core, outpost, http) = before(&format!("http://{app}"), &variables).await;
    core.wait_for("a hello", |seen| !seen.hellos.is_empty()).await.unwrap();
    let mut client = Wire::to(http).await;
    let mut handles = 0;
    for round in 0..=REFRESHES {
        core.edit_provider("app", |spec| spec.skip_path_regex = format!("^/\n^/round/{round}"));
        outpost.signal("USR1");
        outpost.nth_line("\"providers\":1,", round + 2).await;
        client.write("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
        assert!(client.head().await.starts_with("HTTP/1.1 200 "));
        let mut body = [0; 2];
        tokio::io::AsyncReadExt::read_exact(&mut client.0, &mut body).await.unwrap();
        if round == 0 {
            handles = outpost.handles();
        }
    }
    let after = outpost.handles();
    println!("{handles} file handles before {REFRESHES} refreshes, {after} after them");
    // One connection to core may be between two requests.
    assert!(after <= handles + 1, "{after} file handles, {handles} before");
    assert_eq!(connections.open.load(Ordering::SeqCst), 1);
    assert_eq!(connections.ever.load(Ordering::SeqCst), 1, "one connection served all of it");
}
