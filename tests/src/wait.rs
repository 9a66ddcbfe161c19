//! Waiting for what gives no event: a condition is looked at until it holds or patience ends.

use std::time::{Duration, Instant};

/// Longest that a condition is awaited.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Blocks until `look` gives something. For what lives outside the test's runtime: other
/// processes, and what has threads of its own.
///
/// # Panics
/// When patience ends, with the last reason that `look` gave.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(reason) => assert!(Instant::now() < end, "not seen: {what}: {reason}"),
        }
        std::thread::sleep(LOOK);
    }
}

/// The same without blocking the runtime.
///
/// # Panics
/// When patience ends, with the last reason that `look` gave.
pub async fn until_async<T>(what: &str, look: impl AsyncFnMut() -> Result<T, String>) -> T {
    until_async_within(PATIENCE, what, look).await
}

/// The same with more patience.
///
/// # Panics
/// As [`until_async`].
pub async fn until_async_within<T>(
    patience: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let end = Instant::now() + patience;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(reason) => assert!(Instant::now() < end, "not seen: {what}: {reason}"),
        }
        tokio::time::sleep(LOOK).await;
    }
}
