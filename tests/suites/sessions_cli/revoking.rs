//! Signing people out.

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_tests::{Browser, Figures, World};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::sessions_cli::support::{browser, is_in, sessions, two_applications, with};

#[tokio::test]
async fn one_session_ends_and_the_others_go_on() {
    let world = two_applications().await;
    let desk = browser(&world, "alice", &["app.test"]).await;
    let key = sessions(&world, &["list", "--json"]).json()[0]["key"].as_str().unwrap().to_owned();
    let phone = browser(&world, "alice", &["app.test"]).await;
    let said = sessions(&world, &["revoke", "--key", &key]);
    assert_eq!((said.code, &*said.out), (0, "1 session would end\n1 session ended\n"), "{said:?}");
    assert!(!is_in(&world, &desk, "app.test").await);
    assert!(is_in(&world, &phone, "app.test").await);
    let again = sessions(&world, &["revoke", "--key", &key]);
    assert_eq!((again.code, &*again.out), (0, "0 sessions would end\n"));
    let short = sessions(&world, &["revoke", "--key", &key[..12]]);
    assert!(short.code == 1 && short.err.contains("64 hexadecimal digits"), "{short:?}");
    assert!(is_in(&world, &phone, "app.test").await);
    let figures = Figures::of(&world).await.text;
    let counted = "outpost_admin_revocations_total{by=\"key\",outcome=\"done\"} 1\n";
    assert!(figures.contains(counted), "{figures}");
    assert!(figures.contains("outpost_admin_sessions_ended_total 1\n"));
}

#[tokio::test]
async fn a_user_is_signed_out_everywhere_after_a_yes() {
    let world = two_applications().await;
    let desk = browser(&world, "alice", &["app.test", "wiki.test"]).await;
    let phone = browser(&world, "alice", &["app.test"]).await;
    let bob = browser(&world, "bob", &["app.test"]).await;

    let dry = sessions(&world, &["revoke", "--user", "alice", "--dry-run"]);
    assert_eq!((dry.code, &*dry.out), (0, "3 sessions would end\n"), "{dry:?}");
    let unsaid = sessions(&world, &["revoke", "--user", "alice"]);
    assert_eq!((unsaid.code, &*unsaid.out), (1, "3 sessions would end\n"), "{unsaid:?}");
    assert!(unsaid.err.contains("--yes"), "{unsaid:?}");
    assert!(is_in(&world, &desk, "app.test").await && is_in(&world, &phone, "app.test").await);

    let said = sessions(&world, &["revoke", "--user", "alice", "--yes"]);
    assert_eq!((said.code, &*said.out), (0, "3 sessions would end\n3 sessions ended\n"));
    for (browser, host) in [(&desk, "app.test"), (&desk, "wiki.test"), (&phone, "app.test")] {
        assert!(!is_in(&world, browser, host).await, "{host}");
    }
    assert!(is_in(&world, &bob, "app.test").await);
    let nobody = sessions(&world, &["revoke", "--user", "Alice", "--yes"]);
    assert_eq!((nobody.code, &*nobody.out), (0, "0 sessions would end\n"), "{nobody:?}");
}

#[tokio::test]
async fn a_provider_a_subject_and_a_session_of_core_end_each_their_own() {
    let world = two_applications().await;
    let alice = browser(&world, "alice", &["app.test", "wiki.test"]).await;
    let bob = browser(&world, "bob", &["app.test", "wiki.test"]).await;
    let rows = sessions(&world, &["list", "--json"]).json();
    let sub = with(&rows, "user", "alice")[0]["sub"].as_str().unwrap();
    let sid = with(&rows, "user", "bob")[0]["sid"].as_str().unwrap();

    let said = sessions(&world, &["revoke", "--provider", "wiki", "--yes"]);
    assert_eq!((said.code, &*said.out), (0, "2 sessions would end\n2 sessions ended\n"));
    for browser in [&alice, &bob] {
        assert!(!is_in(&world, browser, "wiki.test").await);
        assert!(is_in(&world, browser, "app.test").await);
    }
    assert_eq!(sessions(&world, &["revoke", "--sub", sub]).code, 0);
    assert!(!is_in(&world, &alice, "app.test").await);
    assert!(is_in(&world, &bob, "app.test").await);
    assert_eq!(sessions(&world, &["revoke", "--sid", sid]).code, 0);
    assert!(!is_in(&world, &bob, "app.test").await);
    assert_eq!(world.sessions().await, 0);
}

type Socket = WebSocketStream<TcpStream>;

async fn websocket(world: &World, browser: &Browser) -> Socket {
    let url = world.url("app.test", "/ws");
    let cookies = browser.cookie_header(&url.parse().unwrap()).unwrap();
    let mut request = url.replacen("http", "ws", 1).into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookies.parse().unwrap());
    let stream = TcpStream::connect(world.http()).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    echoes(&mut socket).await;
    socket
}

async fn echoes(socket: &mut Socket) {
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
}

#[tokio::test]
async fn open_websockets_of_a_revoked_user_close_and_those_of_others_stay() {
    let world = two_applications().await;
    let alice = browser(&world, "alice", &["app.test"]).await;
    let bob = browser(&world, "bob", &["app.test"]).await;
    let mut hers = websocket(&world, &alice).await;
    let mut his = websocket(&world, &bob).await;
    assert_eq!(sessions(&world, &["revoke", "--user", "alice"]).code, 0);
    let closes = async {
        while let Some(Ok(message)) = hers.next().await {
            if message.is_close() {
                break;
            }
        }
    };
    tokio::time::timeout(outpost_tests::wait::PATIENCE, closes).await.expect("it closes");
    echoes(&mut his).await;
}
