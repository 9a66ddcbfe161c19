//! A connection of HTTP/1.1.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use actix_http::body::BodySize;
use actix_http::{BoxedPayloadStream, Payload};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::FusedFuture as _;
use http::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::answer;
use super::aside::Aside;
use super::body::Http1Body;
use super::connection::Context;
use super::fast_path::{self, Ended, Shared};
use super::pulse::{Framing, Overdue, Pulse};
use super::wire::{Watched, Wire};
use crate::carried::{AnswerBody, Carried, Connection, InterimSink};
use crate::duplex::Stream;
use crate::limits::Limit;

/// Smallest buffer that hyper takes.
const SMALLEST_BUFFER: usize = 64 * 1024;
/// How long, and how many bytes, a client that was refused may go on sending what nobody reads. If
/// the connection were closed at once, its system would discard the answer. The buffers between it
/// and us hold some megabytes: whoever sends more without a look at the answer has had it by then.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 64 * 1024 * 1024;

const TIMED_OUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Serves a connection to its end.
pub(super) async fn serve(stream: Stream, connection: Rc<Connection>, context: &Rc<Context>) {
    let pulse = Pulse::new();
    let gone = CancellationToken::new();
    let wire = Wire::new(stream, Arc::clone(&pulse));
    let io = TokioIo::new(wire.watched(gone.clone()));
    let asked = AskedUpgrade::default();
    let shared = Shared::default();
    let until_end = Cell::default();
    let line =
        Line { connection: &connection, pulse: &pulse, wire: &wire, shared: &shared, until_end };
    let service = service_fn(|request| call(request, &line, &asked, context));
    let limits = &context.limits;
    let mut served = http1::Builder::new()
        // As every other HTTP/1.1 server writes them; old devices compare byte for byte.
        .title_case_headers(true)
        .max_headers(limits.header_lines)
        .max_buf_size((limits.header_bytes * 2).max(SMALLEST_BUFFER))
        // Limits on time are kept here: those of hyper do not tell a rest from a slow head.
        .header_read_timeout(None)
        .serve_connection(io, service)
        .with_upgrades();
    let mut look = pin!(sleep(Duration::ZERO));
    let mut draining = pin!(context.drain.draining());
    let mut over = pin!(context.drain.over());
    let mut fast = pin!(fast_path::serve(&wire, &pulse, &connection, &shared, context).fuse());
    let mut aside = Aside::new();
    let ending = loop {
        let next = poll_fn(|cx| {
            let spoken = loop {
                if !fast.is_terminated()
                    && let Poll::Ready(ended) = fast.as_mut().poll(cx)
                    && ended != Ended::Left
                {
                    break Poll::Ready(Next::Fast(ended));
                }
                if !wire.is_hypers() {
                    break Poll::Pending;
                }
                if let Poll::Ready(outcome) = served.poll_unpin(cx) {
                    break Poll::Ready(Next::Hyper(outcome));
                }
                if !wire.take_back() {
                    break Poll::Pending;
                }
            };
            if spoken.is_ready() {
                return spoken;
            }
            aside.poll(cx, |cx| {
                if !shared.closing.get() && draining.as_mut().poll(cx).is_ready() {
                    Poll::Ready(Next::Draining)
                } else if over.as_mut().poll(cx).is_ready() {
                    Poll::Ready(Next::Over)
                } else {
                    look.as_mut().poll(cx).map(|()| Next::Look)
                }
            })
        });
        match next.await {
            Next::Fast(Ended::Broken) | Next::Over => break Ending::Broken,
            Next::Fast(_) => Pin::new(&mut served).graceful_shutdown(),
            Next::Hyper(Ok(())) => break Ending::Orderly,
            Next::Hyper(Err(error)) => {
                if error.is_parse_too_large() {
                    context.admission.figures.reached(Limit::RequestHead);
                }
                tracing::debug!(peer = ?connection.peer, %error, "a connection broke off");
                break Ending::Broken;
            }
            Next::Draining => {
                shared.closing.set(true);
                // Under way on the fast path, it ends by itself.
                if wire.is_hypers() || pulse.is_idle() {
                    wire.leave();
                    Pin::new(&mut served).graceful_shutdown();
                }
            }
            Next::Look => match pulse.overdue(limits) {
                Ok(again) => look.as_mut().reset(again),
                Err(overdue) => break Ending::Overdue(overdue),
            },
        }
    };
    match served.into_parts() {
        Some(parts) => close(parts.io.into_inner(), ending, &line, context.drain.over()).await,
        None => match asked.take() {
            // hyper parts with a connection on which an upgrade was asked for as with one that was
            // upgraded, whatever was answered.
            Some(upgrade) => {
                if let Ok(upgraded) = upgrade.await
                    && let Ok(parts) = upgraded.downcast::<TokioIo<Watched>>()
                {
                    close(parts.io.into_inner(), ending, &line, context.drain.over()).await;
                }
            }
            // Upgraded: it lives on elsewhere, and counts here until it is over.
            None => {
                pulse.upgraded();
                gone.cancelled().await;
            }
        },
    }
}

