//! The body of an answer, and the trailers after it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};

use super::Trailers;

/// The body of an answer, whoever gives it.
pub struct AnswerBody {
    body: BoxBody,
    size: BodySize,
    trailers: Option<Trailers>,
}

impl AnswerBody {
    /// This body; `trailers` is the place where those that follow it are by its end.
    #[must_use]
    pub fn new(body: BoxBody, trailers: Option<Trailers>) -> Self {
        let size = body.size();
        Self { body, size, trailers }
    }

    /// That of an answer which is all head.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(BoxBody::new(()), None)
    }

    /// How long it is.
    #[must_use]
    pub const fn size(&self) -> BodySize {
        self.size
    }

    /// The same, within something that sees its bytes pass.
    #[must_use]
    pub fn map(self, map: impl FnOnce(BoxBody) -> BoxBody) -> Self {
        Self { body: map(self.body), ..self }
    }

    /// Whether there is nothing to send after the head.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.size, BodySize::None | BodySize::Sized(0)) && self.trailers.is_none()
    }

    /// The next bytes.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if matches!(self.size, BodySize::None) {
            return Poll::Ready(None);
        }
        // The cause is not sent to anybody, and need not be sent between threads.
        Pin::new(&mut self.body).poll_next(cx).map(|next| {
            next.map(|bytes| bytes.map_err(|error| io::Error::other(error.to_string())))
        })
    }

    /// What follows the last byte; to be called after it.
    pub fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()?.take()
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match this.poll_data(cx) {
            Poll::Ready(Some(Ok(bytes))) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => {
                this.size = BodySize::None;
                Poll::Ready(this.take_trailers().map(|trailers| Ok(Frame::trailers(trailers))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.size {
            BodySize::None => SizeHint::with_exact(0),
            BodySize::Sized(length) => SizeHint::with_exact(length),
            BodySize::Stream => SizeHint::default(),
        }
    }
}
