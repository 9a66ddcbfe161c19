//! One writer, many readers: how actors hand immutable values to requests.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

/// The writing end. Exactly one exists per value; whoever holds it owns the value.
#[derive(Debug)]
pub struct Publisher<T> {
    current: Arc<ArcSwap<T>>,
    changed: watch::Sender<u64>,
}

/// The reading end: cheap to clone, never blocks, always has a value.
#[derive(Debug)]
pub struct Published<T> {
    current: Arc<ArcSwap<T>>,
    changed: watch::Receiver<u64>,
}

/// Makes a value with its two ends.
pub fn published<T>(initial: T) -> (Publisher<T>, Published<T>) {
    let current = Arc::new(ArcSwap::from_pointee(initial));
    let (sender, receiver) = watch::channel(0);
    (
        Publisher { current: Arc::clone(&current), changed: sender },
        Published { current, changed: receiver },
    )
}

impl<T> Publisher<T> {
    /// Replaces the value and wakes whoever waits for a change.
    pub fn publish(&self, value: T) {
        self.current.store(Arc::new(value));
        self.changed.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// The value now in effect.
    #[must_use]
    pub fn load(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Another reading end.
    #[must_use]
    pub fn reader(&self) -> Published<T> {
        Published { current: Arc::clone(&self.current), changed: self.changed.subscribe() }
    }
}

impl<T> Published<T> {
    /// The value now in effect; costs some tens of nanoseconds.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<T>> {
        self.current.load()
    }

    /// The value now in effect, to keep.
    #[must_use]
    pub fn load_full(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Waits until `wanted` holds for the value, and returns that value. `None` when the writer
    /// is gone and the value can change no more.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&T) -> bool) -> Option<Arc<T>> {
        let mut changed = self.changed.clone();
        loop {
            changed.borrow_and_update();
            let value = self.current.load_full();
            if wanted(&value) {
                return Some(value);
            }
            changed.changed().await.ok()?;
        }
    }
}

impl<T> Clone for Published<T> {
    fn clone(&self) -> Self {
        Self { current: Arc::clone(&self.current), changed: self.changed.clone() }
    }
}
