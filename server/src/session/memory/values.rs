//! Small values in the memory of one process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use outpost_decision::time::Timestamp;

use crate::session::store::{SharedValues, StoreError};

/// Values kept at most, so that nobody's requests can fill the memory.
const CAPACITY: usize = 200_000;

/// The values of a memory store.
#[derive(Debug, Default)]
pub(super) struct MemoryValues {
    values: Mutex<HashMap<String, Value>>,
}

#[derive(Debug)]
struct Value {
    bytes: Bytes,
    until: Option<Timestamp>,
}

impl Value {
    fn lasts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

impl MemoryValues {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Value>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what has run out.
    pub(super) fn sweep(&self, now: Timestamp) {
        self.lock().retain(|_, value| value.lasts(now));
    }
}

fn put(
    values: &mut HashMap<String, Value>,
    name: &str,
    value: Option<Bytes>,
    lifetime: Option<Duration>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(bytes) = value else {
        values.remove(name);
        return Ok(());
    };
    if values.len() >= CAPACITY && !values.contains_key(name) {
        values.retain(|_, value| value.lasts(now));
        if values.len() >= CAPACITY {
            return Err(StoreError::Full(format!("{CAPACITY} shared values are kept")));
        }
    }
    // Whole seconds, rounded up: a lifetime under a second lasts one.
    let until = lifetime.map(|lifetime| {
        let seconds = lifetime.as_millis().div_ceil(1000);
        now.plus(i64::try_from(seconds).unwrap_or(i64::MAX))
    });
    values.insert(name.to_owned(), Value { bytes, until });
    Ok(())
}

#[async_trait]
impl SharedValues for MemoryValues {
    async fn read(&self, name: &str, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        let values = self.lock();
        Ok(values.get(name).filter(|value| value.lasts(now)).map(|value| value.bytes.clone()))
    }

    async fn write(
        &self,
        name: &str,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        put(&mut self.lock(), name, value, lifetime, now)
    }

    async fn swap(
        &self,
        name: &str,
        expected: Option<&[u8]>,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut values = self.lock();
        let standing = values.get(name).filter(|value| value.lasts(now));
        if standing.map(|value| &*value.bytes) != expected {
            return Ok(false);
        }
        put(&mut values, name, value, lifetime, now)?;
        Ok(true)
    }
}
