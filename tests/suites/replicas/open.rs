//! What hangs open through a replica: an event stream and a websocket.

use futures_util::{SinkExt as _, StreamExt as _};
use outpost_tests::{Browser, wait};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::replicas::fleet::{Fleet, SignedIn};

/// Both, open.
pub(crate) struct Open {
    events: reqwest::Response,
    socket: WebSocketStream<TcpStream>,
}

impl Open {
    /// Opens both and sees that they work.
    pub(crate) async fn through(fleet: &Fleet, index: usize, person: &SignedIn) -> Self {
        let url = fleet.replicas.url(index, "app.test", "/events?interval_ms=50");
        let events = Browser::new().client().get(url).header("accept", "text/event-stream");
        let events = events.header("cookie", &person.cookies);
        let mut events = events.send().await.unwrap();
        assert_eq!(events.status(), 200);
        assert!(events.chunk().await.unwrap().is_some(), "a first event");

        let url = fleet.replicas.url(index, "app.test", "/ws").replacen("http", "ws", 1);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("cookie", person.cookies.parse().unwrap());
        let stream = TcpStream::connect(fleet.replicas.addresses(index).http).await.unwrap();
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        socket.send(Message::text("hello")).await.unwrap();
        let echo = tokio::time::timeout(wait::PATIENCE, socket.next()).await.expect("an echo");
        assert_eq!(echo.unwrap().unwrap(), Message::text("hello"));
        Self { events, socket }
    }

    /// Waits until the outpost has closed both.
    pub(crate) async fn closes(mut self) {
        let both = async {
            while let Ok(Some(_)) = self.events.chunk().await {}
            while let Some(Ok(message)) = self.socket.next().await {
                if message.is_close() {
                    break;
                }
            }
        };
        tokio::time::timeout(wait::PATIENCE, both).await.expect("both close");
    }

    /// The socket still answers.
    pub(crate) async fn goes_on(&mut self) {
        self.socket.send(Message::text("still here")).await.unwrap();
        let echo = tokio::time::timeout(wait::PATIENCE, self.socket.next()).await.expect("an echo");
        assert_eq!(echo.unwrap().unwrap(), Message::text("still here"));
    }
}
