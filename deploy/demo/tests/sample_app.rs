//! The sample application, asked directly.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_demo::sample_app::SampleApp;
use reqwest::{Client, header::HeaderMap};
use serde_json::Value;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

async fn get(app: &SampleApp, path: &str, headers: &[(&'static str, &str)]) -> (HeaderMap, String) {
    let mut request = Client::new().get(format!("{}{path}", app.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    (response.headers().clone(), response.text().await.unwrap())
}

#[tokio::test]
async fn it_shows_who_the_outpost_says_you_are_without_believing_markup() {
    let app = SampleApp::start(0).unwrap();
    let identity = [
        ("x-authentik-username", "alice"),
        ("x-authentik-name", "<b>Alice</b>"),
        ("x-authentik-groups", "admins|staff"),
    ];
    let (_, html) = get(&app, "/", &identity).await;
    assert!(html.contains("Hello, &lt;b&gt;Alice&lt;/b&gt;") && html.contains("admins, staff"));
    assert!(html.contains(r#"href="/outpost.goauthentik.io/sign_out""#));
    let (_, json) =
        get(&app, "/anything?x=1", &[&identity[..], &[("accept", "application/json")]].concat())
            .await;
    let seen: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (seen["user"].as_str(), seen["target"].as_str()),
        (Some("alice"), Some("/anything?x=1"))
    );
    assert_eq!(seen["groups"], serde_json::json!(["admins", "staff"]));
}

#[tokio::test]
async fn an_empty_identity_is_nobody() {
    let app = SampleApp::start(0).unwrap();
    let (_, html) = get(&app, "/public/hello", &[("x-authentik-username", "")]).await;
    assert!(html.contains("<strong>nobody</strong>"));
    let (_, json) = get(&app, "/json", &[("x-authentik-username", "")]).await;
    assert!(serde_json::from_str::<Value>(&json).unwrap()["user"].is_null());
}

#[tokio::test]
async fn a_credential_is_not_shown_whole_on_the_page() {
    let app = SampleApp::start(0).unwrap();
    let token = "secret".repeat(10);
    let (_, html) = get(&app, "/", &[("x-authentik-jwt", &token)]).await;
    assert!(!html.contains(&token) && html.contains("(60 characters)"));
}

#[tokio::test]
async fn it_streams_counts_and_delivers() {
    let app = SampleApp::start(0).unwrap();
    let (headers, events) = get(&app, "/events?count=3&interval_ms=1", &[]).await;
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(events.matches("event: tick").count(), 3);
    let upload = Client::new()
        .post(format!("{}/upload", app.url()))
        .body(vec![0; 300_000])
        .send()
        .await
        .unwrap();
    assert_eq!(upload.json::<Value>().await.unwrap()["bytes"], 300_000);
    let (headers, body) = get(&app, "/download?bytes=200000", &[]).await;
    assert_eq!((headers["content-length"].to_str().unwrap(), body.len()), ("200000", 200_000));
    let (_, slow) = get(&app, "/slow?ms=1", &[]).await;
    assert_eq!(slow, r#"{"waited_ms":1}"#);
}

#[tokio::test]
async fn the_websocket_echoes_under_the_first_subprotocol_offered() {
    let app = SampleApp::start(0).unwrap();
    let mut request = format!("ws://{}/ws", app.address()).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-ws, other".parse().unwrap());
    let (mut socket, response) = connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-ws");
    for message in [Message::text("hällo"), Message::binary(vec![0, 255])] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
}
