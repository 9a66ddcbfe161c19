//! A request on its way into a connection: its head, and its body as fast as the upstream takes it.

use std::io::{self, Cursor, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::buf::Chain;
use bytes::{Buf as _, Bytes};
use hyper::body::{Body as _, Frame};
use thiserror::Error;

use crate::duplex::{Stream, poll_write_all};
use crate::header_line::write_header;
use crate::upstream::body::{Length, RequestBody, UploadError};

/// Why a request was not sent to its end.
#[derive(Debug, Error)]
pub(super) enum Unsent {
    #[error(transparent)]
    Body(#[from] UploadError),
    #[error(transparent)]
    Connection(#[from] io::Error),
}

/// What is written together: lines, data, and the end of a chunk.
type Writing = Chain<Chain<Cursor<Vec<u8>>, Bytes>, &'static [u8]>;

fn writing(lines: Vec<u8>, data: Bytes, end: &'static [u8]) -> Writing {
    Cursor::new(lines).chain(data).chain(end)
}

/// What is left to send of a request.
pub(super) struct Upload {
    /// What is being written.
    writing: Writing,
    /// The head, while it waits for the beginning of the body, so that both are sent at once.
    head: Option<Vec<u8>>,
    body: RequestBody,
    /// Whether it is sent in chunks.
    is_chunked: bool,
    /// Whether any of that is still here, or has not left what the connection runs over (TLS keeps some).
    is_unsent: bool,
    /// Whether nothing follows what is being written.
    last: bool,
}

impl Upload {
    /// `head` ends with its empty line.
    pub(super) fn new(head: Vec<u8>, body: RequestBody) -> Self {
        let is_chunked = body.length() == Length::Unknown;
        let writing = writing(Vec::new(), Bytes::new(), b"");
        Self { writing, head: Some(head), body, is_chunked, is_unsent: false, last: false }
    }

    /// Ready when all of it is sent.
    pub(super) fn poll(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Unsent>> {
        loop {
            if self.is_unsent {
                ready!(poll_write_all(stream, cx, &mut self.writing))?;
                self.is_unsent = false;
            }
            if self.last {
                return Poll::Ready(Ok(()));
            }
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.write(frame),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error.into())),
                Poll::Ready(None) => self.end(),
                Poll::Pending => match self.head.take() {
                    Some(head) => self.send(head, Bytes::new(), b""),
                    None => return Poll::Pending,
                },
            }
        }
    }

    /// Whether its answer is complete, or abandoned.
    pub(super) fn is_answered(&self) -> bool {
        self.body.is_answered()
    }

    /// Reads what is left of the body, for nobody.
    pub(super) fn poll_away(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(Ok(_)) = ready!(Pin::new(&mut self.body).poll_frame(cx)) {}
        Poll::Ready(())
    }

    fn write(&mut self, frame: Frame<Bytes>) {
        let mut lines = self.head.take().unwrap_or_default();
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                self.last = true;
                // Where a length was announced, there is no room for them.
                if self.is_chunked {
                    lines.extend_from_slice(b"0\r\n");
                    for (name, value) in frame.trailers_ref().into_iter().flatten() {
                        write_header(&mut lines, name, value.as_bytes());
                    }
                    lines.extend_from_slice(b"\r\n");
                }
                self.send(lines, Bytes::new(), b"");
                return;
            }
        };
        let mut end: &[u8] = b"";
        // A chunk without data would be the end.
        if self.is_chunked && !data.is_empty() {
            // Memory takes everything.
            let _ = write!(lines, "{:X}\r\n", data.len());
            end = b"\r\n";
        }
        self.send(lines, data, end);
    }

    fn send(&mut self, lines: Vec<u8>, data: Bytes, end: &'static [u8]) {
        self.writing = writing(lines, data, end);
        self.is_unsent = true;
    }

    fn end(&mut self) {
        self.last = true;
        let end: &[u8] = if self.is_chunked { b"0\r\n\r\n" } else { b"" };
        let lines = self.head.take().unwrap_or_default();
        self.send(lines, Bytes::new(), end);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;
    use crate::duplex::Duplex;
    use crate::upstream::exchange::Exchange;

    /// Keeps what is written until it is asked to send it for the second time, as TLS may.
    #[derive(Default)]
    struct Slow {
        kept: usize,
        asked: usize,
        sent: usize,
    }

    #[derive(Clone, Default)]
    struct Pipe(Arc<Mutex<Slow>>);

    impl AsyncWrite for Pipe {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.lock().unwrap().kept += bytes.len();
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            let mut slow = self.0.lock().unwrap();
            slow.asked += 1;
            if slow.asked < 2 {
                return Poll::Pending;
            }
            slow.sent = slow.kept;
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncRead for Pipe {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl Duplex for Pipe {
        fn break_off(&self) {}
    }

    #[test]
    fn a_request_is_sent_when_it_has_left_what_the_connection_runs_over() {
        let pipe = Pipe::default();
        let mut stream: Stream = Box::new(pipe.clone());
        let head = b"GET / HTTP/1.1\r\n\r\n".to_vec();
        let length = head.len();
        let exchange = Exchange::new(Duration::from_secs(1));
        let mut upload = Upload::new(head, RequestBody::none(&exchange));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(upload.poll(&mut stream, &mut cx).is_pending());
        let seen = || {
            let slow = pipe.0.lock().unwrap();
            (slow.kept, slow.sent)
        };
        assert_eq!(seen(), (length, 0));
        assert!(matches!(upload.poll(&mut stream, &mut cx), Poll::Ready(Ok(()))));
        assert_eq!(seen(), (length, length));
    }
}
