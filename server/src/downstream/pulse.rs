//! What a connection of HTTP/1.1 is doing, as seen from below HTTP: whether it has a request, since
//! when it rests, whether its client takes what waits for it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, StatusCode};
use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::Limits;
use crate::carried::InterimSink;
use crate::duplex::Stream;
use crate::header_line::write_header;

/// Most bytes of a head that are looked at again; hyper refuses longer ones.
const KEPT: usize = 256 * 1024;
/// Most bytes of interim answers that may wait for the client.
const INTERIM_WAITING: usize = 16 * 1024;

/// Shared by the connection below HTTP, the requests on it, and the timer beside it.
pub(super) struct Pulse(Mutex<State>);

struct State {
    phase: Phase,
    since: Instant,
    /// Since when the client takes nothing of what waits for it.
    write_blocked: Option<Instant>,
    /// Whether bytes of an earlier answer may still be on their way through hyper.
    unflushed: bool,
    /// Whoever waits until hyper has sent all that it has.
    flush_awaited: Option<Waker>,
    /// Interim answers to be written.
    interim: Vec<u8>,
    /// Wakes the task of the connection.
    waker: Option<Waker>,
    /// The head of the request that comes, as it was sent.
    head: Vec<u8>,
    /// Whether a request's body was left unread.
    body_unread: bool,
}

impl State {
    fn head_comes(&mut self) {
        if self.phase == Phase::Idle {
            self.phase = Phase::Head;
            self.since = Instant::now();
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No byte of a request is there.
    Idle,
    /// A head is on its way.
    Head,
    /// A request is under way.
    Busy,
}

/// Why a connection has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// No request came.
    Idle,
    /// A head did not arrive as a whole.
    Head,
    /// The client takes no byte of its answer.
    Write,
}

impl Pulse {
    /// For a new connection, on which the first head is due.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            phase: Phase::Head,
            since: Instant::now(),
            write_blocked: None,
            unflushed: false,
            flush_awaited: None,
            interim: Vec::new(),
            waker: None,
            head: Vec::new(),
            body_unread: false,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has begun. `chunked`: it has a `Transfer-Encoding`.
    pub(super) fn begin(&self, chunked: bool) -> Framing {
        let mut state = self.lock();
        state.phase = Phase::Busy;
        state.body_unread = false;
        let framing = if chunked { Framing::of(&state.head) } else { Framing::Clear };
        state.head.clear();
        framing
    }

    /// Its answer is complete, or abandoned.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.phase = Phase::Idle;
        state.since = Instant::now();
    }

    /// The connection speaks HTTP no more: what is read is nobody's head.
    pub(super) fn upgraded(&self) {
        let mut state = self.lock();
        state.phase = Phase::Busy;
        state.head = Vec::new();
    }

    /// The body of the request was not read to its end.
    pub(super) fn leave_body_unread(&self) {
        self.lock().body_unread = true;
    }

    /// Whether the client may still be sending what nobody reads.
    pub(super) fn is_body_unread(&self) -> bool {
        self.lock().body_unread
    }

    /// Whether a part of a head is there: it has been read by hyper, or `waits` for whoever reads next.
    pub(super) fn has_partial_head(&self, waits: bool) -> bool {
        let state = self.lock();
        state.phase == Phase::Head && (waits || !state.head.is_empty())
    }

