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
    /// Bytes that the head has announced and that are still to come; `None` where there are chunks.
    left: Option<u64>,
    /// Whether nothing follows what is being written.
    last: bool,
}

impl Upload {
    /// `head` ends with its empty line.
    pub(super) fn new(head: Vec<u8>, body: RequestBody) -> Self {
        let left = match body.length() {
            Length::None => Some(0),
            Length::Known(length) => Some(length),
            Length::Unknown => None,
        };
        let writing = writing(Vec::new(), Bytes::new(), b"");
        Self { writing, head: Some(head), body, left, last: false }
    }

    /// Ready when all of it is sent.
    pub(super) fn poll(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Unsent>> {
        loop {
            if self.writing.has_remaining() {
                ready!(poll_write_all(stream, cx, &mut self.writing))?;
            }
            if self.last {
                return Poll::Ready(Ok(()));
            }
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.write(frame)?,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error.into())),
                Poll::Ready(None) => self.end()?,
                Poll::Pending => match self.head.take() {
                    Some(head) => self.writing = writing(head, Bytes::new(), b""),
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

    fn write(&mut self, frame: Frame<Bytes>) -> Result<(), Unsent> {
        let mut lines = self.head.take().unwrap_or_default();
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                self.last = true;
                // Where a length was announced, there is no room for them.
                if self.left.is_none() {
                    lines.extend_from_slice(b"0\r\n");
                    for (name, value) in frame.trailers_ref().into_iter().flatten() {
                        write_header(&mut lines, name, value.as_bytes());
                    }
                    lines.extend_from_slice(b"\r\n");
                }
                self.writing = writing(lines, Bytes::new(), b"");
                return Ok(());
            }
        };
        let end: &[u8] = match &mut self.left {
            Some(left) => {
                // More than was announced would be taken for the next request.
                *left = left.checked_sub(data.len() as u64).ok_or(UploadError::Client)?;
                b""
            }
            // A chunk without data would be the end.
            None if data.is_empty() => b"",
            None => {
                // Memory takes everything.
                let _ = write!(lines, "{:X}\r\n", data.len());
                b"\r\n"
            }
        };
        self.writing = writing(lines, data, end);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Unsent> {
        self.last = true;
        if self.left.is_some_and(|left| left > 0) {
            return Err(UploadError::Client.into());
        }
        let end: &[u8] = if self.left.is_none() { b"0\r\n\r\n" } else { b"" };
        self.writing = writing(self.head.take().unwrap_or_default(), Bytes::new(), end);
        Ok(())
    }
}
