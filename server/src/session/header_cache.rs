//! Results of header authentication: shared by all workers, negatives too, asked of core once.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dashmap::DashMap;
use outpost_decision::time::Timestamp;

use super::flights::Flights;
use crate::limits::{Limit, LimitFigures};

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
    known: Arc<DashMap<HeaderKey, Known<T>>>,
    checks: Flights<HeaderKey, Known<T>>,
    capacity: usize,
    limits: LimitFigures,
    /// When those that had run out were last dropped, in seconds.
    swept: AtomicI64,
}

#[derive(Debug)]
struct Known<T> {
    value: Arc<T>,
    until: Timestamp,
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), until: self.until }
    }
}

impl<T: Keep + Send + Sync + 'static> HeaderCache<T> {
    /// A cache for at most `capacity` results; what goes before its time is counted in `limits`.
    #[must_use]
    pub fn new(capacity: usize, limits: LimitFigures) -> Self {
        Self {
            known: Arc::default(),
            checks: Flights::default(),
            capacity,
            limits,
            swept: AtomicI64::new(i64::MIN),
        }
    }

    /// What is known of `key` without asking anybody.
    #[must_use]
    pub fn get(&self, key: HeaderKey, now: Timestamp) -> Option<Arc<T>> {
        look(&self.known, key, now).map(|known| known.value)
    }

    /// The result for `key`: from the cache, from a check under way, or from `check`.
    ///
    /// The check runs as a task of its own: it does not die with the client that began it.
    pub async fn get_or_check<F, Fut>(&self, key: HeaderKey, now: Timestamp, check: F) -> Arc<T>
    where
        F: FnOnce() -> Fut + Clone + 'static,
        Fut: Future<Output = T> + 'static,
    {
        if let Some(known) = self.get(key, now) {
            return known;
        }
        self.make_room(now);
        let known = Arc::clone(&self.known);
        let work = move || async move {
            // A check may have ended between the look before and this one's begin.
            if let Some(known) = look(&known, key, now) {
                return known;
            }
            let value = Arc::new(check().await);
            let checked = Known { until: now.plus(value.keep_seconds().max(0)), value };
            if checked.until > now {
                known.insert(key, checked.clone());
            } else {
                known.remove(&key);
            }
            checked
        };
        Arc::clone(&self.checks.join(key, work).await.value)
    }

    /// Forgets what is known of `key`.
    pub fn forget(&self, key: &HeaderKey) {
        self.known.remove(key);
    }

    /// Number of results kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Drops what has run out, looked for once a second at most since all of it is looked at, and
    /// when that is not enough, whatever comes first: a wrong guess costs one more question to
    /// core. Checks under way will need room, too.
    fn make_room(&self, now: Timestamp) {
        let crowded = || self.known.len() + self.checks.len() >= self.capacity;
        if !crowded() {
            return;
        }
        if self.swept.swap(now.0, Ordering::Relaxed) != now.0 {
            self.known.retain(|_, known| known.until > now);
        }
        while crowded() {
            let Some(key) = self.known.iter().next().map(|entry| *entry.key()) else { return };
            self.known.remove(&key);
            self.limits.reached(Limit::HeaderResults);
        }
    }
}

fn look<T>(
    known: &DashMap<HeaderKey, Known<T>>,
    key: HeaderKey,
    now: Timestamp,
) -> Option<Known<T>> {
    known.get(&key).filter(|known| known.until > now).map(|known| known.clone())
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
        let cache = Rc::new(HeaderCache::new(10, LimitFigures::unread()));
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
        let cache = HeaderCache::new(10, LimitFigures::unread());
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
        let cache = Rc::new(HeaderCache::new(10, LimitFigures::unread()));
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
        let limits = LimitFigures::unread();
        let cache = HeaderCache::new(8, limits.clone());
        let gone = || limits.count(Limit::HeaderResults);
        for n in 0..100 {
            let check = || async { Answer("no", 60) };
            cache.get_or_check(HeaderKey([n; 32]), Timestamp(0), check).await;
            assert!(cache.len() <= 8);
            assert_eq!(gone(), u64::from(n).saturating_sub(7), "none at the limit, then each");
        }
        // What has run out makes room, and is not counted.
        let check = || async { Answer("no", 60) };
        cache.get_or_check(HeaderKey([100; 32]), Timestamp(60), check).await;
        assert_eq!((cache.len(), gone()), (1, 92));
    }
}
