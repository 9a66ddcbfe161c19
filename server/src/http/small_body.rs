//! Bodies that are read as a whole: small ones, and not for ever.

use std::time::Duration;

use actix_web::web::{self, Bytes, BytesMut};
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
pub async fn read(body: &mut web::Payload, limit: usize) -> Result<Bytes, BodyError> {
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
    actix_web::rt::time::timeout(PATIENCE, whole).await.unwrap_or(Err(BodyError::TooSlow))
}
