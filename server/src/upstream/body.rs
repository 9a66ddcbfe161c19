//! The request body on its way to the upstream: pulled by the connection as fast as the upstream
//! takes it, and no faster.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpRequest;
use actix_web::http::{Version, header};
use actix_web::web::{Bytes, Payload};
use futures_util::{Stream, StreamExt};
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;

use super::exchange::{Exchange, Upload};
use super::protocol::is_raw_stream;

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

/// The request body. Trailers of the client are not in it: they could smuggle in the name of a
/// header that is stripped.
pub(super) struct RequestBody {
    first: Option<Bytes>,
    payload: Option<Payload>,
    length: Length,
    left: u64,
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
        request: &HttpRequest,
        mut payload: Payload,
        exchange: &Rc<Exchange>,
    ) -> Self {
        let headers = request.headers();
        let known = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut first = None;
        let length = if let Some(length) = known {
            Length::Known(length)
        } else if headers.contains_key(header::TRANSFER_ENCODING) {
            Length::Unknown
        } else if request.version() < Version::HTTP_2 || is_raw_stream(request) {
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
        let payload = (left > 0).then_some(payload);
        Self { first, payload, length, left, exchange: Rc::clone(exchange) }
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
            exchange: Rc::clone(exchange),
        }
    }

    pub(super) const fn length(&self) -> Length {
        self.length
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
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        if this.exchange.is_over(cx.waker()) {
            this.payload = None;
            return Poll::Ready(Some(Err(UploadError::Over)));
        }
        match this.poll_chunk(cx) {
            Poll::Pending => {
                this.exchange.set_upload(Upload::AwaitingClient);
                Poll::Pending
            }
            Poll::Ready(Some(Ok(mut bytes))) => {
                this.exchange.touch();
                this.exchange.set_upload(Upload::Flowing);
                // More than announced comes only from a raw stream; it is nobody's body.
                if let Ok(left) = usize::try_from(this.left) {
                    bytes.truncate(left);
                }
                if let Length::Known(_) = this.length {
                    this.left = this.left.saturating_sub(bytes.len() as u64);
                }
                if this.left == 0 {
                    this.exchange.set_upload(Upload::Complete);
                    this.payload = None;
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Poll::Ready(None) if this.length == Length::Unknown => {
                this.exchange.set_upload(Upload::Complete);
                this.left = 0;
                this.payload = None;
                Poll::Ready(None)
            }
            // Less than announced is a client that broke off, too.
            Poll::Ready(None | Some(Err(_))) => {
                this.exchange.set_upload(Upload::Failed);
                this.left = 0;
                this.payload = None;
                Poll::Ready(Some(Err(UploadError::Client)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        match self.length {
            Length::None | Length::Known(_) => SizeHint::with_exact(self.left),
            Length::Unknown => SizeHint::default(),
        }
    }
}
