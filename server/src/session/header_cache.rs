//! Results of header authentication: shared by all workers, negatives too, asked of core once.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use outpost_decision::time::Timestamp;
use tokio::sync::watch;

/// Hash of a provider's key and an `Authorization` value. The value itself is never kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeaderKey(pub [u8; 32]);

impl fmt::Debug for HeaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeaderKey({})", hex::encode(&self.0[..4]))
    }
}

/// What is to be kept of a check: for how many seconds. Nothing is kept of 0.
pub trait Keep {
    /// Seconds.
    fn keep_seconds(&self) -> i64;
}

/// A bounded cache with single flight: while one request asks core about a header, others with
/// the same header wait for its answer.
#[derive(Debug)]
pub struct HeaderCache<T> {
    entries: Arc<DashMap<HeaderKey, Slot<T>>>,
    capacity: usize,
}

#[derive(Debug)]
enum Slot<T> {
    Known { value: Arc<T>, until: Timestamp },
    Asking(watch::Receiver<Option<Arc<T>>>),
}

impl<T: Keep + Send + Sync + 'static> HeaderCache<T> {
    /// A cache for at most `capacity` results.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { entries: Arc::default(), capacity }
    }

    /// The result for `key`: from the cache, from a check under way, or from `check`.
    ///
    /// The check runs as a task of its own: it does not die with the client that began it.
    pub async fn get_or_check<F, Fut>(&self, key: HeaderKey, now: Timestamp, check: F) -> Arc<T>
    where
        F: FnOnce() -> Fut + Clone + 'static,
        Fut: Future<Output = T> + 'static,
    {
        loop {
            let mut answer = match self.look(key, now) {
                Look::Known(value) => return value,
                Look::Wait(receiver) => receiver,
                Look::Ask(sender) => {
                    let receiver = sender.subscribe();
                    self.ask(key, now, sender, check.clone());
                    receiver
                }
            };
            // The asker may have died in a panic: then the channel closes and somebody else asks.
            if let Ok(value) = answer.wait_for(Option::is_some).await
                && let Some(value) = &*value
            {
                return Arc::clone(value);
            }
        }
    }

    /// Forgets what is known of `key`.
    pub fn forget(&self, key: &HeaderKey) {
        self.entries.remove(key);
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn look(&self, key: HeaderKey, now: Timestamp) -> Look<T> {
        if !self.entries.contains_key(&key) {
            self.make_room(now);
        }
        match self.entries.entry(key) {
            Entry::Occupied(mut entry) => match entry.get() {
                Slot::Known { value, until } if *until > now => Look::Known(Arc::clone(value)),
                Slot::Asking(receiver) if receiver.has_changed().is_ok() => {
                    Look::Wait(receiver.clone())
                }
                _ => {
                    let (sender, receiver) = watch::channel(None);
                    entry.insert(Slot::Asking(receiver));
                    Look::Ask(sender)
                }
            },
            Entry::Vacant(entry) => {
                let (sender, receiver) = watch::channel(None);
                entry.insert(Slot::Asking(receiver));
                Look::Ask(sender)
            }
        }
    }

    fn ask<F, Fut>(
        &self,
        key: HeaderKey,
        now: Timestamp,
        sender: watch::Sender<Option<Arc<T>>>,
        check: F,
    ) where
        F: FnOnce() -> Fut + 'static,
        Fut: Future<Output = T> + 'static,
    {
        let entries = Arc::clone(&self.entries);
        actix_rt::spawn(async move {
            let value = Arc::new(check().await);
            let seconds = value.keep_seconds();
            if seconds > 0 {
                let until = now.plus(seconds);
                entries.insert(key, Slot::Known { value: Arc::clone(&value), until });
            } else {
                entries.remove(&key);
            }
            sender.send_replace(Some(value));
        });
    }

    /// Drops what has run out, and when that is not enough, whatever comes first: a wrong guess
    /// costs one more question to core.
    fn make_room(&self, now: Timestamp) {
        if self.entries.len() < self.capacity {
            return;
        }
        self.entries.retain(|_, slot| match slot {
            Slot::Known { until, .. } => *until > now,
            Slot::Asking(receiver) => receiver.has_changed().is_ok(),
        });
        while self.entries.len() >= self.capacity {
            let Some(key) = self.entries.iter().next().map(|entry| *entry.key()) else { return };
            self.entries.remove(&key);
        }
    }
}

enum Look<T> {
    Known(Arc<T>),
    Wait(watch::Receiver<Option<Arc<T>>>),
    Ask(watch::Sender<Option<Arc<T>>>),
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use tokio::sync::Notify;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Answer(&'static str, i64);

    impl Keep for Answer {
        fn keep_seconds(&self) -> i64 {
            self.1
        }
    }

    const KEY: HeaderKey = HeaderKey([7; 32]);

    #[actix_rt::test]
    async fn many_ask_once_and_negatives_are_kept_for_their_time() {
        let cache = Rc::new(HeaderCache::new(10));
        let (asked, gate) = (Rc::new(Cell::new(0)), Rc::new(Notify::new()));
        let check = {
            let (asked, gate) = (Rc::clone(&asked), Rc::clone(&gate));
            move || async move {
                asked.set(asked.get() + 1);
                gate.notified().await;
                Answer("no", 5)
            }
        };
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                let (cache, check) = (Rc::clone(&cache), check.clone());
                actix_rt::spawn(async move { cache.get_or_check(KEY, Timestamp(0), check).await })
            })
            .collect();
        tokio::task::yield_now().await;
        gate.notify_one();
        for task in waiting {
            assert_eq!(*task.await.unwrap(), Answer("no", 5));
        }
        assert_eq!(asked.get(), 1);
        cache.get_or_check(KEY, Timestamp(4), check.clone()).await;
        assert_eq!(asked.get(), 1, "still known");
        gate.notify_one();
        cache.get_or_check(KEY, Timestamp(5), check).await;
        assert_eq!(asked.get(), 2, "asked anew once its time is over");
    }

    #[actix_rt::test]
    async fn what_is_not_to_be_kept_is_asked_each_time() {
        let cache = HeaderCache::new(10);
        let asked = Rc::new(Cell::new(0));
        for _ in 0..3 {
            let asked = Rc::clone(&asked);
            cache
                .get_or_check(KEY, Timestamp(0), move || async move {
                    asked.set(asked.get() + 1);
                    Answer("core is away", 0)
                })
                .await;
        }
        assert_eq!(asked.get(), 3);
        assert!(cache.is_empty());
    }

    #[actix_rt::test]
    async fn a_check_that_dies_is_taken_over() {
        let cache = Rc::new(HeaderCache::new(10));
        let tries = Rc::new(Cell::new(0));
        let check = {
            let tries = Rc::clone(&tries);
            move || async move {
                tries.set(tries.get() + 1);
                tokio::task::yield_now().await;
                assert!(tries.get() > 1, "the first one dies");
                Answer("yes", 60)
            }
        };
        assert_eq!(*cache.get_or_check(KEY, Timestamp(0), check).await, Answer("yes", 60));
        assert_eq!(tries.get(), 2);
    }

    #[actix_rt::test]
    async fn the_capacity_holds() {
        let cache = HeaderCache::new(8);
        for n in 0..100 {
            let check = || async { Answer("no", 60) };
            cache.get_or_check(HeaderKey([n; 32]), Timestamp(0), check).await;
            assert!(cache.len() <= 8);
        }
    }
}
