//! A connection below HTTP, whatever it runs over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{client, server};

/// Bytes both ways.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {
    /// Has the peer see a failure when this is dropped, and no end: TCP resets the connection then, and TLS
    /// says no `close_notify`. A Unix socket has no way to tell.
    fn break_off(&self);
}

impl Duplex for TcpStream {
    fn break_off(&self) {
        // It fails where the peer has seen a failure already.
        let _ = self.set_zero_linger();
    }
}

impl Duplex for UnixStream {
    fn break_off(&self) {}
}

impl<T: Duplex> Duplex for server::TlsStream<T> {
    fn break_off(&self) {
        self.get_ref().0.break_off();
    }
}

impl<T: Duplex> Duplex for client::TlsStream<T> {
    fn break_off(&self) {
        self.get_ref().0.break_off();
    }
}

/// Whatever a connection runs over.
pub(crate) type Stream = Box<dyn Duplex>;

impl Duplex for Stream {
    fn break_off(&self) {
        (**self).break_off();
    }
}

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
