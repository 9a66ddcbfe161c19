//! SIGTERM, SIGINT, SIGUSR1.

use outpost_demo::core::{CoreOptions, ProviderSpec, StandInCore};
use outpost_tests::{Browser, Program};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A core with one provider `name` at `app.test` before `upstream`, open to everybody.
fn core_with(upstream: &str) -> StandInCore {
    let core = StandInCore::start(CoreOptions::default()).expect("a core");
    core.put_provider(ProviderSpec::proxy("app", "http://app.test", upstream).skip("^/"))
        .expect("a provider");
    core
}

/// A rolling restart loses no request (o2p#3066).
#[tokio::test]
async fn sigterm_lets_the_request_under_way_finish_and_says_goodbye_to_core() {
    for signal in ["TERM", "INT"] {
        // An application that answers when the test says so.
        let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let core = core_with(&format!("http://{}", upstream.local_addr().expect("bound")));
        let outpost = Program::start(&core, &[]);
        outpost.serves(1).await;
        core.wait_for("a hello", |seen| !seen.hellos.is_empty()).await.expect("a hello");
        let http = outpost.address("http").await;

        let request = tokio::spawn(async move {
            Browser::new().get(&format!("http://app.test:{}/slow", http.port())).await
        });
        let (mut asked, _) = upstream.accept().await.expect("the outpost asks");
        let mut head = [0; 1024];
        assert!(asked.read(&mut head).await.expect("a request") > 0);

        outpost.signal(signal);
        outpost.line("the outpost stops").await;
        while TcpStream::connect(http).await.is_ok() {
            tokio::task::yield_now().await;
        }
        core.observe(|seen| assert!(seen.close_frames.is_empty(), "the link is the last to go"));
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";
        asked.write_all(answer).await.expect("the outpost waits");
        let page = request.await.expect("an answer");
        assert_eq!((page.status.as_u16(), page.body.as_str()), (200, "done"));

        assert_eq!(outpost.exit_code().await, Some(0));
        core.wait_for("a close frame", |seen| seen.close_frames.len() == 1).await.expect("goodbye");
        core.observe(|seen| assert_eq!(seen.close_frames, [Some(1000)]));
    }
}

#[tokio::test]
async fn sigusr1_fetches_the_configuration_anew() {
    let core = core_with("http://127.0.0.1:1");
    let outpost = Program::start(&core, &[]);
    outpost.serves(1).await;
    core.put_provider(ProviderSpec::forward_single("new", "http://new.test")).expect("a provider");
    outpost.signal("USR1");
    // The link may have fetched it first, when it came up.
    outpost.line("SIGUSR1").await;
    outpost.serves(2).await;
    assert_eq!(outpost.count("SIGUSR1"), 1);
}
