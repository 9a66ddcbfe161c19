//! Who is told whether the session store answers, and how often it need not be asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::store::StoreError;

/// Somebody who wants to know whether the store answers, and how often it need not be asked.
pub trait StoreWatch: Send + Sync + std::fmt::Debug {
    /// The store was asked for `operation` and did it, or failed.
    fn answered(&self, operation: &'static str, took: Duration, failure: Option<&StoreError>);

    /// A session was looked for.
    fn looked(&self, found: Found);
}

/// Where a session was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// In this replica's cache, which is current.
    Cached,
    /// In the store, or nowhere.
    Asked,
    /// In the cache, while the store is away.
    Degraded,
}

/// Whoever watches, if anybody does.
#[derive(Debug)]
pub(super) struct Watch(Option<Arc<dyn StoreWatch>>);

impl Watch {
    pub(super) const fn new(watch: Option<Arc<dyn StoreWatch>>) -> Self {
        Self(watch)
    }

    /// What the store said to `operation`, for which it was asked at `asked`.
    pub(super) fn told<T>(
        &self,
        operation: &'static str,
        asked: Instant,
        result: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(watch) = &self.0 {
            watch.answered(operation, asked.elapsed(), result.as_ref().err());
        }
        result
    }

    pub(super) fn looked(&self, found: Found) {
        if let Some(watch) = &self.0 {
            watch.looked(found);
        }
    }
}
