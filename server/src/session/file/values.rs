//! Small values in the file.

use std::time::Duration;

use bytes::Bytes;
use outpost_decision::time::Timestamp;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::failure::Failure;
use super::tables::{Tables, VALUES};
use crate::session::store::StoreError;

/// Values kept at most, so that nobody's requests can fill the disk.
const CAPACITY: u64 = 200_000;

/// Values dropped at most in one step.
pub(super) const SWEPT_AT_ONCE: usize = 1000;

/// The value under `name`.
pub(super) fn read(
    transaction: &ReadTransaction,
    name: &str,
    now: Timestamp,
) -> Result<Option<Bytes>, Failure> {
    let values = transaction.open_table(VALUES)?;
    Ok(values.get(name)?.and_then(|found| {
        let (until, bytes) = found.value();
        lasts(until, now).then(|| Bytes::copy_from_slice(bytes))
    }))
}

fn lasts(until: Option<i64>, now: Timestamp) -> bool {
    until.is_none_or(|until| until > now.0)
}

impl Tables<'_> {
    /// Writes a value, or removes it.
    pub(super) fn write_value(
        &mut self,
        name: &str,
        value: Option<&[u8]>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Some(bytes) = value else { return self.remove_value(name) };
        if self.values.len()? >= CAPACITY && self.values.get(name)?.is_none() {
            self.sweep_values(now, SWEPT_AT_ONCE)?;
            if self.values.len()? >= CAPACITY {
                let full = format!("{CAPACITY} shared values are kept");
                return Err(Failure::Answer(StoreError::Full(full)));
            }
        }
        self.remove_value(name)?;
        // Whole seconds, rounded up: a lifetime under a second lasts one.
        let until = lifetime.map(|lifetime| {
            let seconds = lifetime.as_millis().div_ceil(1000);
            now.plus(i64::try_from(seconds).unwrap_or(i64::MAX)).0
        });
        self.values.insert(name, (until, bytes))?;
        if let Some(until) = until {
            self.values_by_end.insert((until, name), ())?;
        }
        Ok(())
    }

    /// The same, if what stands there is `expected`.
    pub(super) fn swap_value(
        &mut self,
        name: &str,
        expected: Option<&[u8]>,
        value: Option<&[u8]>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let as_expected = match self.values.get(name)?.as_ref().map(redb::AccessGuard::value) {
            Some((until, bytes)) if lasts(until, now) => expected == Some(bytes),
            _ => expected.is_none(),
        };
        if as_expected {
            self.write_value(name, value, lifetime, now)?;
        }
        Ok(as_expected)
    }

    /// Drops at most `limit` values that have ended; returns how many.
    pub(super) fn sweep_values(&mut self, now: Timestamp, limit: usize) -> Result<usize, Failure> {
        let over = self.values_by_end.range((i64::MIN, "")..(now.0.saturating_add(1), ""))?;
        let names = over.take(limit).map(|found| Ok(found?.0.value().1.to_owned()));
        let names = names.collect::<Result<Vec<_>, Failure>>()?;
        for name in &names {
            self.remove_value(name)?;
        }
        Ok(names.len())
    }

    fn remove_value(&mut self, name: &str) -> Result<(), Failure> {
        let until = self.values.remove(name)?.and_then(|removed| removed.value().0);
        if let Some(until) = until {
            self.values_by_end.remove((until, name))?;
        }
        Ok(())
    }
}
