//! Connections kept for the next request: those of one worker, so that no lock is needed.
//!
//! The pool belongs to the worker and not to a provider: a refresh of the configuration neither
//! closes connections nor leaves abandoned ones behind.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use hyper::client::conn::{http1 as hyper_http1, http2};
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::body::RequestBody;
use super::endpoint::Endpoint;
use super::http1::Connection;

/// Requests at once that one HTTP/2 connection takes before another is opened. Servers allow 100 at
/// least (RFC 9113 6.5.2); streams that last (gRPC) would make those beyond wait for ever.
const STREAMS: usize = 100;

/// How long a connection is kept at most that the other side has closed while it was idle.
const SWEEP: Duration = Duration::from_secs(5);

/// The end of a connection that requests go into.
pub(super) enum Sender {
    Http1(Connection),
    /// For one request, which asks for an upgrade.
    Upgrade(hyper_http1::SendRequest<RequestBody>),
    /// Shared: many requests at once.
    Http2(http2::SendRequest<RequestBody>, Streams),
}

/// Counts the requests on an HTTP/2 connection: one clone each, beside the pool's own.
pub(super) type Streams = Rc<()>;

impl Sender {
    pub(super) fn http2(sender: http2::SendRequest<RequestBody>) -> Self {
        Self::Http2(sender, Streams::default())
    }

    /// What to hold on to as long as the request is under way.
    pub(super) fn streams(&self) -> Option<&Streams> {
        match self {
            Self::Http1(_) | Self::Upgrade(_) => None,
            Self::Http2(_, streams) => Some(streams),
        }
    }

    /// Another handle, where there can be several.
    pub(super) fn shared(&self) -> Option<Self> {
        match self {
            Self::Http1(_) | Self::Upgrade(_) => None,
            Self::Http2(sender, streams) => Some(Self::Http2(sender.clone(), Rc::clone(streams))),
        }
    }

    fn is_usable(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_usable(),
            Self::Upgrade(_) => false,
            Self::Http2(sender, _) => sender.is_ready(),
        }
    }
}

/// Idle connections of one worker.
pub(super) struct Pool {
    shelves: RefCell<HashMap<Endpoint, Vec<Idle>>>,
    dialing: RefCell<HashMap<Endpoint, CancellationToken>>,
    keep: Duration,
    most: usize,
}

struct Idle {
    sender: Sender,
    since: Instant,
}

impl Idle {
    /// Whether it may serve a request: alive, and needed not too long ago.
    fn is_good(&self, keep: Duration) -> bool {
        let in_use = self.sender.streams().is_some_and(|streams| Rc::strong_count(streams) > 1);
        self.sender.is_usable() && (in_use || self.since.elapsed() < keep)
    }
}

/// See [`Pool::kept`].
#[derive(Debug)]
pub(super) struct Kept {
    pool: Weak<Pool>,
    endpoint: Endpoint,
    connection: Connection,
}

impl Kept {
    /// Puts the connection into the pool, if the exchange came to its end and leaves it fit for another.
    pub(super) fn give_back(self) {
        let Self { pool, endpoint, connection } = self;
        if let Some(pool) = pool.upgrade()
            && connection.is_usable()
        {
            connection.rest();
            pool.put(endpoint, Sender::Http1(connection));
        }
    }
}

/// See [`Pool::dialing`].
pub(super) struct Dialing {
    pool: Rc<Pool>,
    endpoint: Endpoint,
    #[expect(dead_code, reason = "its drop tells those who wait")]
    over: DropGuard,
}

impl Drop for Dialing {
    fn drop(&mut self) {
        self.pool.dialing.borrow_mut().remove(&self.endpoint);
    }
}

impl Pool {
    pub(super) fn new(keep: Duration, most: usize) -> Rc<Self> {
        Rc::new(Self { shelves: RefCell::default(), dialing: RefCell::default(), keep, most })
    }

    /// A connection that was alive a moment ago. The one used last comes first, so that those not
    /// needed grow old.
    pub(super) fn take(&self, endpoint: &Endpoint) -> Option<Sender> {
        let mut shelves = self.shelves.borrow_mut();
        let shelf = shelves.get_mut(endpoint)?;
        for at in (0..shelf.len()).rev() {
            let Some(idle) = shelf.get_mut(at) else { continue };
            if !idle.is_good(self.keep) {
                shelf.remove(at);
                continue;
            }
            match idle.sender.streams() {
                None => return Some(shelf.remove(at).sender),
                // One is the pool's own.
                Some(streams) if Rc::strong_count(streams) <= STREAMS => {
                    idle.since = Instant::now();
                    return idle.sender.shared();
                }
                Some(_) => {}
            }
        }
        None
    }

    /// A connection that is to be given back when the exchange that it is in is over; `None` for one
    /// that is there since it was made.
    pub(super) fn kept(self: &Rc<Self>, endpoint: Endpoint, sender: Sender) -> Option<Kept> {
        match sender {
            Sender::Http2(..) | Sender::Upgrade(_) => None,
            Sender::Http1(connection) => {
                Some(Kept { pool: Rc::downgrade(self), endpoint, connection })
            }
        }
    }

    /// Lets others use a connection that can be shared, from now on.
    pub(super) fn share(self: &Rc<Self>, endpoint: &Endpoint, sender: &Sender) {
        if let Some(shared) = sender.shared() {
            self.put(endpoint.clone(), shared);
        }
    }

    /// Takes a shared connection out that does not answer; what is under way on it goes on.
    pub(super) fn forget(&self, endpoint: &Endpoint, sender: &Sender) {
        let Some(streams) = sender.streams() else { return };
        if let Some(shelf) = self.shelves.borrow_mut().get_mut(endpoint) {
            shelf.retain(|idle| !idle.sender.streams().is_some_and(|of| Rc::ptr_eq(of, streams)));
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
        if shelf.len() >= self.most {
            shelf.remove(0);
        }
        shelf.push(Idle { sender, since: Instant::now() });
    }

    /// Whether somebody opens a connection to the endpoint that can be shared when it is there. If
    /// so, waits until that has come to an end, good or bad.
    pub(super) async fn others_dial(&self, endpoint: &Endpoint) -> bool {
        let dialing = self.dialing.borrow().get(endpoint).cloned();
        match dialing {
            None => false,
            Some(over) => {
                over.cancelled().await;
                true
            }
        }
    }

    /// Says that a connection that can be shared is being opened, until what is returned is
    /// dropped.
    pub(super) fn dialing(self: &Rc<Self>, endpoint: &Endpoint) -> Dialing {
        let over = CancellationToken::new();
        self.dialing.borrow_mut().insert(endpoint.clone(), over.clone());
        Dialing { pool: Rc::clone(self), endpoint: endpoint.clone(), over: over.drop_guard() }
    }

    /// Closes what nobody has needed for a while, or the other side has closed, until nothing is left.
    fn watch(self: &Rc<Self>) {
        let pool = Rc::downgrade(self);
        let pause = self.keep.min(SWEEP);
        actix_rt::spawn(async move {
            loop {
                sleep(pause).await;
                let Some(pool) = pool.upgrade() else { return };
                let mut shelves = pool.shelves.borrow_mut();
                shelves.retain(|_, shelf| {
                    shelf.retain(|idle| idle.is_good(pool.keep));
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
