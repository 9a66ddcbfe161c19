//! Bodies that are read as a whole: small ones, and not for ever.

use std::time::Duration;

use actix_web::dev::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use thiserror::Error;

/// How long a small body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BodyError {
    /// More bytes than are taken.
    #[error("the body is too large")]
    TooLarge,
    /// It did not arrive within ten seconds.
    #[error("the body took too long to arrive")]
    TooSlow,
    /// The connection broke, or its framing is wrong.
    #[error("the body cannot be read")]
    Broken,
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// See [`BodyError`].
pub async fn read(body: &mut Payload, limit: usize) -> Result<Bytes, BodyError> {
    read_within(body, limit, PATIENCE).await
}

async fn read_within(
    body: &mut Payload,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, BodyError> {
    let whole = async {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| BodyError::Broken)?;
            if bytes.len() + chunk.len() > limit {
                return Err(BodyError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    actix_web::rt::time::timeout(patience, whole).await.unwrap_or(Err(BodyError::TooSlow))
}

#[cfg(test)]
mod tests {
    use actix_web::error::PayloadError;
    use futures_util::stream::{self, Stream};

    use super::*;

    type Piece = Result<Bytes, PayloadError>;

    fn payload(pieces: impl Stream<Item = Piece> + 'static) -> Payload {
        Payload::from(Box::pin(pieces) as std::pin::Pin<Box<dyn Stream<Item = Piece>>>)
    }

    fn pieces(count: usize) -> impl Stream<Item = Piece> + 'static {
        stream::iter((0..count).map(|_| Ok(Bytes::from_static(b"1234"))))
    }

    #[actix_web::test]
    async fn bodies_have_so_many_bytes() {
        let read = read(&mut payload(pieces(5)), 20).await;
        assert_eq!(read.map(|body| body.len()), Ok(20), "at the limit");
        let past = super::read(&mut payload(pieces(5)), 19).await;
        assert_eq!(past, Err(BodyError::TooLarge));
        let broken = pieces(1).chain(stream::iter([Err(PayloadError::Incomplete(None))]));
        let broken = super::read(&mut payload(broken), 20).await;
        assert_eq!(broken, Err(BodyError::Broken));
    }

    #[actix_web::test]
    async fn bodies_that_do_not_end_are_given_up() {
        let mut endless = payload(pieces(1).chain(stream::pending()));
        let given_up = read_within(&mut endless, 20, Duration::from_millis(20)).await;
        assert_eq!(given_up, Err(BodyError::TooSlow));
    }
}
