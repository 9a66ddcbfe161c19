//! systemd, or whoever stands in for it, hears of every step.

use std::time::Duration;

use outpost_demo::core::{CoreOptions, StandInCore};
use outpost_tests::Program;
use outpost_tests::folder::Folder;
use tokio::net::UnixDatagram;

/// Longest that a message is awaited.
const PATIENCE: Duration = Duration::from_secs(20);

/// The next message that is no sign of life; it begins with `wanted`.
async fn step(manager: &UnixDatagram, wanted: &str) -> String {
    let heard = async {
        loop {
            let text = message(manager).await;
            if !text.starts_with("WATCHDOG=1") {
                return text;
            }
        }
    };
    let text = tokio::time::timeout(PATIENCE, heard).await.expect(wanted);
    assert!(text.starts_with(wanted), "{wanted} was to come, and {text:?} came");
    text
}

async fn message(manager: &UnixDatagram) -> String {
    let mut buffer = [0; 1024];
    let length = manager.recv(&mut buffer).await.expect("a message");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[tokio::test]
async fn systemd_hears_when_an_outpost_is_ready_reloads_lives_and_stops() {
    let folder = Folder::new();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    let variables =
        [("NOTIFY_SOCKET", path.to_str().expect("a path")), ("WATCHDOG_USEC", "500000")];
    let outpost = Program::start(&core, &variables);

    step(&manager, "READY=1\n").await;
    let http = outpost.address("http").await;
    tokio::net::TcpStream::connect(http).await.expect("listeners are open when it is ready");
    for _ in 0..2 {
        let alive = tokio::time::timeout(PATIENCE, message(&manager)).await;
        assert_eq!(alive.expect("a sign of life"), "WATCHDOG=1\n");
    }
    outpost.signal("USR1");
    let reloading = step(&manager, "RELOADING=1\n").await;
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    step(&manager, "READY=1\n").await;
    outpost.signal("TERM");
    let stopping = step(&manager, "STOPPING=1\n").await;
    assert!(stopping.contains("EXTEND_TIMEOUT_USEC="), "{stopping}");
    assert_eq!(outpost.exit_code().await, Some(0));
}
