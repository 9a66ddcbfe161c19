//! The bytes of a connection of HTTP/1.1, on which two speak, one at a time: the fast path and hyper.
//! Each movement is noted in a [`Pulse`].

use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::pulse::Pulse;
use crate::duplex::{Stream, poll_write_all};

/// Room for what is read at once on the fast path: as much as hyper has, which throws away the body of a
/// request that it is refused with, and goes on, only where all of it was read with the head.
const ROOM: usize = 8 * 1024;

/// Most that hyper reads at once of a head: it looks at how much there is before it reads, and so one that
/// is far too long is not read as a whole before it is refused.
const STEP: usize = 16 * 1024;

/// A connection. The fast path has it first.
pub(super) struct Wire {
    line: Mutex<Line>,
    pulse: Arc<Pulse>,
}

struct Line {
    stream: Stream,
    /// What was read and is nobody's yet.
    inbox: BytesMut,
    turn: Turn,
}

/// Whose turn it is.
enum Turn {
    /// That of the fast path. hyper is not polled meanwhile.
    Fast,
    /// hyper's, for one request, of which this much is left for it to read: of its head, and then of its
    /// body, in bytes that may not have come.
    Lent(Bytes, usize),
    /// hyper's for good.
    Hyper,
}

/// What the fast path makes of bytes that have come.
pub(super) enum Read<T> {
    /// They are not enough.
    Part,
    /// A request, whose bytes were taken out.
    Whole(T),
    /// Not for the fast path, nor is anything that follows.
    Other,
}

impl Wire {
    pub(super) fn new(stream: Stream, pulse: Arc<Pulse>) -> Arc<Self> {
        let line = Line { stream, inbox: BytesMut::new(), turn: Turn::Fast };
        Arc::new(Self { line: Mutex::new(line), pulse })
    }

