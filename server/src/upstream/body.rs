//! The request body on its way to the upstream: pulled by the connection as fast as the upstream
//! takes it, and no faster.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::dev::Payload;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, HeaderName, Version, header};
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;

use super::exchange::{Exchange, Upload};
use super::interim::GoAhead;
use super::trailers;
use crate::carried::{Carried, Trailers};

/// Most that is still read of a body, in bytes, when its answer is complete: so the client's connection goes
/// on, as whoever asks over it expects of one that does not say otherwise.
const REST: u64 = 64 * 1024;

/// How the length of a request body is told to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// There is no body, and nothing says so: a GET.
    None,
    /// `Content-Length`, zero included.
    Known(u64),
    /// `Transfer-Encoding: chunked` in HTTP/1.1.
    Unknown,
}

/// The request body: exactly as long as was announced, or it fails. Of the client's trailers those are
/// in it that its head announced, as far as they may pass.
pub(super) struct RequestBody {
    first: Option<Bytes>,
    payload: Option<Payload>,
    length: Length,
    left: u64,
    trailers: Option<Trailers>,
    announced: Vec<HeaderName>,
    go_ahead: Option<GoAhead>,
    exchange: Rc<Exchange>,
}

/// Why the request body ended before its end.
#[derive(Clone, Copy, Debug, Error)]
pub(super) enum UploadError {
    #[error("the client went away")]
    Client,
    #[error("the answer is complete")]
    Over,
}

impl RequestBody {
    /// Finds out whether there is a body and how long it is.
    pub(super) async fn of(
        carried: &Carried,
        mut payload: Payload,
        exchange: &Rc<Exchange>,
    ) -> Self {
        let head = carried.head();
        let headers = &head.headers;
        let known = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut first = None;
        let length = if let Some(length) = known {
            Length::Known(length)
        } else if headers.contains_key(header::TRANSFER_ENCODING) {
            Length::Unknown
        } else if head.version < Version::HTTP_2 {
            // RFC 9112 6.3: without either header a request has no body.
            Length::None
        } else {
            // HTTP/2 says by its frames whether there is one. If not, that is known already.
            match poll_fn(|cx| Poll::Ready(payload.poll_next_unpin(cx))).await {
                Poll::Ready(None) => Length::None,
                Poll::Ready(Some(Ok(bytes))) => {
                    first = Some(bytes);
                    Length::Unknown
                }
                Poll::Ready(Some(Err(_))) | Poll::Pending => Length::Unknown,
            }
        };
        let left = match length {
            Length::None => 0,
            Length::Known(length) => length,
            Length::Unknown => u64::MAX,
        };
        if left > 0 {
            exchange.set_upload(Upload::Flowing);
        }
        Self {
            first,
            payload: (left > 0).then_some(payload),
            length,
            left,
            trailers: Some(carried.trailers()),
            announced: Vec::new(),
            go_ahead: None,
            exchange: Rc::clone(exchange),
        }
    }

    /// These bytes.
    pub(super) fn whole(bytes: Bytes, exchange: &Rc<Exchange>) -> Self {
        let left = bytes.len() as u64;
        if left > 0 {
            exchange.set_upload(Upload::Flowing);
        }
        Self {
            first: Some(bytes),
            payload: None,
            length: Length::Known(left),
            left,
            trailers: None,
            announced: Vec::new(),
            go_ahead: None,
            exchange: Rc::clone(exchange),
        }
    }

    /// No body at all.
    pub(super) fn none(exchange: &Rc<Exchange>) -> Self {
        Self {
            first: None,
            payload: None,
            length: Length::None,
            left: 0,
            trailers: None,
            announced: Vec::new(),
            go_ahead: None,
            exchange: Rc::clone(exchange),
        }
    }

    pub(super) const fn length(&self) -> Length {
        self.length
    }

    /// Lets trailers of these names pass.
    pub(super) fn announce(&mut self, names: Vec<HeaderName>) {
        self.announced = names;
    }

    /// Sends no byte before `go_ahead` is there.
    pub(super) fn wait_for(&mut self, go_ahead: GoAhead) {
        self.go_ahead = Some(go_ahead);
    }

    /// Waits no longer for what [`RequestBody::wait_for`] said.
    pub(super) fn go_at_once(&mut self) {
        if let Some(go_ahead) = &mut self.go_ahead {
            go_ahead.at_once();
        }
    }

    /// Whether its answer is complete, or abandoned.
    pub(super) fn is_answered(&self) -> bool {
        self.exchange.is_over()
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UploadError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(payload) = &mut self.payload else { return Poll::Ready(None) };
        Pin::new(payload)
            .poll_next(cx)
            .map(|next| next.map(|read| read.map_err(|_| UploadError::Client)))
    }

    /// Whether nothing is left to read.
    fn is_over(&self) -> bool {
        let nothing_to_read = self.payload.is_none() && self.first.is_none();
        nothing_to_read || (self.left == 0 && self.announced.is_empty())
    }

    fn end(&mut self, state: Upload) {
        self.exchange.set_upload(state);
        self.left = 0;
        self.first = None;
        self.payload = None;
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let this = self.get_mut();
        if this.is_over() {
            return Poll::Ready(None);
        }
        if this.exchange.poll_over(cx.waker()) && this.left > REST {
            this.first = None;
            this.payload = None;
            return Poll::Ready(Some(Err(UploadError::Over)));
        }
        if let Some(go_ahead) = &mut this.go_ahead {
            ready!(go_ahead.poll(cx));
            this.go_ahead = None;
        }
        match this.poll_chunk(cx) {
            Poll::Pending => {
                this.exchange.set_upload(Upload::AwaitingClient);
                Poll::Pending
            }
            Poll::Ready(Some(Ok(bytes))) => {
                this.exchange.touch();
                this.exchange.set_upload(Upload::Flowing);
                if let Length::Known(_) = this.length {
                    // What is more than was announced would be taken for the next request.
                    let Some(left) = this.left.checked_sub(bytes.len() as u64) else {
                        this.end(Upload::Failed);
                        return Poll::Ready(Some(Err(UploadError::Client)));
                    };
                    this.left = left;
                }
                if this.is_over() {
                    this.end(Upload::Complete);
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Poll::Ready(None) if this.length == Length::Unknown || this.left == 0 => {
                this.end(Upload::Complete);
                let sent = this.trailers.take().and_then(|trailers| trailers.take());
                let passed: Option<HeaderMap> =
                    sent.map(|sent| trailers::announced(sent, &this.announced));
                let passed = passed.filter(|passed| !passed.is_empty());
                Poll::Ready(passed.map(|trailers| Ok(Frame::trailers(trailers))))
            }
            // Less than announced is a client that broke off, too.
            Poll::Ready(None | Some(Err(_))) => {
                this.end(Upload::Failed);
                Poll::Ready(Some(Err(UploadError::Client)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Length::None | Length::Known(_) => SizeHint::with_exact(self.left),
            Length::Unknown => SizeHint::default(),
        }
    }
}
