//! Answers with bodies, as HTTP/1.1 writes them (RFC 9112 6 and 7).

use std::future::poll_fn;
use std::io::{self, Write as _};
use std::pin::pin;
use std::task::Poll;

use actix_http::body::BodySize;
use bytes::{Buf, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::response::Parts;
use http::{Response, StatusCode};

use crate::carried::AnswerBody;
use crate::downstream::date::Date;
use crate::downstream::wire::Wire;
use crate::header_line::write_header;

/// Most bytes that are copied together, so that a small answer is written at once.
const TOGETHER: usize = 16 * 1024;

/// What is left of the room for an answer when it was sent.
const KEPT: usize = 32 * 1024;

/// How an answer is sent, beside what it says itself.
pub(super) struct Manner<'a> {
    /// Whether a request with the method HEAD is answered.
    pub(super) is_head: bool,
    /// Whether the connection ends after it.
    pub(super) last: bool,
    /// For an answer that says none.
    pub(super) date: &'a Date,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// There is no body, whatever the head says of its length.
    Nothing,
    Length(u64),
    Chunked,
}

impl Framing {
    fn of(status: StatusCode, size: BodySize, is_head: bool) -> Self {
        match size {
            _ if is_head || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) => {
                Self::Nothing
            }
            BodySize::None => Self::Length(0),
            BodySize::Sized(length) => Self::Length(length),
            BodySize::Stream => Self::Chunked,
        }
    }
}

/// Waits for an answer, and passes interim ones on meanwhile; `None` when the client is gone.
pub(super) async fn unless_gone<T>(wire: &Wire, answer: impl Future<Output = T>) -> Option<T> {
    let mut answer = pin!(answer);
    poll_fn(|cx| {
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        if let Poll::Ready(Err(_)) = wire.flush(cx) {
            return Poll::Ready(None);
        }
        wire.poll_gone(cx).map(|()| None)
    })
    .await
}

/// Sends an answer to its end. `room` is empty, and is left so.
///
/// # Errors
/// When the client is gone, or the answer breaks off; the connection must end then, so that half an
/// answer does not look whole.
pub(super) async fn send(
    wire: &Wire,
    answer: Response<AnswerBody>,
    manner: &Manner<'_>,
    room: &mut Vec<u8>,
) -> io::Result<()> {
    let (head, body) = answer.into_parts();
    let framing = Framing::of(head.status, body.size(), manner.is_head);
    // Those that came before it are told before it.
    poll_fn(|cx| wire.flush(cx)).await?;
    write_head(room, &head, framing, manner);
    let sent = send_body(wire, body, framing, room).await;
    room.clear();
    room.shrink_to(KEPT);
    sent
}

fn write_head(to: &mut Vec<u8>, head: &Parts, framing: Framing, manner: &Manner<'_>) {
    to.extend_from_slice(b"HTTP/1.1 ");
    to.extend_from_slice(head.status.as_str().as_bytes());
    to.push(b' ');
    to.extend_from_slice(head.status.canonical_reason().unwrap_or_default().as_bytes());
    to.extend_from_slice(b"\r\n");
    for (name, value) in &head.headers {
        // Ours to say. Without a body, the length is that of the one that another request would get.
        let is_ours = name == CONNECTION
            || name == TRANSFER_ENCODING
            || (name == CONTENT_LENGTH && framing != Framing::Nothing);
        if !is_ours {
            write_header(to, name, value.as_bytes());
        }
    }
    match framing {
        Framing::Nothing => {}
        // Memory takes everything.
        Framing::Length(length) => drop(write!(to, "Content-Length: {length}\r\n")),
        Framing::Chunked => to.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    let date = (!head.headers.contains_key(DATE)).then_some(manner.date);
    end_head(to, date, manner.last);
}

/// Writes the last lines of a head: the date, if one is to be told, and whether the connection ends.
pub(super) fn end_head(to: &mut Vec<u8>, date: Option<&Date>, last: bool) {
    if let Some(date) = date {
        to.extend_from_slice(b"Date: ");
        to.extend_from_slice(&date.now());
        to.extend_from_slice(b"\r\n");
    }
    // Idle connections stay until the drain: a proxy may be sending on one at this very moment.
    to.extend_from_slice(if last { b"Connection: close\r\n\r\n" } else { b"\r\n" });
}

/// What comes next while an answer is sent.
enum Comes {
    Data(Bytes),
    End,
    /// Nothing now: what was collected is to be written.
    Rest,
}

/// Sends a body. `waiting` is what is to be written before it.
async fn send_body(
    wire: &Wire,
    mut body: AnswerBody,
    framing: Framing,
    waiting: &mut Vec<u8>,
) -> io::Result<()> {
    let mut left = match framing {
        Framing::Nothing => 0,
        Framing::Length(length) => length,
        Framing::Chunked => u64::MAX,
    };
    let outcome = loop {
        if left == 0 {
            break Ok(());
        }
        let comes = poll_fn(|cx| match body.poll_data(cx) {
            Poll::Ready(Some(Ok(bytes))) => Poll::Ready(Ok(Comes::Data(bytes))),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(error)),
            Poll::Ready(None) => Poll::Ready(Ok(Comes::End)),
            Poll::Pending if !waiting.is_empty() => Poll::Ready(Ok(Comes::Rest)),
            Poll::Pending => {
                wire.poll_gone(cx).map(|()| Err(io::ErrorKind::ConnectionAborted.into()))
            }
        });
        match comes.await {
            Ok(Comes::Data(bytes)) if bytes.is_empty() => {}
            Ok(Comes::Data(bytes)) => {
                let length = bytes.len() as u64;
                let Some(rest) = left.checked_sub(length) else {
                    break Err(io::Error::other("the answer is longer than it says"));
                };
                let end: &[u8] = if framing == Framing::Chunked {
                    drop(write!(waiting, "{length:X}\r\n"));
                    b"\r\n"
                } else {
                    left = rest;
                    b""
                };
                if waiting.len() + bytes.len() <= TOGETHER {
                    waiting.extend_from_slice(&bytes);
                    waiting.extend_from_slice(end);
                } else {
                    write_all(wire, (&**waiting).chain(bytes).chain(end)).await?;
                    waiting.clear();
                }
            }
            Ok(Comes::Rest) => {
                write_all(wire, &**waiting).await?;
                waiting.clear();
            }
            Ok(Comes::End) if framing == Framing::Chunked => {
                waiting.extend_from_slice(b"0\r\n\r\n");
                break Ok(());
            }
            Ok(Comes::End) => break Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => break Err(error),
        }
    };
    // What is recorded of it is there before its client knows that it is over.
    drop(body);
    // Of one that breaks off, too: a client that got nothing at all could not tell it from a request that was
    // never taken up, and may repeat it.
    write_all(wire, &**waiting).await?;
    outcome
}

async fn write_all(wire: &Wire, mut bytes: impl Buf) -> io::Result<()> {
    poll_fn(|cx| wire.poll_write_all(cx, &mut bytes)).await
}
