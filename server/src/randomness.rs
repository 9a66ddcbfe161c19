//! Randomness of the operating system: for secrets and names, and for waits.

use std::cell::RefCell;

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

/// Randomness that was fetched ahead, for names: many are made, and each fetch costs more than a name.
/// For nothing that opens something: it lies in memory until it is used.
#[derive(Debug, Default)]
pub struct Reserve(RefCell<Vec<[u8; 16]>>);

impl Reserve {
    /// How many are fetched at once.
    const AHEAD: usize = 64;

    /// The next bytes.
    ///
    /// # Errors
    /// [`NoRandomness`], as [`bytes`].
    pub fn take(&self) -> Result<[u8; 16], NoRandomness> {
        let mut ahead = self.0.borrow_mut();
        if ahead.is_empty() {
            let mut fetched = [0; 16 * Self::AHEAD];
            SystemRandom::new().fill(&mut fetched).map_err(|_| NoRandomness)?;
            ahead.extend_from_slice(fetched.as_chunks().0);
        }
        ahead.pop().ok_or(NoRandomness)
    }
}

/// A uniformly random word, for waits. Where the operating system gives none, the middle of the
/// range: a wait that is not spread is better than no wait.
#[must_use]
pub fn word() -> u32 {
    bytes().map_or(u32::MAX / 2, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_of_a_reserve_comes_twice() {
        let reserve = Reserve::default();
        let taken: HashSet<_> = (0..1000).map(|_| reserve.take().unwrap()).collect();
        assert_eq!(taken.len(), 1000);
        assert!(!taken.contains(&[0; 16]));
    }
}
