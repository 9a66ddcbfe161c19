//! Pages that are kept up to date.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_demo::core::CoreOptions;
use outpost_tests::World;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::limits::support::reached;
use crate::operators::support::{ACT, Operator, TOKENS, VIEW, pages};

type Feed = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The feed of a page for whoever has this cookie.
pub(crate) async fn join(address: SocketAddr, page: &str, cookie: &str) -> Result<Feed, Error> {
    let url = format!("ws://{address}/live?page={page}");
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("origin", format!("http://{address}").parse().unwrap());
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    connect_async(request).await.map(|(feed, _)| feed)
}

/// The cookie of a browser that has signed in.
pub(crate) fn cookie(operator: &Operator) -> String {
    format!("outpost_operator={}", operator.browser.cookie("outpost_operator").unwrap())
}

/// The next frame, or how the feed was closed.
pub(crate) async fn hear(feed: &mut Feed) -> Result<String, Option<CloseCode>> {
    loop {
        match feed.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
            Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code)),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(None),
        }
    }
}

#[tokio::test]
async fn a_decision_comes_to_whoever_looks_and_nothing_after_they_sign_out() {
    let world = World::with(CoreOptions::default(), &TOKENS).await;
    world.serve([world.proxy()]).await;
    let operator = Operator::by_token(pages(&world), VIEW).await;
    let kept = cookie(&operator);
    let mut feed = join(pages(&world), "%2Fdecisions", &kept).await.unwrap();
    let first = hear(&mut feed).await.unwrap();
    assert!(!first.contains("/public/of-note"), "{first}");
    feed.send(Message::text("next")).await.unwrap();
    let there = world.url("app.test", "/public/of-note");
    assert_eq!(operator.browser.get(&there).await.status, 200);
    // Other parts of the page may have changed before.
    let mut seen = String::new();
    while !seen.contains("/public/of-note") {
        seen = hear(&mut feed).await.unwrap();
        feed.send(Message::text("next")).await.unwrap();
    }
    operator.sign_out().await;
    let end = loop {
        if let Err(end) = hear(&mut feed).await {
            break end;
        }
    };
    assert_eq!(end, Some(CloseCode::Policy));
    let again = join(pages(&world), "%2Fdecisions", &kept).await;
    assert!(matches!(again, Err(Error::Http(answer)) if answer.status() == 401));
}

#[tokio::test]
async fn more_viewers_than_there_is_room_for_are_turned_away() {
    let few = [TOKENS[0], ("OUTPOST__DASHBOARD__VIEWERS", "3")];
    let world = World::with(CoreOptions::default(), &few).await;
    let operator = Operator::by_token(pages(&world), ACT).await;
    let cookie = cookie(&operator);
    let mut feeds = Vec::new();
    for _ in 0..3 {
        let mut feed = join(pages(&world), "%2F", &cookie).await.unwrap();
        hear(&mut feed).await.unwrap();
        feeds.push(feed);
    }
    assert_eq!(reached(&world, "viewers").await, 0, "at the limit");
    match join(pages(&world), "%2F", &cookie).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{other:?}"),
    }
    assert_eq!(reached(&world, "viewers").await, 1, "past it");
    assert_eq!(operator.get("/").await.status, 200, "pages are served all the same");
    feeds.remove(0).close(None).await.unwrap();
    let freed = async {
        while join(pages(&world), "%2F", &cookie).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), freed).await.expect("a free seat");
}

#[tokio::test]
async fn an_outpost_that_ends_tells_its_viewers() {
    let world = World::with(CoreOptions::default(), &TOKENS).await;
    let operator = Operator::by_token(pages(&world), VIEW).await;
    let mut feed = join(pages(&world), "%2F", &cookie(&operator)).await.unwrap();
    hear(&mut feed).await.unwrap();
    let World { outpost, .. } = world;
    let stopping = tokio::task::spawn_blocking(move || outpost.stop());
    assert_eq!(hear(&mut feed).await, Err(Some(CloseCode::Restart)));
    stopping.await.unwrap();
}
