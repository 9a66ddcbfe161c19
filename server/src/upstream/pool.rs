//! Connections kept for the next request: those of one worker, so that no lock is needed.
//!
//! The pool belongs to the worker and not to a provider: a refresh of the configuration neither
//! closes connections nor leaves abandoned ones behind.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use tokio::time::{Instant, sleep};

use super::body::RequestBody;
use super::endpoint::Endpoint;

/// The end of a connection that requests go into.
pub(super) enum Sender {
    Http1(http1::SendRequest<RequestBody>),
    /// Shared: many requests at once.
    Http2(http2::SendRequest<RequestBody>),
}

impl Sender {
    pub(super) const fn is_http2(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    pub(super) async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        match self {
            Self::Http1(sender) => sender.try_send_request(request).await,
            Self::Http2(sender) => sender.try_send_request(request).await,
        }
    }

    fn is_usable(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_ready(),
            Self::Http2(sender) => sender.is_ready(),
        }
    }
}

/// Idle connections of one worker.
pub(super) struct Pool {
    shelves: RefCell<HashMap<Endpoint, Vec<Idle>>>,
    keep: Duration,
    most: usize,
}

struct Idle {
    sender: Sender,
    since: Instant,
}

impl Pool {
    pub(super) fn new(keep: Duration, most: usize) -> Rc<Self> {
        Rc::new(Self { shelves: RefCell::default(), keep, most })
    }

    /// A connection that was alive a moment ago. The one used last comes first, so that those not
    /// needed grow old.
    pub(super) fn take(&self, endpoint: &Endpoint) -> Option<Sender> {
        let mut shelves = self.shelves.borrow_mut();
        let shelf = shelves.get_mut(endpoint)?;
        while let Some(idle) = shelf.pop() {
            if !idle.sender.is_usable() || idle.since.elapsed() >= self.keep {
                continue;
            }
            if let Sender::Http2(sender) = &idle.sender {
                let copy = Sender::Http2(sender.clone());
                shelf.push(Idle { since: Instant::now(), ..idle });
                return Some(copy);
            }
            return Some(idle.sender);
        }
        None
    }

    /// Keeps a connection once it is through with the exchange it is in. Call right after the
    /// head of the answer: reading the body to its end is what makes the connection ready.
    pub(super) fn give_back(self: &Rc<Self>, endpoint: Endpoint, sender: Sender) {
        match sender {
            Sender::Http2(_) => self.put(endpoint, sender),
            Sender::Http1(mut inner) => {
                let pool = Rc::downgrade(self);
                actix_rt::spawn(async move {
                    if inner.ready().await.is_ok()
                        && let Some(pool) = Weak::upgrade(&pool)
                    {
                        pool.put(endpoint, Sender::Http1(inner));
                    }
                });
            }
        }
    }

    fn put(self: &Rc<Self>, endpoint: Endpoint, sender: Sender) {
        if self.most == 0 || self.keep.is_zero() {
            return;
        }
        let mut shelves = self.shelves.borrow_mut();
        if shelves.is_empty() {
            self.watch();
        }
        let shelf = shelves.entry(endpoint).or_default();
        if sender.is_http2() && shelf.iter().any(|idle| idle.sender.is_http2()) {
            return;
        }
        if shelf.len() >= self.most {
            shelf.remove(0);
        }
        shelf.push(Idle { sender, since: Instant::now() });
    }

    /// Closes what nobody has needed for a while, until nothing is left.
    fn watch(self: &Rc<Self>) {
        let pool = Rc::downgrade(self);
        let pause = self.keep;
        actix_rt::spawn(async move {
            loop {
                sleep(pause).await;
                let Some(pool) = pool.upgrade() else { return };
                let mut shelves = pool.shelves.borrow_mut();
                shelves.retain(|_, shelf| {
                    shelf
                        .retain(|idle| idle.sender.is_usable() && idle.since.elapsed() < pool.keep);
                    !shelf.is_empty()
                });
                if shelves.is_empty() {
                    return;
                }
            }
        });
    }

    pub(super) fn idle(&self) -> usize {
        self.shelves.borrow().values().map(Vec::len).sum()
    }
}
