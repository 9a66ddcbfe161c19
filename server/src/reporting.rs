//! Errors of the outpost itself, told to the service that core names, where core asks for it:
//! panics and events of level error, by the Sentry protocol. Off unless core says otherwise.
//!
//! A layer of the log takes them ([`ReportLayer`]), a bounded queue holds them, and the
//! [`Reporter`] sends a few a minute from another thread. Nobody waits for it, and what fails is
//! counted and forgotten. What is sent holds no secret, and nobody's name or address unless core
//! says that it may.

mod envelope;
mod event;
mod layer;
mod scrub;
mod send;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use self::event::Occurrence;
pub use self::layer::ReportLayer;
pub use self::send::{About, ReportOptions, Reporter};

/// Reports that wait at most.
const QUEUE: usize = 64;

/// Target of events that tell of a panic.
pub const PANIC: &str = "outpost::panic";

/// What the layer and the sender share.
#[derive(Debug)]
struct Gate {
    /// Core asks for reports.
    open: AtomicBool,
    /// Reports that did not find room since somebody looked.
    dropped: AtomicUsize,
}

/// The sender's end of what the layer takes. Clones are the same; only one can be in use.
#[derive(Clone, Debug)]
pub struct ReportQueue {
    gate: Arc<Gate>,
    queue: Arc<Mutex<Option<mpsc::Receiver<Occurrence>>>>,
}

/// A layer that takes errors, closed until core asks for them, and where they go.
#[must_use]
pub fn reports() -> (ReportLayer, ReportQueue) {
    let gate = Arc::new(Gate { open: AtomicBool::new(false), dropped: AtomicUsize::new(0) });
    let (sender, receiver) = mpsc::channel(QUEUE);
    let queue = Arc::new(Mutex::new(Some(receiver)));
    (ReportLayer::new(Arc::clone(&gate), sender), ReportQueue { gate, queue })
}

impl ReportQueue {
    fn take(&self) -> Option<mpsc::Receiver<Occurrence>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Gate {
    fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Relaxed);
    }
}

/// Lets panics be told in the log, and with it in reports, besides what the runtime writes. For
/// the whole process.
pub fn log_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(|at| (at.file(), at.line()));
        let (file, line) = place.unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("something that is no text");
        tracing::error!(target: PANIC, file, line, panic = what, "the outpost has panicked");
        usual(panic);
    }));
}
