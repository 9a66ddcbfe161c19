//! `/ws/outpost/<uuid>/`: hello, ack, triggers, session ends.

use std::{sync::Arc, time::Duration};

use actix_http::ws::{CloseCode, CloseReason, Frame, Item, Message};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    api,
    crypto::random_text,
    http::Ask,
    observe::{Hello, WebsocketConnection},
    state::{InstanceState, Shared, State},
};
use crate::socket::{self, Incoming, Outgoing};

/// How long a closed peer may take to answer the close frame.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

const ACK: u64 = 0;
const HELLO: u64 = 1;
const TRIGGER_UPDATE: u64 = 2;
const PROVIDER_SPECIFIC: u64 = 3;
const SESSION_END: u64 = 4;

/// What the handle tells an open websocket.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Send this text.
    Text(String),
    /// Close with this code.
    Close(u16),
    /// End the connection without a close frame.
    Drop,
}

impl Command {
    /// A message to the outpost.
    fn message(instruction: u64, args: &Value) -> Self {
        Self::Text(json!({"instruction": instruction, "args": args}).to_string())
    }

    /// Ask for a refresh.
    pub(crate) fn trigger() -> Self {
        Self::message(TRIGGER_UPDATE, &json!({}))
    }

    /// The two messages of a session's end.
    pub(crate) fn session_end(sid: &str) -> [Self; 2] {
        [
            Self::message(SESSION_END, &json!({"type": "event.session.end", "session_id": sid})),
            Self::message(
                PROVIDER_SPECIFIC,
                &json!({"type": "event.provider.specific", "sub_type": "logout", "session_id": sid}),
            ),
        ]
    }
}

/// Answers a handshake; every refusal is an empty 403.
pub(crate) fn handshake(
    shared: &Arc<Shared>,
    request: &HttpRequest,
    payload: web::Payload,
    ask: &Ask,
) -> HttpResponse {
    let refused = || {
        shared.with(|state| state.observed.handshakes_refused += 1);
        HttpResponse::Forbidden().finish()
    };
    if !shared.read(|state| admitted(state, ask)) {
        return refused();
    }
    let (response, incoming, outgoing) = match socket::accept(request, payload, None) {
        Ok(accepted) => accepted,
        Err(error) => return HttpResponse::BadRequest().body(error.to_string()),
    };
    let (commands, inbox) = mpsc::unbounded_channel();
    let id = shared.with(|state| {
        state.observed.connections_opened += 1;
        let id = state.observed.connections_opened;
        state.sockets.insert(id, commands);
        state.observed.connections.push(WebsocketConnection { id, query: ask.raw_query.clone() });
        id
    });
    let uid = ask
        .query("instance_uuid")
        .map_or_else(|| format!("authentik_channels_specific.{}", random_text(32)), str::to_owned);
    let connection = Connection { shared: Arc::clone(shared), id, uid, outgoing };
    actix_rt::spawn(connection.run(incoming, inbox));
    response
}

fn admitted(state: &State, ask: &Ask) -> bool {
    let bearer = ask
        .header("authorization")
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    !state.refuse_websockets
        && ask.path == format!("/ws/outpost/{}/", state.outpost_uuid)
        && bearer.is_some_and(|(_, token)| api::caller_of(state, token).is_some())
}

struct Connection {
    shared: Arc<Shared>,
    id: u64,
    uid: String,
    outgoing: Outgoing,
}

impl Connection {
    async fn run(self, mut incoming: Incoming, mut inbox: mpsc::UnboundedReceiver<Command>) {
        loop {
            tokio::select! {
                frame = incoming.next() => match frame {
                    Some(Frame::Text(text)) => {
                        if self.heard(&text).is_err() {
                            self.close(1000, &mut incoming).await;
                            break;
                        }
                    }
                    Some(Frame::Binary(_) | Frame::Continuation(Item::FirstText(_) | Item::FirstBinary(_))) => {
                        self.close(1000, &mut incoming).await;
                        break;
                    }
                    Some(Frame::Ping(bytes)) => self.send(Message::Pong(bytes)),
                    Some(Frame::Pong(_) | Frame::Continuation(_)) => {}
                    Some(Frame::Close(reason)) => {
                        let code = reason.as_ref().map(|reason| u16::from(reason.code));
                        self.shared.with(|state| state.observed.close_frames.push(code));
                        self.send(Message::Close(reason));
                        break;
                    }
                    None => break,
                },
                command = inbox.recv() => match command {
                    Some(Command::Text(text)) => self.send(Message::Text(text.into())),
                    Some(Command::Close(code)) => {
                        self.close(code, &mut incoming).await;
                        break;
                    }
                    Some(Command::Drop) | None => break,
                },
            }
        }
    }

    fn send(&self, message: Message) {
        // The peer may be gone; the end of its frames says so.
        let _ = self.outgoing.send(message);
    }

    async fn close(&self, code: u16, incoming: &mut Incoming) {
        self.send(Message::Close(Some(CloseReason {
            code: CloseCode::from(code),
            description: None,
        })));
        let answered =
            async { while !matches!(incoming.next().await, Some(Frame::Close(_)) | None) {} };
        let _ = tokio::time::timeout(CLOSE_GRACE, answered).await;
    }

    /// Takes a message of the outpost; an error is a malformed one.
    fn heard(&self, text: &[u8]) -> Result<(), ()> {
        let message: Value = serde_json::from_slice(text).map_err(|_| ())?;
        let instruction = message.get("instruction").and_then(Value::as_u64).ok_or(())?;
        let args = match message.get("args") {
            None => json!({}),
            Some(args) if args.is_object() => args.clone(),
            Some(_) => return Err(()),
        };
        let ack = self.shared.with(|state| {
            if instruction == HELLO {
                let last_seen = state.clock.now();
                state
                    .instances
                    .insert(self.uid.clone(), InstanceState { args: args.clone(), last_seen });
                state.observed.record_hello(Hello {
                    connection: self.id,
                    uid: self.uid.clone(),
                    args,
                });
            } else {
                state.observed.record_frame(message.to_string());
            }
            state.acking && instruction != ACK
        });
        if ack && let Command::Text(ack) = Command::message(ACK, &json!({})) {
            self.send(Message::Text(ack.into()));
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.with(|state| {
            state.sockets.remove(&self.id);
            state.observed.connections.retain(|connection| connection.id != self.id);
        });
    }
}
