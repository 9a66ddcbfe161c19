//! What is large or long: websockets, headers, bodies, and an outpost that is away.

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_demo::core::UserSpec;
use outpost_tests::Browser;
use outpost_tests::proxies::Kind;
use reqwest::Method;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::proxies::front::Front;

async fn open(
    front: &Front,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<TcpStream>, Error> {
    let url = front.url("single.test", "/ws").replacen("http", "ws", 1);
    let mut request = url.as_str().into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(front.proxy.at.address()).await.unwrap();
    client_async(request, stream).await.map(|(socket, _)| socket)
}

/// A websocket opens for whoever is signed in, from a page of the application's own site.
pub(crate) async fn websockets_pass_for_people_who_are_signed_in(kind: Kind) {
    let front = Front::of(kind).await;
    let page = front.url("single.test", "/json");
    let browser = front.signed_in("single.test", "alice").await;
    match open(&front, &[]).await {
        Err(Error::Http(refused)) => assert_eq!(refused.status(), 401, "{kind:?}"),
        other => panic!("{kind:?}: {other:?}"),
    }
    let cookie = browser.cookie_header(&page.parse().unwrap()).unwrap();
    let own = front.url("single.test", "");
    let mut socket = open(&front, &[("cookie", &cookie), ("origin", &own)]).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"), "{kind:?}");
    let large = Message::text("x".repeat(300_000));
    socket.send(large.clone()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), large, "{kind:?}");

    match open(&front, &[("cookie", &cookie), ("origin", "http://evil.test")]).await {
        Err(Error::Http(refused)) => assert!(!refused.status().is_success(), "{kind:?}"),
        other => panic!("{kind:?}: {other:?}"),
    }
}

/// Cookies of 8 kB, and a user in so many groups that headers and token are large.
pub(crate) async fn large_headers_pass(kind: Kind) {
    let front = Front::of(kind).await;
    let groups: Vec<String> =
        (0..180).map(|n| format!("group-{n:04}-of-a-large-company")).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    front.world.core.put_user(UserSpec::new("carol", "carol-password").groups(&groups));
    let page = front.url("single.test", "/json");
    let browser = Browser::new();
    for part in 0..4 {
        browser.set_cookie("single.test", &format!("large{part}"), &"c".repeat(2000));
    }
    let landed = browser.sign_in(&page, "carol").await;
    assert_eq!(landed.status, 200, "{kind:?}: {}", landed.body);
    let received = landed.received("X-authentik-groups").unwrap();
    assert_eq!(received.split('|').count(), groups.len(), "{kind:?}");
    let token = landed.received("X-authentik-jwt").unwrap();
    assert!(received.len() + token.len() > 12_000, "{kind:?}: {}", received.len() + token.len());
    assert!(landed.received("Cookie").unwrap().len() > 8000, "{kind:?}");
}

/// The check gets no body: neither a large one nor one that comes in chunks is in its way.
pub(crate) async fn bodies_pass_whole_and_only_to_the_application(kind: Kind) {
    let front = Front::of(kind).await;
    let browser = front.signed_in("single.test", "alice").await;
    let url = front.url("single.test", "/echo/x");
    let body = "0123456789".repeat(20_000);
    let answer = browser.send(Method::PUT, &url, &[], Some(body.clone())).await;
    assert_eq!(answer.status, 200, "{kind:?}: {:.500}", answer.body);
    assert_eq!(answer.json()["method"], "PUT", "{kind:?}");
    assert!(answer.json()["body"] == body.as_str(), "{kind:?}: the body is another one");
    let upload = front.url("single.test", "/upload");
    let large = browser.send(Method::POST, &upload, &[], Some("x".repeat(5_000_000))).await;
    assert!(large.body.contains("5000000"), "{kind:?}: {} {}", large.status, large.body);
    for method in [Method::POST, Method::PUT] {
        let refused = Browser::new().send(method, &url, &[], Some(body[..5000].to_owned())).await;
        assert_eq!(refused.status, 401, "{kind:?}: {}", refused.body);
    }
    // Too large for any buffer: the refusal comes, and nobody waits for the end of the body.
    let nobody = Browser::new();
    let body = Some("x".repeat(5_000_000));
    if let Ok(refused) = nobody.try_send(Method::POST, &upload, &[], body).await {
        assert_eq!(refused.status, 401, "{kind:?}: {}", refused.body);
    }
    let still = browser.send(Method::POST, &url, &[], Some("still".to_owned())).await;
    assert_eq!(still.json()["body"], "still", "{kind:?}");
}

pub(crate) async fn nobody_gets_in_while_the_outpost_is_away(kind: Kind) {
    let front = Front::of(kind).await;
    let browser = front.signed_in("single.test", "alice").await;
    let Front { proxy, world, .. } = front;
    let outpost_tests::World { outpost, core, app } = world;
    drop(outpost);
    for path in ["/json", "/public/x", "/outpost.goauthentik.io/start"] {
        let answer = browser.get(&proxy.at.url("single.test", path)).await;
        assert!(answer.status.is_server_error(), "{kind:?} {path}: {}", answer.status);
        assert!(!answer.body.contains("\"headers\""), "{kind:?} {path}: {}", answer.body);
    }
    drop((core, app));
}
