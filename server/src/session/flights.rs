//! Single flight within this process: of many that want the same, one does it, and all get what
//! it got.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::watch;

/// What has been got so far; the channel closes when whoever was at it died.
type Result<T> = watch::Receiver<Option<Arc<T>>>;

/// Work under way, by key. Cheap to clone; every clone is the same.
pub struct Flights<K: Eq + Hash, T> {
    under_way: Arc<DashMap<K, Result<T>>>,
}

impl<K, T> Flights<K, T>
where
    K: Copy + Eq + Hash + 'static,
    T: 'static,
{
    /// What the work under `key` gets: joins it when somebody is at it, else begins `work`.
    ///
    /// Work runs as a task of its own: it does not die with the client that wanted it. When it
    /// dies all the same (a panic, the end of its thread), one of those that wait does its own.
    ///
    /// Nothing is remembered: who comes right after the end begins anew. Work whose result is
    /// kept elsewhere looks there first.
    pub async fn join<F, Fut>(&self, key: K, work: F) -> Arc<T>
    where
        F: FnOnce() -> Fut + Clone + 'static,
        Fut: Future<Output = T> + 'static,
    {
        loop {
            let mut result = match self.board(key) {
                Boarding::Later(result) => result,
                Boarding::First(flight) => {
                    let result = flight.sender.subscribe();
                    flight.fly(work.clone()());
                    result
                }
            };
            if let Ok(value) = result.wait_for(Option::is_some).await
                && let Some(value) = &*value
            {
                return Arc::clone(value);
            }
        }
    }

    /// Begins `work` unless somebody is at it, and waits for nothing.
    pub fn begin<F, Fut>(&self, key: K, work: F)
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T> + 'static,
    {
        if let Boarding::First(flight) = self.board(key) {
            flight.fly(work());
        }
    }

    /// Number of keys that somebody is at.
    #[must_use]
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether nobody is at anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    fn board(&self, key: K) -> Boarding<K, T> {
        let (sender, receiver) = watch::channel(None);
        match self.under_way.entry(key) {
            // Landed or dead, and about to be taken out: too late to join.
            Entry::Occupied(mut entry) if entry.get().has_changed().is_err() => {
                entry.insert(receiver);
            }
            Entry::Occupied(entry) => return Boarding::Later(entry.get().clone()),
            Entry::Vacant(entry) => {
                entry.insert(receiver);
            }
        }
        Boarding::First(Flight { under_way: Arc::clone(&self.under_way), key, sender })
    }
}

enum Boarding<K: Eq + Hash, T> {
    First(Flight<K, T>),
    Later(Result<T>),
}

/// Work that this one does. However it ends, its key is free then.
struct Flight<K: Eq + Hash, T> {
    under_way: Arc<DashMap<K, Result<T>>>,
    key: K,
    sender: watch::Sender<Option<Arc<T>>>,
}

impl<K, T> Flight<K, T>
where
    K: Copy + Eq + Hash + 'static,
    T: 'static,
{
    fn fly(self, work: impl Future<Output = T> + 'static) {
        actix_rt::spawn(async move {
            let value = work.await;
            self.sender.send_replace(Some(Arc::new(value)));
        });
    }
}

impl<K: Eq + Hash, T> Drop for Flight<K, T> {
    fn drop(&mut self) {
        let own = self.sender.subscribe();
        self.under_way.remove_if(&self.key, |_, standing| standing.same_channel(&own));
    }
}

impl<K: Eq + Hash, T> Clone for Flights<K, T> {
    fn clone(&self) -> Self {
        Self { under_way: Arc::clone(&self.under_way) }
    }
}

impl<K: Eq + Hash, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self { under_way: Arc::default() }
    }
}

impl<K: Eq + Hash, T> fmt::Debug for Flights<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flights({} under way)", self.under_way.len())
    }
}

#[cfg(test)]
mod tests;
