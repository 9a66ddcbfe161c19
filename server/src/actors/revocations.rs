//! Ends our sessions when core has ended the one they hang on, however long the store takes.
//!
//! What is to be ended lies in a [`RevocationInbox`] outside of the actor, so that neither a
//! store that is away nor a panic loses any of it: an entry leaves when the store took it. The
//! inbox lives as long as the process.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use outpost_decision::backoff::Backoff;
use tokio::sync::Notify;

use super::CoreSessionEnded;
use super::handle::{NotDelivered, Tell};
use super::supervisor::Shutdown;
use crate::randomness;
use crate::session::{Selection, Sessions};

/// Session ends that are to be carried out. Cheap to clone; every clone is the same inbox.
#[derive(Clone, Debug)]
pub struct RevocationInbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    capacity: usize,
    queue: Mutex<Queue>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<String>,
    /// What waits, to tell repeats.
    known: HashSet<String>,
    /// What the actor is at. Still here after a panic.
    under_way: Option<String>,
    overflowing: bool,
    report: RevocationReport,
}

/// Revocations as operators see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevocationReport {
    /// Session ends not carried out yet.
    pub waiting: usize,
    /// Session ends carried out.
    pub done: u64,
    /// Our sessions that were ended by them.
    pub sessions_ended: u64,
    /// Times the store did not take one.
    pub failures: u64,
    /// Times one was turned away because too many wait.
    pub turned_away: u64,
}

impl RevocationInbox {
    /// An inbox in which `capacity` session ends can wait.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let shared = Shared { capacity, queue: Mutex::default(), arrived: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Puts a session end in. One that already waits is the same one.
    ///
    /// # Errors
    /// When too many wait. Whoever has it keeps it and comes again.
    pub fn put(&self, ended: CoreSessionEnded) -> Result<(), NotDelivered> {
        let mut queue = self.lock();
        if queue.known.contains(&ended.sid) {
            return Ok(());
        }
        if queue.waiting.len() >= self.shared.capacity {
            queue.report.turned_away += 1;
            if !std::mem::replace(&mut queue.overflowing, true) {
                tracing::error!(
                    waiting = queue.waiting.len(),
                    "too many session ends wait for the session store; it must come back, until \
                     then ended sessions may go on"
                );
            }
            return Err(NotDelivered);
        }
        queue.overflowing = false;
        queue.known.insert(ended.sid.clone());
        queue.waiting.push_back(ended.sid);
        drop(queue);
        self.shared.arrived.notify_one();
        Ok(())
    }

    /// What has happened so far, and what waits.
    #[must_use]
    pub fn report(&self) -> RevocationReport {
        let queue = self.lock();
        let waiting = queue.waiting.len() + usize::from(queue.under_way.is_some());
        RevocationReport { waiting, ..queue.report }
    }

    /// The next one, once there is one. It stays in the inbox until [`Self::done`] or
    /// [`Self::put_back`].
    async fn take(&self) -> String {
        loop {
            if let Some(sid) = self.lock().take() {
                return sid;
            }
            self.shared.arrived.notified().await;
        }
    }

    fn done(&self, sessions: usize) {
        let mut queue = self.lock();
        queue.under_way = None;
        queue.report.done += 1;
        queue.report.sessions_ended += u64::try_from(sessions).unwrap_or(u64::MAX);
    }

    fn put_back(&self) {
        let mut queue = self.lock();
        queue.report.failures += 1;
        queue.put_back();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn take(&mut self) -> Option<String> {
        let sid = self.waiting.pop_front()?;
        // A repeat that comes from now on is one more: it may be younger than what the store does.
        self.known.remove(&sid);
        self.under_way = Some(sid.clone());
        Some(sid)
    }

    /// To the end of the queue: one that always fails must not stand before the others.
    fn put_back(&mut self) {
        if let Some(sid) = self.under_way.take()
            && self.known.insert(sid.clone())
        {
            self.waiting.push_back(sid);
        }
    }
}

impl Tell<CoreSessionEnded> for RevocationInbox {
    fn tell(&self, ended: CoreSessionEnded) -> Result<(), NotDelivered> {
        self.put(ended)
    }
}

/// The actor that empties the inbox.
#[derive(Debug)]
pub struct Revocations {
    inbox: RevocationInbox,
    sessions: Sessions,
    backoff: Backoff,
}

impl Revocations {
    /// Ends `sessions` as the inbox says; waits by `backoff` while the store is away.
    #[must_use]
    pub fn new(inbox: RevocationInbox, sessions: Sessions, backoff: Backoff) -> Self {
        Self { inbox, sessions, backoff }
    }
}

impl Actor for Revocations {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // What an incarnation before this one died over.
        self.inbox.lock().put_back();
        let work = empty(self.inbox.clone(), self.sessions.clone(), self.backoff);
        ctx.spawn(work.into_actor(self));
    }
}

impl Handler<CoreSessionEnded> for Revocations {
    type Result = ();

    fn handle(&mut self, ended: CoreSessionEnded, _: &mut Self::Context) {
        // One that is turned away has been logged and counted.
        let _ = self.inbox.put(ended);
    }
}

impl Handler<Shutdown> for Revocations {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) {
        let waiting = self.inbox.report().waiting;
        if waiting > 0 {
            tracing::warn!(waiting, "ending while session ends wait for the session store");
        }
        ctx.stop();
    }
}

/// Carries out one session end after the other, forever.
async fn empty(inbox: RevocationInbox, sessions: Sessions, backoff: Backoff) {
    let mut failures = 0;
    loop {
        let sid = inbox.take().await;
        match sessions.end(&Selection::CoreSession(sid)).await {
            Ok(ended) => {
                if failures > 0 {
                    tracing::info!("the session store takes session ends again");
                }
                failures = 0;
                if !ended.is_empty() {
                    tracing::info!(sessions = ended.len(), "core ended a session, and so do we");
                }
                inbox.done(ended.len());
            }
            Err(error) => {
                inbox.put_back();
                if failures == 0 {
                    tracing::error!(%error, "session ends wait for the session store");
                }
                tokio::time::sleep(backoff.delay(failures, randomness::word())).await;
                failures = failures.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests;