/// Ends a connection so that the client receives what was said last, unless everything is `over`.
async fn close(mut io: Watched, ending: Ending, line: &Line<'_>, over: impl Future<Output = ()>) {
    line.wire.leave();
    if line.until_end.get() && ending != Ending::Orderly {
        // In order, it would end the answer, and half of one would look whole (RFC 9112 8).
        line.wire.break_off();
        return;
    }
    let farewell = async {
        if ending == Ending::Overdue(Overdue::Head) && line.wire.has_partial_head() {
            io.write_all(TIMED_OUT).await?;
        }
        io.shutdown().await?;
        // Refused before the end of its body, or of its head.
        let is_overdue = matches!(ending, Ending::Overdue(_));
        if is_overdue || !(line.pulse.is_body_unread() || line.wire.has_partial_head()) {
            return Ok(());
        }
        let mut unread = vec![0; 16 * 1024];
        let mut left = LINGER_BYTES;
        while left > 0 {
            match io.read(&mut unread).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        io::Result::Ok(())
    };
    // However this ends, the connection is closed.
    tokio::select! {
        biased;
        _ = timeout(LINGER, farewell) => {}
        () = over => {}
    }
}

/// A connection, as its requests see it.
struct Line<'a> {
    connection: &'a Rc<Connection>,
    pulse: &'a Arc<Pulse>,
    wire: &'a Wire,
    shared: &'a Shared,
    /// Whether nothing but the end of the connection tells the end of the answer that is under way.
    until_end: Cell<bool>,
}

/// Why a connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// All that was asked on it is answered.
    Orderly,
    Overdue(Overdue),
    /// The client is gone, an answer broke off, what came is no HTTP, or the program ends.
    Broken,
}

/// What happens next on a connection.
enum Next {
    /// The fast path has come to an end.
    Fast(Ended),
    /// hyper has.
    Hyper(hyper::Result<()>),
    /// The program begins to end.
    Draining,
    /// It ends.
    Over,
    /// It is time to look whether a limit was reached.
    Look,
}

async fn call(
    mut request: Request<Incoming>,
    line: &Line<'_>,
    asked: &AskedUpgrade,
    context: &Rc<Context>,
) -> Result<Response<Http1Answer>, Infallible> {
    let pulse = line.pulse;
    let framing = pulse.begin(request.headers().contains_key(TRANSFER_ENCODING));
    let under_way = UnderWay(Arc::clone(pulse));
    let asks_upgrade = request.extensions().get::<OnUpgrade>().is_some();
    let upgrade = asks_upgrade.then(|| hyper::upgrade::on(&mut request));
    if let Some(upgrade) = &upgrade {
        asked.replace(Some(upgrade.clone()));
    }
    let (head, incoming) = request.into_parts();
    let knows_chunks = head.version >= Version::HTTP_11 || head.method == Method::HEAD;
    let mut answer = if let Some(decided) = line.shared.decided.take() {
        answer::rest(context, super::Next::App, decided, Payload::None).await
    } else {
        let interim: Arc<dyn InterimSink> = Arc::clone(pulse) as _;
        let carried = Carried::new(head, usize::MAX, Rc::clone(line.connection), interim, upgrade);
        let payload = if incoming.is_end_stream() {
            Payload::None
        } else {
            let (trailers, patience) = (carried.trailers(), context.limits.body);
            let body: BoxedPayloadStream =
                Box::pin(Http1Body::new(incoming, trailers, Arc::clone(pulse), patience));
            Payload::Stream { payload: body }
        };
        if framing == Framing::Ambiguous {
            answer::adapt(actix_http::Response::bad_request())
        } else {
            answer::answer(context, carried, payload).await
        }
    };
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        asked.take();
        return Ok(answer.map(|body| Http1Answer::new(body, under_way)));
    }
    // Idle connections stay until the drain: a proxy may be sending on one at this very moment.
    if framing != Framing::Clear || context.drain.phase().is_ending() {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if answer.headers().contains_key(CONNECTION) {
        line.wire.leave();
    }
    line.until_end.set(!knows_chunks && answer.body().size() == BodySize::Stream);
    Ok(answer.map(|body| Http1Answer::new(body, under_way)))
}

/// The upgrade that a request of the connection has asked for and not been granted.
type AskedUpgrade = RefCell<Option<OnUpgrade>>;

/// Exists as long as a request is under way.
struct UnderWay(Arc<Pulse>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The body of an answer, with whose end the request ends.
struct Http1Answer {
    body: AnswerBody,
    /// Why it broke off, until hyper is told.
    broken: Option<io::Error>,
    under_way: UnderWay,
}

impl Http1Answer {
    fn new(body: AnswerBody, under_way: UnderWay) -> Self {
        Self { body, broken: None, under_way }
    }
}

impl Body for Http1Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let pulse = &this.under_way.0;
        if this.broken.is_none() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Err(error)) => this.broken = Some(error),
                other => return Poll::Ready(other),
            }
        } else if pulse.is_flushed() {
            return Poll::Ready(this.broken.take().map(Err));
        }
        // Of an answer that breaks off, hyper throws away what it has not sent: a client that gets
        // nothing at all cannot tell it from a request that was never taken up, and may repeat it.
        pulse.await_flush(cx.waker());
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