    /// Whether no request is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().phase != Phase::Busy
    }

    /// Whether nothing is under way, or on its way to the client.
    pub(super) fn is_at_rest(&self) -> bool {
        let state = self.lock();
        state.phase == Phase::Idle && !state.unflushed && state.interim.is_empty()
    }

    /// Bytes of a request have come that nobody has yet.
    pub(super) fn head_comes(&self) {
        self.lock().head_comes();
    }

    /// hyper has read these bytes.
    pub(super) fn read(&self, bytes: &[u8]) {
        let mut state = self.lock();
        if !bytes.is_empty() {
            state.head_comes();
        }
        if state.phase == Phase::Head && state.head.len() < KEPT {
            state.head.extend_from_slice(bytes);
        }
    }

    /// Something was written, or tried to be.
    pub(super) fn written(&self, blocked: bool) {
        let mut state = self.lock();
        state.unflushed = true;
        if blocked {
            state.write_blocked.get_or_insert_with(Instant::now);
        } else {
            state.write_blocked = None;
        }
    }

    /// Whatever was written is on its way.
    pub(super) fn flushed(&self) {
        let mut state = self.lock();
        state.unflushed = false;
        state.write_blocked = None;
        if let Some(waker) = state.flush_awaited.take() {
            waker.wake();
        }
    }

    /// Has hyper's next flush wake somebody. By then it has sent all that it has: some of that may not have
    /// come this far yet. hyper flushes whenever it has polled an answer that has nothing to send.
    pub(super) fn await_flush(&self, waker: &Waker) {
        self.lock().flush_awaited = Some(waker.clone());
    }

    /// Whether nobody waits for a flush, or it has come.
    pub(super) fn is_flushed(&self) -> bool {
        self.lock().flush_awaited.is_none()
    }

    /// Whom an interim answer wakes.
    pub(super) fn wakes(&self, waker: &Waker) {
        let mut state = self.lock();
        if !state.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
    }

    /// Writes waiting interim answers.
    pub(super) fn poll_interim(
        &self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        while !state.interim.is_empty() {
            match Pin::new(&mut *stream).poll_write(cx, &state.interim) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => drop(state.interim.drain(..written)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the connection has to end; if not, when to look again.
    pub(super) fn overdue(&self, limits: &Limits) -> Result<Instant, Overdue> {
        let state = self.lock();
        let now = Instant::now();
        let blocked = state.write_blocked.map(|since| (since + limits.write, Overdue::Write));
        let resting = match state.phase {
            Phase::Idle => Some((state.since + limits.idle, Overdue::Idle)),
            Phase::Head => Some((state.since + limits.head, Overdue::Head)),
            Phase::Busy => None,
        };
        match blocked.or(resting) {
            Some((at, why)) if at <= now => Err(why),
            // A limit that begins to run meanwhile must not be overrun by much.
            Some((at, _)) => Ok(at.min(now + limits.write.min(limits.head))),
            None => Ok(now + limits.write.min(limits.head)),
        }
    }
}

impl InterimSink for Pulse {
    fn send(&self, status: StatusCode, headers: &HeaderMap) {
        let mut state = self.lock();
        // Between two answers only: what hyper has not flushed yet belongs to the one before.
        if state.unflushed || state.interim.len() > INTERIM_WAITING {
            return;
        }
        let line = format!("HTTP/1.1 {status}\r\n");
        state.interim.extend_from_slice(line.as_bytes());
        for (name, value) in headers {
            write_header(&mut state.interim, name, value.as_bytes());
        }
        state.interim.extend_from_slice(b"\r\n");
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

/// Whether the length of a chunked request can be read in two ways: hyper takes out a
/// `Content-Length` beside `Transfer-Encoding` without a word, and ends the connection after the
/// answer. A proxy in front that reads it the other way sees other requests than we do (RFC 9112
/// 6.3): such a one is refused where it can be seen, and nothing is read after it anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// In one way.
    Clear,
    /// In two.
    Ambiguous,
    /// Not to be known, since other bytes stand around the head: the connection must not go on.
    Unknown,
}

impl Framing {
    /// Judges a head with a `Transfer-Encoding`.
    fn of(head: &[u8]) -> Self {
        let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Self::Unknown;
        };
        let mut lines = head[..end].split(|byte| *byte == b'\n');
        let is_length = |line: &[u8]| {
            line.get(..15).is_some_and(|name| name.eq_ignore_ascii_case(b"content-length:"))
        };
        let is_coding = |line: &[u8]| {
            line.get(..18).is_some_and(|name| name.eq_ignore_ascii_case(b"transfer-encoding:"))
        };
        if lines.clone().any(is_length) {
            Self::Ambiguous
        } else if lines.any(is_coding) {
            Self::Clear
        } else {
            // The head of an earlier request, read together with this one.
            Self::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(head: &str) -> Framing {
        Framing::of(head.as_bytes())
    }

    #[test]
    fn lengths_that_can_be_read_in_two_ways() {
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n";
        for (head, expected) in [
            (format!("{chunked}\r\n"), Framing::Clear),
            (format!("{chunked}\r\n5\r\nContent-Length: 5"), Framing::Clear),
            (format!("{chunked}X-Content-Length: 5\r\n\r\n"), Framing::Clear),
            (format!("{chunked}Content-Length: 5\r\n\r\n"), Framing::Ambiguous),
            (format!("{chunked}cONTENT-lENGTH:5\r\n\r\n"), Framing::Ambiguous),
            (format!("GET / HTTP/1.1\r\nHost: a\r\n\r\n{chunked}\r\n"), Framing::Unknown),
            (chunked.to_owned(), Framing::Unknown),
            (String::new(), Framing::Unknown),
        ] {
            assert_eq!(framing(&head), expected, "{head:?}");
        }
    }

    #[test]
    fn interim_answers_wait_for_what_came_before_and_are_bounded() {
        let pulse = Pulse::new();
        let mut headers = HeaderMap::new();
        headers.insert("link", http::HeaderValue::from_static("</a>; rel=preload"));
        pulse.lock().unflushed = true;
        pulse.send(StatusCode::EARLY_HINTS, &headers);
        assert!(pulse.lock().interim.is_empty(), "it would stand within the answer before");
        pulse.lock().unflushed = false;
        pulse.send(StatusCode::EARLY_HINTS, &headers);
        let expected = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&pulse.lock().interim), expected);
        for _ in 0..10_000 {
            pulse.send(StatusCode::EARLY_HINTS, &headers);
        }
        assert!(pulse.lock().interim.len() < 2 * INTERIM_WAITING);
    }

    #[test]
    fn each_rest_has_its_own_limit() {
        let second = std::time::Duration::from_secs(1);
        let limits = Limits {
            head: second,
            idle: 3 * second,
            body: second,
            write: 2 * second,
            end: second,
            header_bytes: 65_536,
            header_lines: 512,
        };
        let pulse = Pulse::new();
        let ago = |seconds: u32| Instant::now() - second * seconds;
        assert!(pulse.overdue(&limits).is_ok());
        pulse.lock().since = ago(1);
        assert_eq!(pulse.overdue(&limits), Err(Overdue::Head));
        assert_eq!(pulse.begin(false), Framing::Clear);
        pulse.lock().since = ago(5);
        assert!(pulse.overdue(&limits).is_ok(), "a request may take its time");
        pulse.lock().write_blocked = Some(ago(2));
        assert_eq!(pulse.overdue(&limits), Err(Overdue::Write));
        pulse.lock().write_blocked = None;
        pulse.end();
        pulse.lock().since = ago(2);
        assert!(pulse.overdue(&limits).is_ok());
        pulse.lock().since = ago(3);
        assert_eq!(pulse.overdue(&limits), Err(Overdue::Idle));
    }
}
