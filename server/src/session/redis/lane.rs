//! A lane: a connection for reads beside a link's own, which the runtime of those who read moves
//! itself. What they ask in one turn is sent together, and what is answered together wakes them
//! together; no other thread has a part in it.
//!
//! A lane is a short cut and nothing else. It leads to the server that the link is connected to, for
//! as long as it is, and whatever goes wrong on it is left to the link, which is asked then: reading
//! twice does no harm.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep};

use super::dial::Stream;
use super::link::LinkParts;
use super::options::RedisAddress;
use super::wire::{self, Answer, Values};

/// Fields that are asked for at a time.
pub(super) const FIELDS: usize = 4;

/// Most that wait for answers; others take the link.
const WAITING: usize = 1024;

/// Room for what is read at once: the answers to some who ask at the same time.
const ROOM: usize = 32 * 1024;

/// Before a runtime whose lane has closed, or could not be opened, gets another one.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a lane gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The link may know one.
    AskLink,
    /// The server took longer than it may.
    Late,
}

type Read = Result<Values<FIELDS>, NoAnswer>;

/// A lane; it closes when this is dropped.
#[derive(Debug)]
pub(super) struct Lane {
    /// Which of its link's connections it runs beside.
    pub(super) number: u64,
    begun: Instant,
    line: Arc<Line>,
    driver: AbortHandle,
}

#[derive(Debug, Default)]
struct Line(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    phase: Phase,
    /// Commands to be sent.
    commands: Vec<u8>,
    waiting: VecDeque<Waiting>,
    driver: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Opening,
    Open,
    Closed,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    answer: oneshot::Sender<Read>,
}

impl Lane {
    /// A lane that begins to open, moved by `runtime`, to the server that connection `number` of a link
    /// leads to.
    pub(super) fn begin(
        runtime: &Handle,
        parts: LinkParts,
        number: u64,
        (server, peer): (RedisAddress, SocketAddr),
    ) -> Self {
        let line = Arc::new(Line::default());
        let closing = Closing(Arc::clone(&line));
        let opened = async move {
            let closing = closing;
            let LinkParts { dialer, login, database, timeout, .. } = parts;
            match dialer.dial_for_reads((&server, peer), &login, database).await {
                Ok(stream) => {
                    closing.0.lock().phase = Phase::Open;
                    let mut driver = Driver::new(Arc::clone(&closing.0), stream, timeout);
                    poll_fn(|cx| driver.poll(cx)).await;
                }
                Err(failure) => {
                    tracing::debug!(%server, ?failure, "no connection of a worker's own");
                }
            }
        };
        let driver = runtime.spawn(opened).abort_handle();
        Self { number, begun: Instant::now(), line, driver }
    }

    /// Whether it has closed so long ago that another may be tried.
    pub(super) fn is_over(&self) -> bool {
        self.is_closed() && self.begun.elapsed() >= PAUSE
    }

    /// Whether it has closed.
    pub(super) fn is_closed(&self) -> bool {
        self.line.lock().phase == Phase::Closed
    }

    /// The fields of a hash.
    pub(super) async fn ask(&self, hash: &str, fields: &[&str; FIELDS]) -> Read {
        let (answer, answered) = oneshot::channel();
        let driver = {
            let mut queue = self.line.lock();
            if queue.phase != Phase::Open || queue.waiting.len() >= WAITING {
                return Err(NoAnswer::AskLink);
            }
            wire::ask(&mut queue.commands, hash, fields);
            queue.waiting.push_back(Waiting { since: Instant::now(), answer });
            queue.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
        answered.await.unwrap_or(Err(NoAnswer::AskLink))
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// However the task of a lane ends: nobody waits for it any more.
struct Closing(Arc<Line>);

impl Drop for Closing {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.phase = Phase::Closed;
        // Whoever waits finds its channel closed.
        queue.waiting.clear();
        queue.driver = None;
    }
}

/// What moves an open lane.
struct Driver {
    line: Arc<Line>,
    stream: Box<dyn Stream>,
    limit: Duration,
    /// What is being sent, and how much of it has been.
    sending: Vec<u8>,
    sent: usize,
    inbox: BytesMut,
    alarm: Pin<Box<Sleep>>,
    /// Whether the alarm is set for somebody.
    is_set: bool,
}

impl Driver {
    fn new(line: Arc<Line>, stream: Box<dyn Stream>, limit: Duration) -> Self {
        let alarm = Box::pin(tokio::time::sleep(limit));
        let (sending, inbox) = (Vec::new(), BytesMut::new());
        Self { line, stream, limit, sending, sent: 0, inbox, alarm, is_set: false }
    }

    /// Ready when the lane is of no use any more.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.receive(cx).is_ready() || self.send(cx).is_ready() {
            return Poll::Ready(());
        }
        self.watch_the_time(cx)
    }

    fn send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.sent == self.sending.len() {
                self.sending.clear();
                self.sent = 0;
                let mut queue = self.line.lock();
                std::mem::swap(&mut queue.commands, &mut self.sending);
                queue.driver = Some(cx.waker().clone());
            }
            if self.sending.is_empty() {
                return match Pin::new(&mut self.stream).poll_flush(cx) {
                    Poll::Ready(Err(_)) => Poll::Ready(()),
                    Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
                };
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.sending[self.sent..]) {
                Poll::Ready(Ok(sent @ 1..)) => self.sent += sent,
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.inbox.reserve(ROOM);
            match pin!(self.stream.read_buf(&mut self.inbox)).poll(cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
            let mut queue = self.line.lock();
            loop {
                let answer = match wire::take(&mut self.inbox) {
                    Answer::Part => break,
                    Answer::Values(values) => Ok(values),
                    Answer::Refusal => Err(NoAnswer::AskLink),
                    Answer::Nonsense => return Poll::Ready(()),
                };
                let Some(waiting) = queue.waiting.pop_front() else { return Poll::Ready(()) };
                // Who has gone meanwhile does not want it.
                let _ = waiting.answer.send(answer);
            }
        }
    }

    /// One alarm for all who wait: set for the one who has waited longest by then, and moved on when it
    /// goes off for somebody who has been answered.
    fn watch_the_time(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.is_set && self.alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let mut queue = self.line.lock();
            let due = queue.waiting.front().map(|waiting| waiting.since + self.limit);
            self.is_set = due.is_some();
            let Some(due) = due else { return Poll::Pending };
            if due <= Instant::now() {
                for waiting in queue.waiting.drain(..) {
                    let _ = waiting.answer.send(Err(NoAnswer::Late));
                }
                return Poll::Ready(());
            }
            drop(queue);
            self.alarm.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests;