    /// The end that hyper holds; `gone` is cancelled when it is dropped, wherever it has gone by then.
    pub(super) fn watched(self: &Arc<Self>, gone: CancellationToken) -> Watched {
        Watched { wire: Arc::clone(self), _gone: gone.drop_guard() }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request, as `read` takes it out of what has come; `None` when hyper has the connection
    /// for good. Waits while hyper has it for a while.
    pub(super) fn poll_request<T>(
        &self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&mut BytesMut) -> Read<T>,
    ) -> Poll<Option<T>> {
        let Line { stream, inbox, turn } = &mut *self.lock();
        match turn {
            Turn::Fast => {}
            Turn::Lent(..) => return Poll::Pending,
            Turn::Hyper => return Poll::Ready(None),
        }
        loop {
            if !inbox.is_empty() {
                match read(inbox) {
                    // Perhaps it came while an answer was under way.
                    Read::Part => self.pulse.head_comes(),
                    Read::Whole(request) => return Poll::Ready(Some(request)),
                    Read::Other => break,
                }
            }
            inbox.reserve(ROOM);
            match pin!(stream.read_buf(inbox)).poll(cx) {
                Poll::Ready(Ok(1..)) => {}
                // hyper reads the same, and knows what to do then.
                Poll::Ready(Ok(0) | Err(_)) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        *turn = Turn::Hyper;
        Poll::Ready(None)
    }

    /// Lends the connection to hyper for a request with this head, and so many bytes of a body.
    pub(super) fn lend(&self, head: Bytes, body: usize) {
        self.lock().turn = Turn::Lent(head, body);
        // Until hyper begins with it, the connection is not at rest.
        self.pulse.head_comes();
    }

    /// Leaves the connection to hyper for good.
    pub(super) fn leave(&self) {
        let mut line = self.lock();
        if let Turn::Lent(rest, _) = std::mem::replace(&mut line.turn, Turn::Hyper)
            && !rest.is_empty()
        {
            let mut inbox = BytesMut::from(&rest[..]);
            inbox.extend_from_slice(&line.inbox);
            line.inbox = inbox;
        }
    }

    /// Whether hyper is to be polled.
    pub(super) fn is_hypers(&self) -> bool {
        !matches!(self.lock().turn, Turn::Fast)
    }

    /// Takes the connection back when the request that it was lent for is over. To be called after hyper
    /// was polled: by then it has sent, or tried to, whatever it has.
    pub(super) fn take_back(&self) -> bool {
        let mut line = self.lock();
        let is_read = matches!(&line.turn, Turn::Lent(rest, 0) if rest.is_empty());
        if !is_read || !self.pulse.is_at_rest() {
            return false;
        }
        line.turn = Turn::Fast;
        if !line.inbox.is_empty() {
            self.pulse.head_comes();
        }
        true
    }

    /// Whether there are bytes of a request that was not taken up.
    pub(super) fn has_partial_head(&self) -> bool {
        self.pulse.has_partial_head(!self.lock().inbox.is_empty())
    }

    /// Ready when the client is gone. To be asked while a request of the fast path is under way: what else
    /// comes is the beginning of the next one, and stays until its turn.
    pub(super) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Line { stream, inbox, .. } = &mut *self.lock();
        poll_gone(stream, inbox, cx).map(drop)
    }

    /// Writes all of `answer`, of which nothing is left then. For the fast path; interim answers must have
    /// been written before.
    pub(super) fn poll_write_all(
        &self,
        cx: &mut Context<'_>,
        answer: &mut impl Buf,
    ) -> Poll<io::Result<()>> {
        let polled = poll_write_all(&mut self.lock().stream, cx, answer);
        if polled.is_pending() {
            self.pulse.written(true);
        } else {
            self.pulse.flushed();
        }
        polled
    }

    fn write(
        &self,
        cx: &mut Context<'_>,
        write: impl FnOnce(&mut Stream, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let stream = &mut self.lock().stream;
        let polled = match self.pulse.poll_interim(stream, cx) {
            Poll::Ready(Ok(())) => write(stream, cx),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        };
        self.pulse.written(polled.is_pending());
        polled
    }

    /// Has the client see a failure when the connection is dropped, and no end.
    pub(super) fn break_off(&self) {
        self.lock().stream.break_off();
    }

    /// Writes the interim answers that wait, hears of those to come, and has sent what was written.
    pub(super) fn flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = &mut self.lock().stream;
        self.pulse.wakes(cx.waker());
        let polled = match self.pulse.poll_interim(stream, cx) {
            Poll::Ready(Ok(())) => Pin::new(stream).poll_flush(cx),
            other => other,
        };
        if polled.is_ready() {
            self.pulse.flushed();
        }
        polled
    }
}

/// hyper's end of a connection.
pub(super) struct Watched {
    wire: Arc<Wire>,
    _gone: DropGuard,
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Line { stream, inbox, turn } = &mut *self.wire.lock();
        let before = buf.filled().len();
        match turn {
            Turn::Fast => return Poll::Pending,
            // What is lent has been read as a head before; and a body is none, though it may come when its
            // request is over.
            Turn::Lent(rest, body) if !rest.is_empty() => {
                give(rest, buf);
                *body -= give(&mut (&mut *inbox).take(*body), buf);
                return Poll::Ready(Ok(()));
            }
            // Only whether the client is still there: what comes next may not be hyper's.
            Turn::Lent(_, 0) => return poll_gone(stream, inbox, cx),
            Turn::Lent(_, body) => {
                *body -= match inbox.is_empty() {
                    true => ready!(poll_read_some(stream, cx, buf, *body))?,
                    false => give(&mut (&mut *inbox).take(*body), buf),
                };
                return Poll::Ready(Ok(()));
            }
            Turn::Hyper if !inbox.is_empty() => {
                give(inbox, buf);
                if inbox.is_empty() {
                    *inbox = BytesMut::new();
                }
            }
            Turn::Hyper if self.wire.pulse.is_idle() => {
                ready!(poll_read_some(stream, cx, buf, STEP))?;
            }
            Turn::Hyper => ready!(Pin::new(stream).poll_read(cx, buf))?,
        }
        self.wire.pulse.read(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

/// Ready when the client is gone. What else comes stays in the inbox; where something is there already,
/// nothing is to be found out.
fn poll_gone(
    stream: &mut Stream,
    inbox: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    if !inbox.is_empty() {
        return Poll::Pending;
    }
    inbox.reserve(ROOM);
    match pin!(stream.read_buf(inbox)).poll(cx) {
        Poll::Ready(Ok(1..)) | Poll::Pending => Poll::Pending,
        Poll::Ready(Ok(0)) => Poll::Ready(Ok(())),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
    }
}

/// Reads at most so many bytes, and tells how many.
fn poll_read_some(
    stream: &mut Stream,
    cx: &mut Context<'_>,
    buf: &mut ReadBuf<'_>,
    most: usize,
) -> Poll<io::Result<usize>> {
    let before = buf.filled().len();
    if buf.remaining() <= most {
        ready!(Pin::new(stream).poll_read(cx, buf))?;
        return Poll::Ready(Ok(buf.filled().len() - before));
    }
    let mut some = ReadBuf::new(buf.initialize_unfilled_to(most));
    ready!(Pin::new(stream).poll_read(cx, &mut some))?;
    let read = some.filled().len();
    buf.advance(read);
    Poll::Ready(Ok(read))
}

/// Tells how many bytes were given.
fn give(from: &mut impl Buf, to: &mut ReadBuf<'_>) -> usize {
    let given = from.remaining().min(to.remaining());
    to.put_slice(&from.chunk()[..given]);
    from.advance(given);
    given
}

impl AsyncWrite for Watched {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wire.write(cx, |stream, cx| Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire.lock().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wire.write(cx, |stream, cx| Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.lock().stream.is_write_vectored()
    }
}
