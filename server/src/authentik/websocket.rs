//! Core's websocket (contract 4): opening it, and one task that speaks on it.

use std::fmt;
use std::time::Duration;

use actix_codec::Framed;
use actix_http::ws::ProtocolError;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use awc::BoxedSocket;
use awc::error::WsClientError;
use awc::ws::{CloseCode, CloseReason, Codec, Frame, Message};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::connection::CoreConnection;
use crate::limits::{Limit, LimitFigures};

/// How long a write may take, and how long the peer has to answer a close frame.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whom to connect to, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Core's uuid of the outpost.
    pub outpost: String,
    /// This process's own uuid.
    pub instance: String,
    /// How many connections in a row have failed before.
    pub attempt: u32,
}

/// What the websocket's owner tells it. Dropping the sender closes with 1000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    /// A text message.
    Text(String),
    /// Close with this code, or give up opening.
    Close(u16),
}

/// What the websocket tells its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is open.
    Opened,
    /// Core answered with this status and no upgrade.
    Refused(u16),
    /// It could not be opened, and why.
    Unreachable(String),
    /// A text message.
    Text(String),
    /// Core closed it with this code; without one it broke.
    Closed(Option<u16>),
}

/// Opens websockets to core. One per thread.
pub struct WebsocketClient {
    http: awc::Client,
    connection: CoreConnection,
    largest: usize,
    limits: LimitFigures,
}

impl WebsocketClient {
    /// A client for the calling thread. No frame and no message of core's may be larger than
    /// `largest` bytes; one that is ends the connection, and is counted in `limits`.
    #[must_use]
    pub fn new(connection: CoreConnection, largest: usize, limits: LimitFigures) -> Self {
        Self { http: connection.client(), connection, largest, limits }
    }

    /// Opens a websocket and serves it until it is closed. `hear` is told [`Heard::Opened`] and
    /// then what comes, ending with [`Heard::Closed`]; or else one of the failures. After
    /// [`Say::Close`] it is told what text still comes, and nothing else.
    pub async fn run(
        &self,
        destination: &Destination,
        mut orders: mpsc::Receiver<Say>,
        hear: impl Fn(Heard),
    ) {
        let opened = tokio::select! {
            biased;
            // Nothing can be said before it is open: this is the order to give up.
            _ = orders.recv() => return,
            opened = self.open(destination) => opened,
        };
        match opened {
            Ok(framed) => {
                hear(Heard::Opened);
                self.serve(framed, orders, hear).await;
            }
            Err(WsClientError::InvalidResponseStatus(status)) => {
                hear(Heard::Refused(status.as_u16()));
            }
            Err(error) => hear(Heard::Unreachable(error.to_string())),
        }
    }

    async fn open(
        &self,
        destination: &Destination,
    ) -> Result<Framed<BoxedSocket, Codec>, WsClientError> {
        let mut url = self.connection.address().url(&["ws", "outpost", &destination.outpost]);
        // awc takes http and https for websockets, and url would not let the scheme change.
        url.query_pairs_mut()
            .append_pair("instance_uuid", &destination.instance)
            .append_pair("attempt", &destination.attempt.to_string());
        let (_, framed) = self
            .http
            .ws(url.as_str())
            .max_frame_size(self.largest)
            .header(header::AUTHORIZATION, self.connection.authorization())
            .header(header::USER_AGENT, self.connection.agent())
            .connect()
            .await?;
        Ok(framed)
    }

    async fn serve(
        &self,
        mut framed: Framed<BoxedSocket, Codec>,
        mut orders: mpsc::Receiver<Say>,
        hear: impl Fn(Heard),
    ) {
        let mut partial = Partial::new(self.largest);
        loop {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Say::Text(text)) => {
                        if !write(&mut framed, Message::Text(text.into())).await {
                            return hear(Heard::Closed(None));
                        }
                    }
                    Some(Say::Close(code)) => return close(framed, code, hear).await,
                    None => return close(framed, CloseCode::Normal.into(), hear).await,
                },
                frame = framed.next() => match frame {
                    Some(Ok(Frame::Text(text))) => hear(Heard::Text(lossy(&text))),
                    Some(Ok(Frame::Continuation(item))) => match partial.take(item) {
                        Ok(Some(text)) => hear(Heard::Text(text)),
                        Ok(None) => {}
                        Err(TooLong) => {
                            self.limits.reached(Limit::CoreMessage);
                            close(framed, CloseCode::Size.into(), &hear).await;
                            return hear(Heard::Closed(None));
                        }
                    },
                    // No text, so nothing that core says; it still counts as a malformed frame.
                    Some(Ok(Frame::Binary(_))) => hear(Heard::Text(String::new())),
                    Some(Ok(Frame::Ping(payload))) => {
                        if !write(&mut framed, Message::Pong(payload)).await {
                            return hear(Heard::Closed(None));
                        }
                    }
                    Some(Ok(Frame::Pong(_))) => {}
                    Some(Ok(Frame::Close(reason))) => {
                        let code = reason.as_ref().map(|reason| u16::from(reason.code));
                        write(&mut framed, Message::Close(reason)).await;
                        return hear(Heard::Closed(code));
                    }
                    Some(Err(error)) => {
                        if matches!(error, ProtocolError::Overflow) {
                            self.limits.reached(Limit::CoreMessage);
                        }
                        return hear(Heard::Closed(None));
                    }
                    None => return hear(Heard::Closed(None)),
                },
            }
        }
    }
}

impl fmt::Debug for WebsocketClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebsocketClient")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// Whether the message went out.
async fn write(framed: &mut Framed<BoxedSocket, Codec>, message: Message) -> bool {
    matches!(timeout(PATIENCE, framed.send(message)).await, Ok(Ok(())))
}

/// Sends a close frame and waits a moment for the peer's: a socket dropped with unread bytes
/// would be reset, and the frame lost with it.
async fn close(mut framed: Framed<BoxedSocket, Codec>, code: u16, hear: impl Fn(Heard)) {
    let reason = CloseReason { code: CloseCode::from(code), description: None };
    if !write(&mut framed, Message::Close(Some(reason))).await {
        return;
    }
    let answered = async {
        while let Some(Ok(frame)) = framed.next().await {
            match frame {
                Frame::Text(text) => hear(Heard::Text(lossy(&text))),
                Frame::Close(_) => break,
                _ => {}
            }
        }
    };
    let _ = timeout(PATIENCE, answered).await;
}

/// Text that is not UTF-8 is no JSON either; it is for the reader to count it.
fn lossy(text: &Bytes) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// A message that comes in pieces.
#[derive(Debug)]
struct Partial {
    pieces: BytesMut,
    largest: usize,
}

struct TooLong;

impl Partial {
    fn new(largest: usize) -> Self {
        Self { pieces: BytesMut::new(), largest }
    }

    /// The message, once its last piece is there.
    fn take(&mut self, item: actix_http::ws::Item) -> Result<Option<String>, TooLong> {
        use actix_http::ws::Item;
        let (piece, last) = match item {
            Item::FirstText(piece) | Item::FirstBinary(piece) => {
                self.pieces.clear();
                (piece, false)
            }
            Item::Continue(piece) => (piece, false),
            Item::Last(piece) => (piece, true),
        };
        if self.pieces.len() + piece.len() > self.largest {
            return Err(TooLong);
        }
        self.pieces.extend_from_slice(&piece);
        Ok(last.then(|| lossy(&self.pieces.split().freeze())))
    }
}
