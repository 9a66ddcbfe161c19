//! The body of an answer, and why there is none, whatever connection it comes over.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;

use super::body::UploadError;
use super::http1::{self, Broken};

/// The body of an answer.
pub(super) enum Incoming {
    Http1(http1::AnswerBody),
    /// Over HTTP/2, and over connections on which an upgrade was asked for.
    Hyper(hyper::body::Incoming),
}

/// Why an answer did not come, or broke off.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Http1(#[from] Broken),
    #[error(transparent)]
    Hyper(#[from] hyper::Error),
}

impl Failure {
    /// Whether the connection ended, rather than brought something that is not understood.
    pub(super) fn is_disconnect(&self) -> bool {
        match self {
            Self::Http1(Broken::Closed(None)) => true,
            Self::Http1(Broken::Closed(Some(error))) => is_end(error),
            Self::Http1(Broken::Malformed(_) | Broken::Upload(_)) => false,
            Self::Hyper(error) => {
                error.is_incomplete_message()
                    || error.is_canceled()
                    || error.is_closed()
                    // RFC 9113 8.7: the upstream has not looked at the request.
                    || cause::<h2::Error>(error).is_some_and(|cause| {
                        cause.is_go_away() || cause.reason() == Some(h2::Reason::REFUSED_STREAM)
                    })
                    || cause::<io::Error>(error).is_some_and(is_end)
            }
        }
    }

    /// Whether the client broke off its request.
    pub(super) fn is_the_clients(&self) -> bool {
        let cause = match self {
            Self::Http1(Broken::Upload(cause)) => Some(cause),
            Self::Http1(_) => None,
            Self::Hyper(error) => cause::<UploadError>(error),
        };
        matches!(cause, Some(UploadError::Client))
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof
    )
}

fn cause<E: StdError + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self.get_mut() {
            Self::Http1(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Hyper(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(body) => body.is_end_stream(),
            Self::Hyper(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(body) => body.size_hint(),
            Self::Hyper(body) => body.size_hint(),
        }
    }
}
