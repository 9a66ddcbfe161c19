//! A connection of HTTP/2. Upgrades are of HTTP/1.1 alone: browsers open a connection of their own
//! for a websocket.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker, ready};
use std::time::Duration;

use actix_http::{BoxedPayloadStream, Payload};
use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::header::{
    CONNECTION, CONTENT_LENGTH, DATE, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Body;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use super::answer;
use super::body::Http2Body;
use super::connection::Context;
use crate::carried::{AnswerBody, Carried, Connection, InterimSink};
use crate::duplex::Stream;

/// Requests at a time.
const STREAMS: u32 = 128;
/// Bytes of a request's body that a client may send ahead, on one stream and in all.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;
/// Bytes of an answer that wait in memory for the client, for each stream: 8 MiB for one that asks
/// for all it may and takes nothing.
const SEND_BUFFER: usize = 64 * 1024;
/// Interim answers that may wait to be sent.
const INTERIM_WAITING: usize = 8;

/// Headers that speak of a connection, which HTTP/2 has no place for (RFC 9113 8.2.2).
const OF_CONNECTIONS: [HeaderName; 5] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Serves a connection to its end.
pub(super) async fn serve(stream: Stream, connection: Rc<Connection>, context: &Rc<Context>) {
    let limits = &context.limits;
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(STREAMS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(limits.header_bytes * 2).unwrap_or(u32::MAX));
    let mut http2 = match timeout(limits.head, builder.handshake::<_, Bytes>(stream)).await {
        Ok(Ok(http2)) => http2,
        Ok(Err(error)) => {
            tracing::debug!(peer = ?connection.peer, %error, "HTTP/2 came to nothing");
            return;
        }
        Err(_) => return,
    };
    let streams = Rc::new(Streams { active: Cell::new(0), idle_since: Cell::new(Instant::now()) });
    let mut look = pin!(sleep(limits.idle));
    // GOAWAY cuts nothing off: what is open goes on, and new requests come over another connection.
    let mut leaving = pin!(context.drain.leaving());
    let mut over = pin!(context.drain.over());
    let mut closing = false;
    loop {
        tokio::select! {
            biased;
            accepted = http2.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    let (connection, context) = (Rc::clone(&connection), Rc::clone(context));
                    let active = Active::new(&streams);
                    actix_rt::spawn(async move {
                        exchange(request, respond, connection, &context).await;
                        drop(active);
                    });
                }
                Some(Err(error)) => {
                    tracing::debug!(peer = ?connection.peer, %error, "a connection broke off");
                    return;
                }
                None => return,
            },
            () = leaving.as_mut(), if !closing => {
                closing = true;
                http2.graceful_shutdown();
            }
            () = over.as_mut() => return,
            () = look.as_mut() => {
                let over = streams.idle_since.get() + limits.idle;
                if streams.active.get() > 0 || over > Instant::now() {
                    look.as_mut().reset(over.max(Instant::now() + limits.idle / 2));
                } else if closing {
                    // It was told to go, and stays.
                    return;
                } else {
                    closing = true;
                    http2.graceful_shutdown();
                    look.as_mut().reset(Instant::now() + limits.head);
                }
            }
        }
    }
}

/// The requests under way on a connection.
struct Streams {
    active: Cell<usize>,
    idle_since: Cell<Instant>,
}

/// Exists as long as a request is under way.
struct Active(Rc<Streams>);

impl Active {
    fn new(streams: &Rc<Streams>) -> Self {
        streams.active.set(streams.active.get() + 1);
        Self(Rc::clone(streams))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.set(self.0.active.get() - 1);
        self.0.idle_since.set(Instant::now());
    }
}

/// Interim answers of one stream on their way to its task.
#[derive(Default)]
struct Interims(Mutex<(Vec<Response<()>>, Option<Waker>)>);

impl InterimSink for Interims {
    fn send(&self, status: StatusCode, headers: &HeaderMap) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.0.len() < INTERIM_WAITING {
            let mut interim = Response::new(());
            *interim.status_mut() = status;
            *interim.headers_mut() = headers.clone();
            strip_connection(interim.headers_mut());
            waiting.0.push(interim);
            if let Some(waker) = waiting.1.take() {
                waker.wake();
            }
        }
    }
}

