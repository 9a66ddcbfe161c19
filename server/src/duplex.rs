//! A connection below HTTP, whatever it runs over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes both ways.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Whatever a connection runs over.
pub(crate) type Stream = Box<dyn Duplex>;

/// Writes all of `bytes`, of which nothing is left then, and has it sent.
pub(crate) fn poll_write_all(
    stream: &mut Stream,
    cx: &mut Context<'_>,
    bytes: &mut impl Buf,
) -> Poll<io::Result<()>> {
    while bytes.has_remaining() {
        let pinned = Pin::new(&mut *stream);
        let written = if bytes.chunk().len() == bytes.remaining() || !pinned.is_write_vectored() {
            ready!(pinned.poll_write(cx, bytes.chunk()))?
        } else {
            let mut parts = [io::IoSlice::new(&[]); 3];
            let count = bytes.chunks_vectored(&mut parts);
            ready!(pinned.poll_write_vectored(cx, &parts[..count]))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        bytes.advance(written);
    }
    Pin::new(stream).poll_flush(cx)
}
