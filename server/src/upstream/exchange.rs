//! What both directions of one request know of each other.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::pool::{Kept, Streams};

/// State shared by the request body, which the connection pulls, and the answer, which the
/// client pulls. Time without movement is counted over both: a long upload is not an idle answer.
#[derive(Debug)]
pub(super) struct Exchange {
    moved: Cell<Instant>,
    upload: Cell<Upload>,
    over: Cell<bool>,
    uploader: RefCell<Option<Waker>>,
    idle: Duration,
    streams: RefCell<Option<Streams>>,
    /// The connection, for the next request after the end of this one.
    kept: RefCell<Option<Kept>>,
}

/// Where the request body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upload {
    /// The upstream has not asked for more than there was.
    Flowing,
    /// The upstream could take more; the client does not send.
    AwaitingClient,
    /// All of it was handed on, or there was none.
    Complete,
    /// The client went away or sent nonsense.
    Failed,
}

impl Exchange {
    /// `idle`: the longest time without movement until the answer's head is there.
    pub(super) fn new(idle: Duration) -> Rc<Self> {
        Rc::new(Self {
            moved: Cell::new(Instant::now()),
            upload: Cell::new(Upload::Complete),
            over: Cell::new(false),
            uploader: RefCell::default(),
            idle,
            streams: RefCell::default(),
            kept: RefCell::default(),
        })
    }

    /// Counts as one of the requests on a shared connection, as long as anything of it is left.
    pub(super) fn occupy(&self, streams: Option<&Streams>) {
        *self.streams.borrow_mut() = streams.cloned();
    }

    /// Gives the connection back when the answer is complete or abandoned.
    pub(super) fn keep(&self, kept: Kept) {
        *self.kept.borrow_mut() = Some(kept);
    }

    /// The longest time without movement until the answer's head is there.
    pub(super) const fn idle(&self) -> Duration {
        self.idle
    }

    /// Notes that bytes have moved.
    pub(super) fn touch(&self) {
        self.moved.set(Instant::now());
    }

    /// When the time without movement is up.
    pub(super) fn deadline(&self, idle: Duration) -> Instant {
        self.moved.get() + idle
    }

    pub(super) fn upload(&self) -> Upload {
        self.upload.get()
    }

    pub(super) fn set_upload(&self, state: Upload) {
        self.upload.set(state);
    }

    /// Says that the answer is complete or abandoned: what is left of the request body is of no
    /// use to anybody.
    pub(super) fn finish(&self) {
        self.over.set(true);
        if let Some(kept) = self.kept.borrow_mut().take() {
            kept.give_back();
        }
        if let Some(waker) = self.uploader.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Whether [`Exchange::finish`] was called.
    pub(super) const fn is_over(&self) -> bool {
        self.over.get()
    }

    /// The same; if not, `waker` will hear of it.
    pub(super) fn poll_over(&self, waker: &Waker) -> bool {
        if self.is_over() {
            return true;
        }
        let mut uploader = self.uploader.borrow_mut();
        if !uploader.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *uploader = Some(waker.clone());
        }
        false
    }

    /// Waits for `work` as long as something moves now and then; `None` if nothing did.
    pub(super) async fn while_moving<F: Future>(
        &self,
        idle: Duration,
        mut work: Pin<&mut F>,
    ) -> Option<F::Output> {
        loop {
            let deadline = self.deadline(idle);
            match timeout_at(deadline, work.as_mut()).await {
                Ok(output) => return Some(output),
                Err(_) if self.deadline(idle) <= deadline => return None,
                Err(_) => {}
            }
        }
    }
}
