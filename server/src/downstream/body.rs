//! Bodies of requests, as the application reads them: no faster than it takes them, their trailers
//! kept aside.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;
use h2::RecvStream;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, Sleep, sleep};

use super::pulse::Pulse;
use crate::carried::Trailers;

/// The body of a request of HTTP/1.1.
pub(super) struct Http1Body {
    incoming: Incoming,
    trailers: Trailers,
    pulse: Arc<Pulse>,
    /// Longest pause.
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    complete: bool,
}

impl Http1Body {
    pub(super) const fn new(
        incoming: Incoming,
        trailers: Trailers,
        pulse: Arc<Pulse>,
        patience: Duration,
    ) -> Self {
        Self { incoming, trailers, pulse, patience, timer: None, complete: false }
    }

    /// Waits no longer than `patience` for a byte.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<PayloadError> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(PayloadError::Io(io::ErrorKind::TimedOut.into()))
    }
}

impl Stream for Http1Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let frame = match Pin::new(&mut this.incoming).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => return this.poll_patience(cx).map(|error| Some(Err(error))),
            };
            if let Some(timer) = &mut this.timer {
                timer.as_mut().reset(Instant::now() + this.patience);
            }
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            this.trailers.set(trailers);
                        }
                    }
                },
                Some(Err(error)) => {
                    let error = PayloadError::Incomplete(Some(io::Error::other(error)));
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    this.complete = true;
                    return Poll::Ready(None);
                }
            }
        }
    }
}

impl Drop for Http1Body {
    fn drop(&mut self) {
        if !self.complete && !self.incoming.is_end_stream() {
            self.pulse.leave_body_unread();
        }
    }
}

/// The body of a request of HTTP/2.
pub(super) struct Http2Body {
    stream: RecvStream,
    trailers: Trailers,
    data_over: bool,
}

impl Http2Body {
    pub(super) const fn new(stream: RecvStream, trailers: Trailers) -> Self {
        Self { stream, trailers, data_over: false }
    }
}

impl Stream for Http2Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let broken =
            |error: h2::Error| Some(Err(PayloadError::Incomplete(Some(io::Error::other(error)))));
        if !this.data_over {
            match ready!(this.stream.poll_data(cx)) {
                Some(Ok(bytes)) => {
                    // Whoever polls has taken what came before: room for as much again.
                    let taken = this.stream.flow_control().release_capacity(bytes.len());
                    return Poll::Ready(match taken {
                        Ok(()) => Some(Ok(bytes)),
                        Err(error) => broken(error),
                    });
                }
                Some(Err(error)) => return Poll::Ready(broken(error)),
                None => this.data_over = true,
            }
        }
        match ready!(this.stream.poll_trailers(cx)) {
            Ok(trailers) => {
                if let Some(trailers) = trailers {
                    this.trailers.set(trailers);
                }
                Poll::Ready(None)
            }
            Err(error) => Poll::Ready(broken(error)),
        }
    }
}
