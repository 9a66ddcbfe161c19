//! The fast path: what reverse proxies ask over HTTP/1.1, read, decided and answered where the bytes
//! come in. It answers what the worker's `First` answers; every other request is hyper's.
//!
//! A connection begins here. With its first request that no reverse proxy asks it is hyper's for good:
//! so are those of browsers, from the beginning. Among requests of a reverse proxy that asks it is lent to
//! hyper for one at a time, such as a sign-in, as long as none of them has a body.

mod head;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::BytesMut;

use super::connection::Context;
use super::date::Date;
use super::head_answer::HeadAnswer;
use super::pulse::Pulse;
use super::wire::Wire;
use crate::carried::{Carried, Connection, InterimSink};

use head::{Head, Names};

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
    /// A request that was decided here and is on its way to the application, lent to hyper.
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
    let (mut asked, lines) = (false, context.limits.header_lines);
    let (mut names, mut answer) = (Names::default(), Vec::new());
    loop {
        let mut read = |bytes: &mut BytesMut| head::take(bytes, asked, lines, &mut names);
        let next = poll_fn(|cx| wire.poll_request(cx, &mut read));
        let Some(Head { raw, check }) = next.await else { return Ended::Left };
        let Some(check) = check else {
            wire.lend(raw);
            continue;
        };
        asked = true;
        pulse.begin(false);
        let interim: Arc<dyn InterimSink> = Arc::clone(pulse) as _;
        let carried = Carried::new(check, Rc::clone(connection), interim, None);
        let Some(told) = (context.first)(&carried).await else {
            shared.decided.replace(Some(carried));
            wire.lend(raw);
            continue;
        };
        let last = context.drain.phase().is_ending();
        answer.clear();
        write(&mut answer, &told, &context.date, last);
        others_first().await;
        let mut rest = &*answer;
        if poll_fn(|cx| wire.poll_write_all(cx, &mut rest)).await.is_err() {
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

fn write(to: &mut Vec<u8>, told: &HeadAnswer, date: &Date, last: bool) {
    told.write(to);
    to.extend_from_slice(b"Content-Length: 0\r\nDate: ");
    to.extend_from_slice(&date.now());
    // Idle connections stay until the drain: a proxy may be sending on one at this very moment.
    to.extend_from_slice(if last { b"\r\nConnection: close\r\n\r\n" } else { b"\r\n\r\n" });
}
