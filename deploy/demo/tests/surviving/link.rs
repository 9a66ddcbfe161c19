//! Gaps of the link: what is said meanwhile is lost.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_demo::core::StandInCore;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use crate::world::core;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(core: &StandInCore) -> Result<Socket, u16> {
    let host = core.url().replacen("http", "ws", 1);
    let url = format!("{host}/ws/outpost/{}/", core.outpost_uuid());
    let mut handshake = url.into_client_request().unwrap();
    let bearer = format!("Bearer {}", core.token()).parse().unwrap();
    handshake.headers_mut().insert("authorization", bearer);
    match connect_async(handshake).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(refusal)) => Err(refusal.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// Connects and says hello; the acknowledgement has been heard.
async fn greet(core: &StandInCore) -> Socket {
    let mut socket = connect(core).await.unwrap();
    socket.send(Message::text(json!({"instruction": 1, "args": {}}).to_string())).await.unwrap();
    assert_eq!(hear(&mut socket).await.unwrap()["instruction"], 0);
    socket
}

/// The next message; `None` if the connection ended.
async fn hear(socket: &mut Socket) -> Option<Value> {
    let heard =
        tokio::time::timeout(Duration::from_secs(10), socket.next()).await.expect("core is silent");
    match heard {
        Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
        Some(Ok(other)) => panic!("{other:?}"),
        Some(Err(_)) | None => None,
    }
}

#[tokio::test]
async fn what_happens_in_a_gap_of_the_link_is_told_to_nobody() {
    let core = core();
    let mut before = greet(&core).await;
    core.wait_connected(1).await.unwrap();
    core.cut_link();
    core.wait_connected(0).await.unwrap();
    core.end_session("in-the-gap");
    assert_eq!(hear(&mut before).await, None);
    assert_eq!(connect(&core).await.err(), Some(403));

    core.mend_link();
    let mut after = greet(&core).await;
    core.wait_connected(1).await.unwrap();
    core.end_session("after-the-gap");
    assert_eq!(hear(&mut after).await.unwrap()["args"]["session_id"], "after-the-gap");
}

#[tokio::test]
async fn an_untold_end_is_not_heard_by_who_is_connected() {
    let core = core();
    let tokens = crate::world::signed_in(&core, "openid").await;
    let sid = core.sessions_of("alice").remove(0);
    let mut socket = greet(&core).await;
    assert!(core.end_session_untold(&sid));
    assert!(!core.end_session_untold(&sid));
    core.trigger();
    assert_eq!(hear(&mut socket).await.unwrap()["instruction"], 2);
    assert!(core.sessions_of("alice").is_empty());
    let token = crate::world::text(&tokens, "access_token");
    assert_eq!(crate::world::introspected(&core, token).await["active"], false);
}

#[tokio::test]
async fn an_outpost_counts_as_connected_once_it_has_said_hello() {
    let core = core();
    let mut silent = connect(&core).await.unwrap();
    core.wait_for("a websocket", |seen| seen.connections.len() == 1).await.unwrap();
    let hello = Message::text(json!({"instruction": 1, "args": {}}).to_string());
    let mut connected = std::pin::pin!(core.wait_connected(1));
    assert!(futures_util::poll!(connected.as_mut()).is_pending());
    silent.send(hello).await.unwrap();
    connected.await.unwrap();
}