/// One request and its answer.
async fn exchange(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    connection: Rc<Connection>,
    context: &Rc<Context>,
) {
    let (head, stream) = request.into_parts();
    let interims = Arc::new(Interims::default());
    let no_body = head.method == http::Method::HEAD;
    let carried = Carried::new(head, usize::MAX, connection, Arc::clone(&interims) as _, None);
    let payload = if stream.is_end_stream() {
        Payload::None
    } else {
        let body: BoxedPayloadStream = Box::pin(Http2Body::new(stream, carried.trailers()));
        Payload::Stream { payload: body }
    };
    let mut answering = Box::pin(answer::answer(context, carried, payload));
    let outcome = poll_fn(|cx| {
        if let Poll::Ready(answer) = answering.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        let mut waiting = interims.0.lock().unwrap_or_else(PoisonError::into_inner);
        for interim in waiting.0.drain(..) {
            // Refused: the stream is over, which the next line sees.
            let _ = respond.send_informational(interim);
        }
        waiting.1 = Some(cx.waker().clone());
        respond.poll_reset(cx).map(|_| None)
    });
    // The client has given up: with the future, the work for it ends.
    let Some(answer) = outcome.await else { return };
    let (mut head, body) = answer.into_parts();
    drop(answering);
    strip_connection(&mut head.headers);
    let length = body.size_hint().exact().filter(|_| !body.is_empty());
    if let Some(length) = length {
        head.headers.entry(CONTENT_LENGTH).or_insert(length.into());
    }
    if !head.headers.contains_key(DATE)
        && let Ok(date) = HeaderValue::from_bytes(&context.date.now())
    {
        head.headers.insert(DATE, date);
    }
    let no_body = no_body || body.is_empty();
    let Ok(mut send) = respond.send_response(Response::from_parts(head, ()), no_body) else {
        return;
    };
    if no_body {
        return;
    }
    let error = match send_body(&mut send, body, context.limits.write).await {
        Ok(()) => return,
        Err(Unsent::Client(error)) => error,
        Err(Unsent::Answer(error)) => {
            // A reset takes along what waits to be sent: first the connection's task sends it. A client
            // that gets nothing could take it for a request that was never taken up, and repeat it.
            yield_now().await;
            error
        }
    };
    tracing::debug!(%error, "an answer broke off");
    send.send_reset(Reason::INTERNAL_ERROR);
}

/// Why an answer was not sent to its end.
enum Unsent {
    /// It ended before its end.
    Answer(io::Error),
    /// The client is gone, or takes nothing.
    Client(io::Error),
}

fn strip_connection(headers: &mut HeaderMap) {
    for name in &OF_CONNECTIONS {
        headers.remove(name);
    }
}

/// Sends a body no faster than the client takes it. `patience`: the longest time it may take
/// nothing.
async fn send_body(
    send: &mut SendStream<Bytes>,
    mut body: AnswerBody,
    patience: Duration,
) -> Result<(), Unsent> {
    loop {
        let next = poll_fn(|cx| match body.poll_data(cx) {
            Poll::Ready(next) => Poll::Ready(next.transpose().map_err(Unsent::Answer)),
            Poll::Pending => send.poll_reset(cx).map(|reason| Err(Unsent::Client(gone(reason)))),
        });
        let Some(mut bytes) = next.await? else { break };
        while !bytes.is_empty() {
            send.reserve_capacity(bytes.len());
            let room = timeout(patience, poll_fn(|cx| poll_room(send, cx))).await;
            let room = room.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            let part = bytes.split_to(room.map_err(Unsent::Client)?.min(bytes.len()));
            send.send_data(part, false).map_err(closed)?;
        }
    }
    match body.take_trailers() {
        Some(trailers) => send.send_trailers(trailers),
        None => send.send_data(Bytes::new(), true),
    }
    .map_err(closed)
}

fn closed(error: h2::Error) -> Unsent {
    Unsent::Client(io::Error::other(error))
}

/// Waits until some bytes may be sent.
fn poll_room(
    send: &mut SendStream<Bytes>,
    cx: &mut std::task::Context<'_>,
) -> Poll<io::Result<usize>> {
    loop {
        match ready!(send.poll_capacity(cx)) {
            // It can tell of a change that was taken back meanwhile.
            Some(Ok(0)) => {}
            Some(Ok(room)) => return Poll::Ready(Ok(room)),
            Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
            None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

fn gone(reason: Result<Reason, h2::Error>) -> io::Error {
    match reason {
        Ok(reason) => io::Error::other(reason.description()),
        Err(error) => io::Error::other(error),
    }
}
