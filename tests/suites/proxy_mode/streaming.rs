//! Bodies and event streams pass as they come, for as long as their session lives.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use outpost_demo::core::ProviderSpec;
use outpost_tests::{Browser, Capture, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::proxy_mode::support::{browser_of, cookies, linked, signed_in, soon};

async fn next(response: &mut reqwest::Response) -> Option<Bytes> {
    soon("a piece", response.chunk()).await.ok().flatten()
}

/// A request of `browser` whose answer is read piece by piece.
async fn open(
    world: &World,
    browser: &Browser,
    path: &str,
    headers: &[(&str, &str)],
) -> reqwest::Response {
    let mut request =
        browser.client().get(world.url("app.test", path)).header("cookie", cookies(world, browser));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    soon("an answer", request.send()).await.unwrap()
}

#[tokio::test]
async fn uploads_and_downloads_of_any_size_pass() {
    const SIZE: u64 = 24 << 20;
    let (world, browser) = signed_in("alice").await;

    let mut download = open(&world, &browser, &format!("/download?bytes={SIZE}"), &[]).await;
    assert_eq!(download.content_length(), Some(SIZE));
    let mut bytes = 0;
    while let Some(piece) = next(&mut download).await {
        bytes += piece.len() as u64;
    }
    assert_eq!(bytes, SIZE);

    let pieces =
        stream::iter((0..SIZE >> 20).map(|_| Ok::<_, std::io::Error>(vec![b'.'; 1 << 20])));
    let upload = browser
        .client()
        .put(world.url("app.test", "/upload"))
        .header("cookie", cookies(&world, &browser))
        .body(reqwest::Body::wrap_stream(pieces));
    let answer: serde_json::Value =
        soon("an upload", upload.send()).await.unwrap().json().await.unwrap();
    assert_eq!(answer["bytes"], SIZE);
}

#[tokio::test]
async fn an_upload_reaches_the_application_while_it_is_being_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let world = World::start().await;
    world.serve([ProviderSpec { internal_host: url, ..world.proxy() }]).await;
    let (go_on, wait) = tokio::sync::oneshot::channel::<()>();
    let pieces = stream::once(async { Ok::<_, std::io::Error>("first piece".to_owned()) }).chain(
        stream::once(async {
            wait.await.unwrap();
            Ok("second piece".to_owned())
        }),
    );
    let client = Browser::new().client().clone();
    let upload = client
        .post(world.url("app.test", "/public/upload"))
        .body(reqwest::Body::wrap_stream(pieces))
        .send();
    let upload = tokio::spawn(upload);
    let (mut stream, _) = soon("a connection", listener.accept()).await.unwrap();
    let mut seen = Vec::new();
    let mut read_until = async |wanted: &str| {
        soon(wanted, async {
            while !String::from_utf8_lossy(&seen).contains(wanted) {
                assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
            }
        })
        .await;
    };
    read_until("first piece").await;
    go_on.send(()).unwrap();
    read_until("second piece").await;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    assert_eq!(soon("an answer", upload).await.unwrap().unwrap().text().await.unwrap(), "ok");
}

#[tokio::test]
async fn each_server_sent_event_comes_when_it_happens() {
    let (world, browser) = signed_in("alice").await;
    let accept = [("accept", "text/event-stream")];
    // The second event would come in an hour: the first one does not wait for it.
    let mut events = open(&world, &browser, "/events?interval_ms=3600000", &accept).await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    assert!(next(&mut events).await.unwrap().starts_with(b"id: 1\n"));

    let mut events = open(&world, &browser, "/events?interval_ms=5&count=3", &accept).await;
    let mut all = Vec::new();
    while let Some(piece) = next(&mut events).await {
        all.extend_from_slice(&piece);
    }
    let all = String::from_utf8(all).unwrap();
    assert_eq!(all.matches("event: tick").count(), 3, "{all}");
}

/// ak#2023: an event stream does not outlive its session.
#[tokio::test]
async fn an_event_stream_ends_when_core_ends_the_session() {
    let (world, browser) = signed_in("alice").await;
    linked(&world).await;
    let mut streams = Vec::new();
    // Pages ask for event streams by name, other clients take what they are given.
    for accept in ["text/event-stream", "*/*"] {
        let accept = [("accept", accept)];
        let mut events = open(&world, &browser, "/events?interval_ms=3600000", &accept).await;
        next(&mut events).await.unwrap();
        streams.push(events);
    }
    let sid = world.core.sessions_of("alice").remove(0);
    world.core.end_session(&sid);
    for mut events in streams {
        assert_eq!(next(&mut events).await, None);
    }
    assert_eq!(browser.get(&world.url("app.test", "/json")).await.status, 302);
}

#[tokio::test]
async fn an_event_stream_ends_with_a_sign_out_in_another_tab() {
    let (world, browser) = signed_in("alice").await;
    let other_device = browser_of(&world, "alice").await;
    let bob = browser_of(&world, "bob").await;
    let accept = [("accept", "text/event-stream")];
    let path = "/events?interval_ms=3600000";
    let mut events = open(&world, &browser, path, &accept).await;
    let mut of_bob = open(&world, &bob, "/events?interval_ms=50", &accept).await;
    next(&mut events).await.unwrap();
    other_device.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
    assert_eq!(next(&mut events).await, None);
    for _ in 0..3 {
        next(&mut of_bob).await.expect("bob's stream goes on");
    }
}

#[tokio::test]
async fn an_event_stream_ends_when_the_token_runs_out() {
    let world = World::start().await;
    world.serve([world.proxy().validity(4.0)]).await;
    let browser = browser_of(&world, "alice").await;
    let accept = [("accept", "text/event-stream")];
    let mut events = open(&world, &browser, "/events?interval_ms=3600000", &accept).await;
    next(&mut events).await.unwrap();
    assert_eq!(next(&mut events).await, None);
    assert_eq!(browser.get(&world.url("app.test", "/json")).await.status, 302);
}

/// A refresh neither cuts what is under way nor throws connections away, even
/// when it changes this provider.
#[tokio::test]
async fn a_refresh_cuts_no_download_and_keeps_the_connections_to_the_application() {
    const SIZE: u64 = 32 << 20;
    let world = World::with(Default::default(), &[("OUTPOST__WEB__WORKERS", "1")]).await;
    let capture = Capture::start().await;
    let held = ProviderSpec {
        slug: "held".into(),
        name: "held".into(),
        application_name: "held".into(),
        external_host: world.url("held.test", ""),
        internal_host: capture.url(),
        ..world.proxy()
    };
    world.serve([world.proxy(), held]).await;
    let browser = browser_of(&world, "alice").await;
    let ask = async || browser.get(&world.url("held.test", "/public/x")).await.body;
    assert_eq!(ask().await, "captured");
    let path = format!("/download?bytes={SIZE}");
    let mut download = open(&world, &browser, &path, &[]).await;
    let mut bytes = next(&mut download).await.unwrap().len() as u64;

    for name in ["app", "held"] {
        world.core.edit_provider(name, |spec| spec.skip_path_regex = "^/(public|open)/".into());
    }
    world.refreshed().await;
    assert_eq!(browser.get(&world.url("held.test", "/open/x")).await.body, "captured");
    assert_eq!(ask().await, "captured");
    assert_eq!(capture.connections(), 1, "one connection served all of it");
    while let Some(piece) = next(&mut download).await {
        bytes += piece.len() as u64;
    }
    assert_eq!(bytes, SIZE);
}
