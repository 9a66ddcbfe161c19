//! Websockets: tunnelled as they are, for the session's own site, while it lives.

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_tests::World;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::proxy_mode::support::{
    Socket, browser_of, closes, cookies, linked, refused, signed_in, soon, websocket,
};

async fn echoes(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
    let answer = soon("an echo", socket.next()).await.unwrap().unwrap();
    assert_eq!(answer, Message::text(text));
}

async fn open(world: &World, cookie: &str) -> Socket {
    let (mut socket, _) = websocket(world, "/ws", &[("cookie", cookie)]).await.unwrap();
    echoes(&mut socket, "hello").await;
    socket
}

/// ak#25487: the subprotocol that the application chose is in the answer.
#[tokio::test]
async fn a_websocket_speaks_with_the_application_in_its_subprotocol() {
    let (world, browser) = signed_in("alice").await;
    let cookie = cookies(&world, &browser);
    let headers = [("cookie", cookie.as_str()), ("sec-websocket-protocol", "chat.v2, chat.v1")];
    let (mut socket, answer) = websocket(&world, "/ws", &headers).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "chat.v2");
    assert_eq!(answer.headers()["x-powered-by"], "goauthentik.io");
    echoes(&mut socket, "hello").await;
    let large = "x".repeat(1 << 20);
    echoes(&mut socket, &large).await;
    socket.send(Message::binary(vec![0, 255])).await.unwrap();
    assert_eq!(
        soon("an echo", socket.next()).await.unwrap().unwrap(),
        Message::binary(vec![0, 255])
    );
    socket.close(None).await.unwrap();
    closes(&mut socket).await;
}

#[tokio::test]
async fn a_websocket_without_a_session_is_refused_with_401() {
    let world = World::start().await;
    world.serve([world.proxy()]).await;
    let (status, body) = refused(websocket(&world, "/ws", &[]).await);
    assert_eq!(status, 401, "{body}");
    let forged = [("cookie", "authentik_proxy_00000000=AAAA")];
    assert_eq!(refused(websocket(&world, "/ws", &forged).await).0, 401);
}

/// Cross-site websocket hijacking: a page of another site has the cookie but not the origin.
#[tokio::test]
async fn a_page_of_another_site_cannot_open_a_websocket_with_my_session() {
    let (world, browser) = signed_in("alice").await;
    let cookie = cookies(&world, &browser);
    for origin in [
        "https://evil.test",
        "http://evilapp.test",
        "http://app.test.evil.test",
        "null",
        "http://other.test",
        "",
        "file://",
        "http://app.test@evil.test",
        "garbage",
    ] {
        let headers = [("cookie", cookie.as_str()), ("origin", origin)];
        let (status, body) = refused(websocket(&world, "/ws", &headers).await);
        assert_eq!(status, 401, "{origin}: {body}");
    }
    let own = world.url("app.test", "");
    let same = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    let (mut socket, _) = websocket(&world, "/ws", &same).await.unwrap();
    echoes(&mut socket, "same origin").await;
    let (mut socket, _) = websocket(&world, "/ws", &same[..1]).await.unwrap();
    echoes(&mut socket, "no browser").await;
}

/// ak#2023: an open websocket does not outlive its session.
#[tokio::test]
async fn websockets_close_when_core_ends_the_session_and_those_of_others_stay() {
    let (world, browser) = signed_in("alice").await;
    linked(&world).await;
    let bob = browser_of(&world, "bob").await;
    let mut first = open(&world, &cookies(&world, &browser)).await;
    let mut second = open(&world, &cookies(&world, &browser)).await;
    let mut of_bob = open(&world, &cookies(&world, &bob)).await;
    let sid = world.core.sessions_of("alice").remove(0);
    world.core.end_session(&sid);
    for socket in [&mut first, &mut second] {
        assert_eq!(closes(socket).await, Some(CloseCode::Policy), "and it is told so");
    }
    echoes(&mut of_bob, "still here").await;
}

#[tokio::test]
async fn websockets_close_with_a_sign_out_in_another_tab() {
    let (world, browser) = signed_in("alice").await;
    let mut socket = open(&world, &cookies(&world, &browser)).await;
    let cookie = cookies(&world, &browser);
    browser.get(&world.url("app.test", "/outpost.goauthentik.io/sign_out")).await;
    assert_eq!(closes(&mut socket).await, Some(CloseCode::Policy));
    let again = [("cookie", cookie.as_str())];
    assert_eq!(refused(websocket(&world, "/ws", &again).await).0, 401);
}

#[tokio::test]
async fn websockets_close_when_the_token_runs_out() {
    let world = World::start().await;
    world.serve([world.proxy().validity(4.0)]).await;
    let browser = browser_of(&world, "alice").await;
    let mut socket = open(&world, &cookies(&world, &browser)).await;
    closes(&mut socket).await;
}
