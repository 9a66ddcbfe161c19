//! Work that only one replica may do at a time: a lease over the store's shared values.
//!
//! A lease is a name with the random token of its owner and a lifetime. It keeps replicas from
//! doing the same twice as long as clocks run and the store answers; it is no proof. What must
//! never happen twice needs a check where it happens (a session's generation, for one).

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use outpost_decision::time::Timestamp;
use tokio::time::Instant;

use super::Sessions;
use super::store::StoreError;
use crate::{clock, randomness};

/// Stores may count in whole seconds, and then end a lifetime up to this much early.
const ROUNDING: Duration = Duration::from_secs(1);

/// A lease that this process has taken. Not released, it lapses by itself after its lifetime.
pub struct Lease {
    sessions: Sessions,
    name: String,
    owner: Bytes,
    lifetime: Duration,
    ours: LeaseWatch,
}

/// Tells whether a lease is still ours; cheap to clone, for the work that is done under it.
#[derive(Clone, Debug)]
pub struct LeaseWatch {
    until: Arc<Mutex<Instant>>,
}

/// What came of work done under a lease.
#[derive(Debug)]
pub struct Held<T> {
    /// What the work gave.
    pub output: T,
    /// Whether the lease could not be extended in time: somebody else may have done, or be doing,
    /// the same.
    pub lost: bool,
}

impl Lease {
    /// Takes the lease `name` for `lifetime`, unless somebody has it.
    ///
    /// # Errors
    /// When the store cannot tell. It may have given the lease all the same; then nobody has it
    /// until it lapses.
    pub async fn acquire(
        sessions: &Sessions,
        name: &str,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
        let owner = owner_token()?;
        // Counted from before the store was asked, so that it lapses here first.
        let until = Instant::now() + lifetime;
        let in_store = Some(lifetime + ROUNDING);
        let taken = sessions.values().swap(name, None, Some(owner.clone()), in_store, now).await?;
        Ok(taken.then(|| Self {
            sessions: sessions.clone(),
            name: name.to_owned(),
            owner,
            lifetime,
            ours: LeaseWatch { until: Arc::new(Mutex::new(until)) },
        }))
    }

    /// Takes the lease, does `work` while extending it, and releases it; `None` when somebody has
    /// it, and then `work` is not begun.
    ///
    /// # Errors
    /// When the store cannot tell who has it; `work` is not begun.
    pub async fn while_held<F, Fut>(
        sessions: &Sessions,
        name: &str,
        lifetime: Duration,
        work: F,
    ) -> Result<Option<Held<Fut::Output>>, StoreError>
    where
        F: FnOnce(LeaseWatch) -> Fut,
        Fut: Future,
    {
        let Some(lease) = Self::acquire(sessions, name, lifetime, clock::now()).await? else {
            return Ok(None);
        };
        let held = lease.hold(work(lease.watch())).await;
        lease.release(clock::now()).await;
        Ok(Some(held))
    }

    /// Stretches the lease to its whole lifetime from now. `false`: it is no longer ours.
    ///
    /// # Errors
    /// When the store cannot tell; the lease is ours as long as [`LeaseWatch::is_ours`] says.
    pub async fn extend(&self, now: Timestamp) -> Result<bool, StoreError> {
        let until = Instant::now() + self.lifetime;
        let (owner, in_store) = (Some(&*self.owner), Some(self.lifetime + ROUNDING));
        let value = Some(self.owner.clone());
        let values = self.sessions.values();
        let extended = values.swap(&self.name, owner, value, in_store, now).await?;
        *self.ours.until() = if extended { until } else { Instant::now() };
        Ok(extended)
    }

    /// Does `work` to its end while extending the lease; stops extending when it ends. The lease
    /// stays taken, to be released or to lapse.
    pub async fn hold<F: Future>(&self, work: F) -> Held<F::Output> {
        let mut work = pin!(work);
        let output = tokio::select! {
            output = &mut work => output,
            // Lost: the work goes on, since half of it may be worse than twice.
            () = self.keep_extending() => work.await,
        };
        Held { output, lost: !self.ours.is_ours() }
    }

    /// Gives the lease back, if it is still ours. When the store does not answer, it lapses.
    pub async fn release(self, now: Timestamp) {
        let values = self.sessions.values();
        let released = values.swap(&self.name, Some(&*self.owner), None, None, now).await;
        if let Err(error) = released {
            tracing::debug!(lease = %self.name, %error, "a lease was not released; it lapses");
        }
    }

    /// Tells the work under the lease whether it is still ours.
    #[must_use]
    pub fn watch(&self) -> LeaseWatch {
        self.ours.clone()
    }

    /// Extends it three times a lifetime, until it is lost.
    async fn keep_extending(&self) {
        while self.ours.is_ours() {
            tokio::time::sleep(self.lifetime / 3).await;
            match self.extend(clock::now()).await {
                Ok(true) => {}
                Ok(false) => tracing::warn!(lease = %self.name, "a lease has changed hands"),
                Err(error) => {
                    tracing::warn!(lease = %self.name, %error, "a lease was not extended");
                }
            }
        }
    }
}

impl LeaseWatch {
    /// Whether the lease is ours for sure.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        Instant::now() < *self.until()
    }

    fn until(&self) -> MutexGuard<'_, Instant> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({}, ours: {})", self.name, self.ours.is_ours())
    }
}

fn owner_token() -> Result<Bytes, StoreError> {
    Ok(Bytes::copy_from_slice(&randomness::bytes::<16>()?))
}

#[cfg(test)]
mod tests;
