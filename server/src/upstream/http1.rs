//! A connection to an upstream over HTTP/1.1 (RFC 9112), for one request at a time.
//!
//! No task of its own drives it. Whoever waits for the head of an answer sends the request meanwhile, and
//! whoever takes the body reads it; a request that is still being sent when its answer begins goes on beside
//! it, in a task, since a client need not read before it has sent everything. What asks for an upgrade goes
//! over hyper's connections, which know how to part with one.

mod decoder;
mod head;
mod upload;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::task::noop_waker_ref;
use http::response::Parts;
use http::{Method, Response};
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use tokio::time::sleep;

use super::body::{RequestBody, UploadError};
use super::interim::Interim;
use crate::duplex::Stream;

use decoder::{Decoder, Part};
use head::Reader;
pub(super) use head::{LINES, Malformed};
use upload::{Unsent, Upload};

/// Least and most room for what is read at once.
const ROOM: (usize, usize) = (8 * 1024, 256 * 1024);

/// How long the rest of a request may take when its answer is complete.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a connection brought no answer, or not all of it.
#[derive(Debug, Error)]
pub(super) enum Broken {
    /// It ended, at a time when something was to come.
    #[error("the connection was closed")]
    Closed(#[source] Option<io::Error>),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The body of the request ended before its end.
    #[error(transparent)]
    Upload(#[from] UploadError),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Closed(Some(error))
    }
}

/// One end of the connection; the other is with the upstream.
pub(super) struct Connection(Rc<Line>);

struct Line {
    /// `None` when it was broken off.
    io: RefCell<Option<Io>>,
    /// Whether all of the request was sent, and all of its answer has come.
    sent: Cell<bool>,
    answered: Cell<bool>,
    /// Whether the answer allows for another request.
    keeps: Cell<bool>,
    /// Who reads the answer, while the request is still being sent.
    reader: RefCell<Option<Waker>>,
}

struct Io {
    stream: Stream,
    inbox: BytesMut,
    heads: Reader,
    /// Room for what is read at once.
    room: usize,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        let io = Io { stream, inbox: BytesMut::new(), heads: Reader::default(), room: ROOM.0 };
        Self(Rc::new(Line {
            io: RefCell::new(Some(io)),
            sent: Cell::new(true),
            answered: Cell::new(true),
            keeps: Cell::new(true),
            reader: RefCell::default(),
        }))
    }

    /// Whether it may serve a request: the one before is over, it has not ended, and nothing came that nobody
    /// asked for.
    pub(super) fn is_usable(&self) -> bool {
        let line = &*self.0;
        if !(line.sent.get() && line.answered.get() && line.keeps.get()) {
            return false;
        }
        let mut cx = Context::from_waker(noop_waker_ref());
        line.io
            .borrow_mut()
            .as_mut()
            .is_some_and(|io| io.inbox.is_empty() && io.poll_read(&mut cx).is_pending())
    }

    /// Gives back the memory that a large answer has taken.
    pub(super) fn rest(&self) {
        if let Some(io) = &mut *self.0.io.borrow_mut()
            && io.room > ROOM.0
        {
            (io.room, io.inbox) = (ROOM.0, BytesMut::new());
        }
    }

    /// Sends a request of this `method`, whose `head` ends with its empty line, and waits for the head of the
    /// answer. The connection is of no further use where this is not waited for to its end, or fails.
    pub(super) async fn send(
        &self,
        method: &Method,
        head: Vec<u8>,
        body: RequestBody,
        interim: Interim,
    ) -> Result<Response<AnswerBody>, Broken> {
        let line = &*self.0;
        for flag in [&line.sent, &line.answered, &line.keeps] {
            flag.set(false);
        }
        let mut upload = Some(Upload::new(head, body));
        let mut lost = None;
        let answer = poll_fn(|cx| {
            if let Some(sending) = &mut upload
                && let Poll::Ready(sent) = line.poll_upload(sending, cx)
            {
                upload = None;
                match sent {
                    Ok(()) => {}
                    Err(Unsent::Body(error)) => return Poll::Ready(Err(error.into())),
                    // Perhaps it has answered before it closed its side: that is to be passed on.
                    Err(Unsent::Connection(error)) => lost = Some(error),
                }
            }
            line.poll_head(method, &interim, cx).map_err(|error| match error {
                Broken::Closed(None) => Broken::Closed(lost.take()),
                error => error,
            })
        });
        let head::Head { parts, framing, keeps } = answer.await?;
        line.keeps.set(keeps);
        let decoder = Decoder::new(framing);
        line.answered.set(decoder.is_over());
        if let Some(upload) = upload {
            actix_rt::spawn(go_on(Rc::clone(&self.0), upload));
        }
        let body = AnswerBody { line: Rc::clone(&self.0), decoder };
        Ok(Response::from_parts(parts, body))
    }
}

