//! Where nothing is set: whoever uses this machine, and nobody who merely makes a program on it ask.

use futures_util::StreamExt as _;
use outpost_tests::{Browser, World};
use reqwest::Method;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::operators::support::{Operator, is_visitor, pages, visitor};

#[tokio::test]
async fn names_of_others_get_nothing() {
    let world = World::start().await;
    let port = pages(&world).port();
    let local = Operator::at(pages(&world));
    assert_eq!(local.get("/").await.status, 200);
    for (header, value) in [
        ("host", format!("evil.test:{port}")),
        ("host", "192.0.2.1".to_owned()),
        ("x-forwarded-for", "127.0.0.1".to_owned()),
        ("sec-fetch-site", "cross-site".to_owned()),
    ] {
        for path in ["/", "/sessions", "/assets/live.js"] {
            let headers = [(header, value.as_str())];
            let answer = Browser::new().send(Method::GET, &local.url(path), &headers, None).await;
            assert!(answer.status == 421 || answer.status == 403, "{header}: {}", answer.status);
            assert!(!answer.body.contains("/providers"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn other_sites_get_no_feed() {
    let world = World::start().await;
    let address = pages(&world);
    let join = async |origin: Option<&str>| {
        let mut request = format!("ws://{address}/live?page=%2F").into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        connect_async(request).await
    };
    for origin in [None, Some("https://evil.example.com"), Some("http://127.0.0.1:1"), Some("null")]
    {
        match join(origin).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 403, "{origin:?}"),
            other => panic!("{origin:?}: {other:?}"),
        }
    }
    let (mut feed, _) = join(Some(&format!("http://{address}"))).await.unwrap();
    assert!(matches!(feed.next().await, Some(Ok(Message::Text(_)))));
}

#[tokio::test]
async fn whoever_uses_this_machine_acts_by_forms_of_ours() {
    let world = World::start().await;
    world.serve([world.proxy()]).await;
    let alice = visitor(&world, "alice").await;
    let operator = Operator::at(pages(&world));
    assert_eq!(operator.revoke("alice", "made-up").await.status, 403);
    let plan = "/sessions/revoke?by=user&value=alice";
    let csrf = operator.csrf(plan).await;
    assert!(is_visitor(&world, &alice).await, "a look at the plan changes nothing");
    assert_eq!(operator.revoke("alice", &csrf).await.header("location"), "/sessions?ended=1");
    assert!(!is_visitor(&world, &alice).await);
    // There is nothing to sign in to.
    assert_eq!(operator.get("/sign-in?next=%2Fdoctor").await.header("location"), "/doctor");
}
