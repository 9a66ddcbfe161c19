//! The websocket: handshakes, hellos, odd frames, triggers, ends.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_demo::core::StandInCore;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::HeaderName},
};

use crate::world::{core, exchanges, fixture, same_shape, send, text};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(core: &StandInCore, request: &Value) -> Result<Socket, u16> {
    let url = text(request, "/url").replacen(
        "ws://127.0.0.1:8000",
        &core.url().replacen("http", "ws", 1),
        1,
    );
    let mut handshake = url.into_client_request().unwrap();
    for (name, value) in request["headers"].as_object().unwrap() {
        let name: HeaderName = name.parse().unwrap();
        handshake.headers_mut().insert(name, value.as_str().unwrap().parse().unwrap());
    }
    match connect_async(handshake).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => {
            assert!(response.body().as_ref().is_none_or(Vec::is_empty), "a refusal has no body");
            Err(response.status().as_u16())
        }
        Err(error) => panic!("{error}"),
    }
}

async fn say(socket: &mut Socket, frame: &str) {
    socket.send(Message::text(frame)).await.unwrap();
}

/// The next message: JSON, or the code of a close frame.
async fn hear(socket: &mut Socket) -> Result<Value, u16> {
    let heard =
        tokio::time::timeout(Duration::from_secs(10), socket.next()).await.expect("core is silent");
    match heard {
        Some(Ok(Message::Text(text))) => Ok(serde_json::from_str(&text).unwrap()),
        Some(Ok(Message::Close(Some(frame)))) => Err(frame.code.into()),
        other => panic!("{other:?}"),
    }
}

fn session() -> Value {
    fixture("32_ws_hello_ack_update")["request"].clone()
}

/// Frames of one direction.
fn frames(case: &Value, direction: &str) -> Vec<String> {
    let all = case["frames"].as_array().unwrap().iter();
    all.filter(|frame| frame["dir"] == direction)
        .map(|frame| text(frame, "/frame").to_owned())
        .collect()
}

#[tokio::test]
async fn handshakes_are_accepted_and_refused_as_captured() {
    let core = core(false);
    let captured = fixture("31_ws_handshakes");
    for handshake in captured["handshakes"].as_array().unwrap() {
        let status = connect(&core, &handshake["request"]).await.err().unwrap_or(101);
        assert_eq!(
            json!(status),
            handshake["handshake_response"]["status"],
            "{}",
            handshake["note"]
        );
    }
}

#[tokio::test]
async fn every_hello_is_acked_and_replaces_what_health_shows() {
    let core = core(false);
    let health = exchanges("30_health_before_ws").remove(0);
    assert_eq!(send(&core, &health["request"]).await.json(), json!([]));
    let captured = fixture("33_health_ws");
    let expected = ["after_hello__outpost_token", "after_hello_with_other_version"];
    let mut socket = connect(&core, &session()).await.unwrap();
    for (hello, key) in
        frames(&fixture("32_ws_hello_ack_update"), "outpost->core").iter().zip(expected)
    {
        say(&mut socket, hello).await;
        assert_eq!(hear(&mut socket).await, Ok(json!({"instruction": 0, "args": {}})));
        let shown = send(&core, &health["request"]).await.json();
        same_shape(&shown, &captured[key], key);
        for field in
            ["uid", "version", "version_should", "version_outdated", "hostname", "golang_version"]
        {
            assert_eq!(shown[0][field], captured[key][0][field], "{key} {field}");
        }
    }
    core.trigger();
    assert_eq!(hear(&mut socket).await, Ok(json!({"instruction": 2, "args": {}})));
}

