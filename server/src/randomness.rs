//! Randomness of the operating system: for secrets and names, and for waits.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use thiserror::Error;

/// The operating system gave no randomness.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no randomness")]
pub struct NoRandomness;

/// Random bytes, good enough for secrets.
///
/// # Errors
/// [`NoRandomness`]; there is no second best for a secret.
pub fn bytes<const LENGTH: usize>() -> Result<[u8; LENGTH], NoRandomness> {
    let mut bytes = [0; LENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A uniformly random word, for waits. Where the operating system gives none, the middle of the
/// range: a wait that is not spread is better than no wait.
#[must_use]
pub fn word() -> u32 {
    bytes().map_or(u32::MAX / 2, u32::from_le_bytes)
}
