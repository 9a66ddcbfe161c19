//! Randomness for waits. Not for secrets.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// A uniformly random word. Where the operating system gives none, the middle of the range: a
/// wait that is not spread is better than no wait.
#[must_use]
pub fn word() -> u32 {
    let mut bytes = [0; 4];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => u32::from_le_bytes(bytes),
        Err(_) => u32::MAX / 2,
    }
}
