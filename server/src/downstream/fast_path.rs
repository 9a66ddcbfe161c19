//! The fast path: requests over HTTP/1.1, read, decided and answered where the bytes come in. It has
//! what the worker's [`Direct`](super::Direct) part answers by itself: checks of reverse proxies, and
//! what is forwarded to applications without a body of its own.
//!
//! A connection begins here. It is lent to hyper for one request at a time: one with a body, and one that
//! goes on to actix-web, such as a sign-in. With the first request of which anything else is in doubt (an
//! upgrade, a body of unknown length, the last of its connection) it is hyper's for good.

mod head;
mod sending;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use actix_http::Payload;
use bytes::BytesMut;
use http::Method;

use super::connection::Context;
use super::pulse::Pulse;
use super::wire::Wire;
use super::{Next, Seen, answer};
use crate::carried::{Carried, Connection, InterimSink};
use crate::header_names::Names;

use head::Head;
use sending::Manner;

/// How the fast path of a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// hyper has the connection for good.
    Left,
    /// No further request is to be taken.
    Closing,
    /// The client is gone.
    Broken,
}

/// What a connection and its fast path tell one another.
#[derive(Default)]
pub(super) struct Shared {
    /// A request that was decided here and goes on to actix-web, lent to hyper.
    pub(super) decided: RefCell<Option<Carried>>,
    /// Whether the connection is to end after the request that is under way.
    pub(super) closing: Cell<bool>,
}

/// Serves a connection for as long as it is not hyper's for good.
pub(super) async fn serve(
    wire: &Wire,
    pulse: &Arc<Pulse>,
    connection: &Rc<Connection>,
    shared: &Shared,
    context: &Context,
) -> Ended {
    let lines = context.limits.header_lines;
    let (mut names, mut written) = (Names::default(), Vec::new());
    loop {
        let mut read = |bytes: &mut BytesMut| head::take(bytes, lines, &mut names);
        let next = poll_fn(|cx| wire.poll_request(cx, &mut read));
        let Some(Head { raw, request, body }) = next.await else { return Ended::Left };
        if body > 0 {
            wire.lend(raw, body);
            continue;
        }
        pulse.begin(false);
        let interim: Arc<dyn InterimSink> = Arc::clone(pulse) as _;
        let carried = Carried::new(request, raw.len(), Rc::clone(connection), interim, None);
        let last = || context.drain.phase().is_ending();
        written.clear();
        let (sent, last) = match (context.direct.first)(&carried).await {
            Seen::Answered(told) => {
                let last = last();
                told.write(&mut written);
                written.extend_from_slice(b"Content-Length: 0\r\n");
                sending::end_head(&mut written, Some(&context.date), last);
                others_first().await;
                let mut rest = &*written;
                (poll_fn(|cx| wire.poll_write_all(cx, &mut rest)).await, last)
            }
            Seen::Left(Next::Forward) => {
                let is_head = carried.head().method == Method::HEAD;
                let answer = answer::rest(context, Next::Forward, carried, Payload::None);
                let Some(answer) = sending::unless_gone(wire, answer).await else {
                    return Ended::Broken;
                };
                let last = last();
                let manner = Manner { is_head, last, date: &context.date };
                (sending::send(wire, answer, &manner, &mut written).await, last)
            }
            Seen::Left(Next::App) => {
                shared.decided.replace(Some(carried));
                wire.lend(raw, 0);
                continue;
            }
        };
        if let Err(error) = sent {
            tracing::debug!(peer = ?connection.peer, %error, "a connection broke off");
            return Ended::Broken;
        }
        pulse.end();
        if last || shared.closing.get() {
            wire.leave();
            return Ended::Closing;
        }
    }
}

/// Lets the other connections of the worker go first that have something to do now. So the answers to all
/// who have asked meanwhile are sent one right after the other, and whoever is woken by the first finds
/// them all: to wake a process costs more than to decide.
async fn others_first() {
    let mut gone = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut gone, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
