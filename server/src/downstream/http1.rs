//! A connection of HTTP/1.1.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use actix_http::{BoxedPayloadStream, Payload};
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::answer::{self, AnswerBody};
use super::body::Http1Body;
use super::connection::Context;
use super::io::Stream;
use super::pulse::{Framing, Overdue, Pulse, Watched};
use crate::carried::{Carried, Connection, InterimSink};
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
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&pulse), gone.clone()));
    let asked = AskedUpgrade::default();
    let service = service_fn(|request| call(request, &connection, &pulse, &asked, context));
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
    let mut closing = false;
    let overdue = loop {
        tokio::select! {
            biased;
            outcome = &mut served => {
                if let Err(error) = outcome {
                    if error.is_parse_too_large() {
                        context.admission.figures.reached(Limit::RequestHead);
                    }
                    tracing::debug!(peer = ?connection.peer, %error, "a connection broke off");
                }
                break None;
            }
            _ = draining.as_mut(), if !closing => {
                closing = true;
                Pin::new(&mut served).graceful_shutdown();
            }
            () = over.as_mut() => break None,
            () = look.as_mut() => match pulse.overdue(limits) {
                Ok(again) => look.as_mut().reset(again),
                Err(overdue) => break Some(overdue),
            },
        }
    };
    match served.into_parts() {
        Some(parts) => close(parts.io.into_inner(), overdue, &pulse, context.drain.over()).await,
        None => match asked.take() {
            // hyper parts with a connection on which an upgrade was asked for as with one that was
            // upgraded, whatever was answered.
            Some(upgrade) => {
                if let Ok(upgraded) = upgrade.await
                    && let Ok(parts) = upgraded.downcast::<TokioIo<Watched<Stream>>>()
                {
                    close(parts.io.into_inner(), overdue, &pulse, context.drain.over()).await;
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
async fn close(
    mut io: Watched<Stream>,
    overdue: Option<Overdue>,
    pulse: &Pulse,
    over: impl Future<Output = ()>,
) {
    let farewell = async {
        if overdue == Some(Overdue::Head) && pulse.has_partial_head() {
            io.write_all(TIMED_OUT).await?;
        }
        io.shutdown().await?;
        // Refused before the end of its body, or of its head.
        if overdue.is_some() || !(pulse.is_body_unread() || pulse.has_partial_head()) {
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

async fn call(
    mut request: Request<Incoming>,
    connection: &Rc<Connection>,
    pulse: &Arc<Pulse>,
    asked: &AskedUpgrade,
    context: &Rc<Context>,
) -> Result<Response<Http1Answer>, Infallible> {
    let framing = pulse.begin(request.headers().contains_key(TRANSFER_ENCODING));
    let under_way = UnderWay(Arc::clone(pulse));
    let asks_upgrade = request.extensions().get::<OnUpgrade>().is_some();
    let upgrade = asks_upgrade.then(|| hyper::upgrade::on(&mut request));
    if let Some(upgrade) = &upgrade {
        asked.replace(Some(upgrade.clone()));
    }
    let interim: Arc<dyn InterimSink> = Arc::clone(pulse) as _;
    let (head, incoming) = request.into_parts();
    let carried = Carried::new(head, Rc::clone(connection), interim, upgrade);
    let payload = if incoming.is_end_stream() {
        Payload::None
    } else {
        let (trailers, patience) = (carried.trailers(), context.limits.body);
        let body: BoxedPayloadStream =
            Box::pin(Http1Body::new(incoming, trailers, Arc::clone(pulse), patience));
        Payload::Stream { payload: body }
    };
    let (mut head, body) = if framing == Framing::Ambiguous {
        answer::adapt(actix_http::Response::bad_request(), &carried.head().method)
    } else {
        answer::answer(context, carried, payload).await
    };
    if head.status() == StatusCode::SWITCHING_PROTOCOLS {
        asked.take();
        return Ok(head.map(|()| Http1Answer { body, _under_way: under_way }));
    }
    // Idle connections stay until the drain: a proxy may be sending on one at this very moment.
    if framing != Framing::Clear || context.drain.phase().is_ending() {
        head.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(head.map(|()| Http1Answer { body, _under_way: under_way }))
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
    _under_way: UnderWay,
}

impl Body for Http1Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