#[tokio::test]
async fn a_health_entry_lives_fifteen_seconds_after_its_last_hello() {
    let core = core(false);
    let health = exchanges("30_health_before_ws")[0]["request"].clone();
    let mut socket = connect(&core, &session()).await.unwrap();
    say(&mut socket, r#"{"instruction": 1, "args": {"version": "2025.10.0-rc1"}}"#).await;
    hear(&mut socket).await.unwrap();
    drop(socket);
    core.wait_for("the end of the connection", |seen| seen.connections.is_empty()).await.unwrap();
    core.advance_clock(Duration::from_secs(14));
    assert_eq!(send(&core, &health).await.json().as_array().unwrap().len(), 1);
    core.advance_clock(Duration::from_secs(1));
    assert_eq!(send(&core, &health).await.json(), json!([]));
}

#[tokio::test]
async fn a_hello_without_arguments_blanks_the_entry_and_a_bad_version_breaks_the_page() {
    let core = core(false);
    let captured = fixture("33b_health_ttl");
    let health = exchanges("30_health_before_ws")[0]["request"].clone();
    let mut socket = connect(&core, &session()).await.unwrap();
    say(&mut socket, r#"{"instruction": 1, "args": {}}"#).await;
    hear(&mut socket).await.unwrap();
    let blank = &captured["first_after_hello_with_empty_args"];
    let shown = send(&core, &health).await.json();
    same_shape(&shown, blank, "blank");
    assert_eq!(
        (&shown[0]["version"], &shown[0]["version_outdated"]),
        (&blank[0]["version"], &json!(false))
    );
    say(&mut socket, r#"{"instruction": 1, "args": {"version": "not-a-version"}}"#).await;
    hear(&mut socket).await.unwrap();
    let broken = send(&core, &health).await;
    assert_eq!(json!(broken.status), captured["with_unparsable_version"]["status"]);
    assert_eq!(
        broken.header("content-type"),
        captured["with_unparsable_version"]["content_type"].as_str()
    );
}

#[tokio::test]
async fn odd_frames_get_what_core_gives() {
    let core = core(false);
    for case in fixture("35_ws_oddities")["cases"].as_array().unwrap() {
        let mut socket = connect(&core, &session()).await.unwrap();
        let closed_by_core = case["closed"]["who_first"] == "core";
        for frame in frames(case, "outpost->core") {
            say(&mut socket, &frame).await;
        }
        for captured in frames(case, "core->outpost") {
            let captured: Value = serde_json::from_str(&captured).unwrap();
            assert_eq!(hear(&mut socket).await, Ok(captured), "{}", case["note"]);
        }
        if closed_by_core {
            let code = case["closed"]["received_close"]["code"].as_u64().unwrap();
            assert_eq!(hear(&mut socket).await.map_err(u64::from), Err(code), "{}", case["note"]);
        } else {
            // Nothing more came: the answer to a ping is the next thing heard.
            socket.send(Message::Ping("x".into())).await.unwrap();
            assert_eq!(
                socket.next().await.unwrap().unwrap(),
                Message::Pong("x".into()),
                "{}",
                case["note"]
            );
        }
    }
}

#[tokio::test]
async fn the_end_of_a_session_is_told_in_two_messages() {
    let core = core(false);
    let captured = fixture("34_ws_session_end");
    let mut socket = connect(&core, &captured["request"]).await.unwrap();
    let messages = frames(&captured, "core->outpost");
    let end: Value = serde_json::from_str(&messages[1]).unwrap();
    core.end_session(text(&end, "/args/session_id"));
    for message in &messages[1..3] {
        assert_eq!(hear(&mut socket).await, Ok(serde_json::from_str(message).unwrap()));
    }
}

#[tokio::test]
async fn a_rotated_token_leaves_the_socket_open_and_a_replaced_worker_closes_it_with_1012() {
    let core = core(false);
    let mut socket = connect(&core, &session()).await.unwrap();
    core.rotate_token();
    assert_eq!(send(&core, &exchanges("01_outposts_instances")[0]["request"]).await.status, 403);
    say(&mut socket, r#"{"instruction": 1, "args": {}}"#).await;
    assert_eq!(hear(&mut socket).await, Ok(json!({"instruction": 0, "args": {}})));
    core.close_websockets(1012);
    let code = fixture("37_ws_core_restart")["closed"]["received_close"]["code"].as_u64().unwrap();
    assert_eq!(hear(&mut socket).await.map_err(u64::from), Err(code));
}