/// Sends the rest of a request beside its answer, and not much longer. A client that breaks it off breaks off
/// the connection: the upstream must not take what it has for all.
async fn go_on(line: Rc<Line>, mut upload: Upload) {
    let mut patience = None;
    let mut is_taken = true;
    let sent = poll_fn(|cx| {
        let polled = match is_taken {
            true => line.poll_upload(&mut upload, cx),
            false => upload.poll_away(cx).map(Ok),
        };
        match polled {
            // Who has answered need not read; the client's connection goes on after what it sends.
            Poll::Ready(Err(Unsent::Connection(_))) => {
                is_taken = false;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(sent) => Poll::Ready(Some(sent)),
            Poll::Pending if upload.is_answered() => {
                let patience = patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
                patience.as_mut().poll(cx).map(|()| None)
            }
            Poll::Pending => Poll::Pending,
        }
    });
    if !matches!(sent.await, Some(Ok(()))) {
        tracing::debug!("a request was broken off");
        line.io.borrow_mut().take();
    }
    if let Some(reader) = line.reader.borrow_mut().take() {
        reader.wake();
    }
}

impl Line {
    fn poll_upload(&self, upload: &mut Upload, cx: &mut Context<'_>) -> Poll<Result<(), Unsent>> {
        let mut io = self.io.borrow_mut();
        let Some(Io { stream, .. }) = &mut *io else {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::NotConnected).into()));
        };
        let sent = ready!(upload.poll(stream, cx));
        self.sent.set(sent.is_ok());
        Poll::Ready(sent)
    }

    /// The head of the final answer; interim ones are passed on.
    fn poll_head(
        &self,
        method: &Method,
        interim: &Interim,
        cx: &mut Context<'_>,
    ) -> Poll<Result<head::Head, Broken>> {
        let mut io = self.io.borrow_mut();
        let Some(io) = &mut *io else { return Poll::Ready(Err(Broken::Closed(None))) };
        loop {
            if !io.inbox.is_empty()
                && let Some(head) = io.heads.take(&mut io.inbox, method)?
            {
                let Parts { status, headers, .. } = &head.parts;
                if !status.is_informational() || *status == http::StatusCode::SWITCHING_PROTOCOLS {
                    return Poll::Ready(Ok(head));
                }
                interim.pass_on(*status, headers);
                continue;
            }
            if ready!(io.poll_read(cx))? == 0 {
                return Poll::Ready(Err(Broken::Closed(None)));
            }
        }
    }

    fn poll_body(
        &self,
        decoder: &mut Decoder,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Part, Broken>>> {
        let mut io = self.io.borrow_mut();
        let Some(io) = &mut *io else { return Poll::Ready(Some(Err(Broken::Closed(None)))) };
        loop {
            let part = decoder.take(&mut io.inbox)?;
            // Noted with the last byte: not everybody asks for what comes after it.
            self.answered.set(decoder.is_over());
            if let Some(part) = part {
                return Poll::Ready(Some(Ok(part)));
            }
            if decoder.is_over() {
                return Poll::Ready(None);
            }
            let read = match io.poll_read(cx) {
                Poll::Ready(read) => read?,
                Poll::Pending => {
                    if !self.sent.get() {
                        self.reader.replace(Some(cx.waker().clone()));
                    }
                    return Poll::Pending;
                }
            };
            if read == 0 && !decoder.end() {
                return Poll::Ready(Some(Err(Broken::Closed(None))));
            }
        }
    }
}

impl Io {
    /// Reads into the inbox, and tells how much; as much at once as lately has come.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.inbox.reserve(self.room);
        let had = self.inbox.capacity() - self.inbox.len();
        let read = ready!(pin!(self.stream.read_buf(&mut self.inbox)).poll(cx))?;
        if read == had {
            self.room = (self.room * 2).min(ROOM.1);
        }
        Poll::Ready(Ok(read))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("answered", &self.0.answered).finish_non_exhaustive()
    }
}

/// The body of an answer.
pub(super) struct AnswerBody {
    line: Rc<Line>,
    decoder: Decoder,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Self { line, decoder } = self.get_mut();
        line.poll_body(decoder, cx).map_ok(|part| match part {
            Part::Data(bytes) => Frame::data(bytes),
            Part::Trailers(trailers) => Frame::trailers(trailers),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.decoder.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.decoder {
            Decoder::Over => SizeHint::with_exact(0),
            Decoder::Length(left) => SizeHint::with_exact(*left),
            Decoder::Chunked(_) | Decoder::Close => SizeHint::default(),
        }
    }
}
