//! Messages that come back.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::histogram::Histogram;
use crate::outcome;

#[derive(Deserialize)]
struct Request {
    uri: String,
    headers: Vec<(String, String)>,
}

/// Sends, and prints the figures.
pub(crate) fn run(
    at: SocketAddr,
    request: &Path,
    connections: usize,
    lasts: Duration,
    bytes: usize,
) -> Result<(), Box<dyn Error>> {
    let request: Request = serde_json::from_str(&std::fs::read_to_string(request)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut open = Vec::with_capacity(connections);
        for _ in 0..connections {
            let mut builder = ClientRequestBuilder::new(request.uri.parse()?);
            for (name, value) in &request.headers {
                builder = builder.with_header(name, value);
            }
            let stream = outcome::connect(at).await?;
            open.push(client_async(builder, stream).await?.0);
        }
        let message: Rc<str> = "x".repeat(bytes).into();
        let began = Instant::now();
        let sending: Vec<_> = open
            .into_iter()
            .map(|socket| {
                let message = Message::text(&*message);
                tokio::task::spawn_local(exchange(socket, message, began + lasts))
            })
            .collect();
        outcome::print(began, sending).await
    })
}

async fn exchange(
    mut socket: WebSocketStream<TcpStream>,
    message: Message,
    end: Instant,
) -> Result<Histogram, String> {
    let mut histogram = Histogram::new();
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(histogram);
        }
        socket.send(message.clone()).await.map_err(|error| error.to_string())?;
        match socket.next().await {
            Some(Ok(back)) if back == message => histogram.add(sent.elapsed()),
            other => return Err(format!("not what was sent: {other:?}")),
        }
    }
}
