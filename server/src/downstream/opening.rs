//! The first bytes of a connection: a PROXY header, the preface of HTTP/2, or neither.

use std::io;

use bytes::{Buf, BytesMut};
use outpost_decision::proxy_header::{self, Opening, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What a client begins HTTP/2 with (RFC 9113 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes read at a time before it is known what they are.
const READ: usize = 4096;

/// Reads a PROXY header if there is one, and no byte beyond what comes with it. The bytes after it
/// are left in `read`.
pub(super) async fn proxy_header<T: AsyncRead + Unpin>(
    io: &mut T,
    read: &mut BytesMut,
) -> io::Result<Option<ProxyHeader>> {
    loop {
        match proxy_header::parse(read).map_err(io::Error::other)? {
            Opening::Header(header, length) => {
                read.advance(length);
                return Ok(Some(header));
            }
            Opening::None => return Ok(None),
            Opening::Incomplete => more(io, read).await?,
        }
    }
}

/// Whether the connection begins with HTTP/2. Some client has to begin it; what was read is left
/// in `read`.
pub(super) async fn is_http2<T: AsyncRead + Unpin>(
    io: &mut T,
    read: &mut BytesMut,
) -> io::Result<bool> {
    loop {
        let common = read.iter().zip(PREFACE).take_while(|(byte, known)| byte == known).count();
        if common == PREFACE.len() {
            return Ok(true);
        }
        if common < read.len() {
            return Ok(false);
        }
        more(io, read).await?;
    }
}

async fn more<T: AsyncRead + Unpin>(io: &mut T, read: &mut BytesMut) -> io::Result<()> {
    read.reserve(READ);
    match io.read_buf(read).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
