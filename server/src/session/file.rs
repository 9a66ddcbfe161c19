//! Sessions in one database file: they survive a restart and `kill -9`. For one process.
//!
//! What [`SessionStore::insert`], `replace` and `end` have acknowledged is on the disk; that
//! somebody used a session (`touch`) may be forgotten in a crash. One thread writes: whatever has
//! been asked for while it was busy goes into its next transaction, so that a hundred sign-ins cost
//! the same two fsyncs as one. Reads have threads of their own and see the last commit; they do not
//! wait for writers. No caller waits for the disk with its own thread, so that every runtime may
//! ask, and a disk that hangs hangs nobody's event loop.
//!
//! The file is locked while it is open, and by the kernel, so that no crash leaves the lock behind.

mod database;
mod entry;
mod failure;
mod opening;
mod reading;
mod tables;
#[cfg(test)]
mod tests;
mod threads;
mod values;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use outpost_decision::time::Timestamp;
use redb::{ReadTransaction, ReadableDatabase};
use tokio::sync::{mpsc, oneshot};

use self::database::Slot;
use self::failure::Failure;
pub use self::failure::FileStoreError;
use self::tables::Tables;
use self::threads::{Need, Read, Task, Write};
use self::values::SWEPT_AT_ONCE;
use super::id::SessionKey;
use super::record::Record;
use super::store::{
    EndedSession, Inserted, PageCursor, Replaced, RevocationLog, Selection, SessionPage,
    SessionStore, SharedValues, StoreError,
};

/// Questions and writes that wait at most, each; what is more is *unavailable*.
const WAITING: usize = 16_384;

/// What a file store is given besides its file.
#[derive(Clone, Copy, Debug)]
pub struct FileStoreLimits {
    /// How many sessions at most.
    pub capacity: usize,
    /// How long an answer is awaited before the store counts as away. Revocations and sweeps are
    /// awaited to their end: what they ended must become known.
    pub patience: Duration,
}

/// The file store. Dropping it finishes what has been asked for and closes the file.
#[derive(Debug)]
pub struct FileStore {
    /// `None` only while it is dropped.
    queues: Option<Queues>,
    threads: Vec<JoinHandle<()>>,
    limits: FileStoreLimits,
}

#[derive(Debug)]
struct Queues {
    writes: mpsc::Sender<Box<dyn Write>>,
    reads: mpsc::Sender<Read>,
}

impl FileStore {
    /// Opens the store in `path`, or makes it. A file far larger than its few sessions need is
    /// compacted on the way. Blocks.
    ///
    /// # Errors
    /// See [`FileStoreError`].
    pub fn open(path: &Path, limits: FileStoreLimits) -> Result<Self, FileStoreError> {
        let database = opening::open_or_make(path)?;
        let path = path.to_owned();
        Self::on(Slot::new(database, Box::new(move || opening::open(&path))), limits)
    }

    fn on(slot: Slot, limits: FileStoreLimits) -> Result<Self, FileStoreError> {
        let slot = Arc::new(slot);
        let (writes, to_write) = mpsc::channel(WAITING);
        let (reads, to_read) = mpsc::channel(WAITING);
        let count = thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4));
        let mut threads =
            threads::readers(&slot, to_read, count).map_err(FileStoreError::Threads)?;
        threads.push(threads::writer(slot, to_write).map_err(FileStoreError::Threads)?);
        Ok(Self { queues: Some(Queues { writes, reads }), threads, limits })
    }

    /// Has `work` done by the writer; the answer comes when it is on the disk.
    fn write<T, W>(
        &self,
        need: Need,
        work: W,
    ) -> impl Future<Output = Result<T, StoreError>> + use<T, W>
    where
        T: Send + 'static,
        W: FnMut(&mut Tables<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let (task, answer) = Task::new(need, work);
        let sent = match &self.queues {
            Some(queues) => queues.writes.try_send(Box::new(task)).map_err(|_| busy()),
            None => Err(threads::stopped()),
        };
        async move {
            sent?;
            answered(answer).await
        }
    }

    /// Has `work` done by a reader.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let read: Read = Box::new(move |slot| {
            // Whoever asked has gone: no need to look.
            if !reply.is_closed() {
                let _ = reply.send(slot.with(|database| work(&database.begin_read()?)));
            }
        });
        let queues = self.queues.as_ref().ok_or_else(threads::stopped)?;
        queues.reads.try_send(read).map_err(|_| busy())?;
        self.patiently(answered(answer)).await
    }

    async fn patiently<T>(
        &self,
        answer: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let patience = self.limits.patience;
        tokio::time::timeout(patience, answer).await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable(format!("no answer of its disk within {patience:?}")))
        })
    }
}

async fn answered<T>(answer: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
    answer.await.unwrap_or_else(|_| Err(threads::stopped()))
}

fn busy() -> StoreError {
    StoreError::Unavailable(format!("{WAITING} questions wait for its disk"))
}

impl Drop for FileStore {
    fn drop(&mut self) {
        // The threads end when nothing more can come; the database is closed by the last of them.
        drop(self.queues.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[async_trait]
impl SessionStore for FileStore {
    async fn get(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        let key = *key;
        self.read(move |transaction| reading::get(transaction, &key, now)).await
    }

    async fn insert(&self, key: SessionKey, record: &Record) -> Result<Inserted, StoreError> {
        let (record, capacity) = (record.clone(), self.limits.capacity);
        let inserted = self.write(Need::Room, move |tables| tables.insert(&key, &record, capacity));
        self.patiently(inserted).await
    }

    async fn replace(&self, key: SessionKey, record: &Record) -> Result<Replaced, StoreError> {
        let record = record.clone();
        let replaced = self.write(Need::Room, move |tables| tables.replace(&key, &record));
        self.patiently(replaced).await
    }

    async fn touch(&self, key: &SessionKey, seen: Timestamp) -> Result<Option<u64>, StoreError> {
        let key = *key;
        let touched = self.write(Need::Lazy, move |tables| tables.touch(&key, seen));
        self.patiently(touched).await
    }

    /// In one transaction: all or none.
    async fn end(&self, selection: &Selection) -> Result<Vec<EndedSession>, StoreError> {
        let selection = selection.clone();
        self.write(Need::Nothing, move |tables| tables.end(&selection)).await
    }

    /// Step by step, so that sign-ins get their turn in between.
    async fn sweep(&self, now: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        let mut ended = Vec::new();
        loop {
            let step = self.write(Need::Nothing, move |tables| {
                let values = tables.sweep_values(now, SWEPT_AT_ONCE)?;
                Ok((tables.sweep(now, SWEPT_AT_ONCE)?, values))
            });
            match step.await {
                Ok((sessions, values)) => {
                    let done = sessions.len() < SWEPT_AT_ONCE && values < SWEPT_AT_ONCE;
                    ended.extend(sessions);
                    if done {
                        return Ok(ended);
                    }
                }
                // What has ended must become known; the next sweep does the rest.
                Err(_) if !ended.is_empty() => return Ok(ended),
                Err(error) => return Err(error),
            }
        }
    }

    /// Does not walk the sessions, but for those that have ended since the last sweep.
    async fn count(&self, provider: Option<i64>, now: Timestamp) -> Result<usize, StoreError> {
        self.read(move |transaction| reading::count(transaction, provider, now)).await
    }

    async fn list(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        let (selection, from) = (selection.cloned(), from.cloned());
        self.read(move |transaction| {
            reading::list(transaction, selection.as_ref(), from.as_ref(), limit, now)
        })
        .await
    }

    /// None: one process has the file.
    fn shared(&self) -> Option<&dyn RevocationLog> {
        None
    }

    fn values(&self) -> &dyn SharedValues {
        self
    }
}

#[async_trait]
impl SharedValues for FileStore {
    async fn read(&self, name: &str, now: Timestamp) -> Result<Option<Bytes>, StoreError> {
        let name = name.to_owned();
        FileStore::read(self, move |transaction| values::read(transaction, &name, now)).await
    }

    async fn write(
        &self,
        name: &str,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (name, need) = (name.to_owned(), room_for(value.as_ref()));
        let written = FileStore::write(self, need, move |tables| {
            tables.write_value(&name, value.as_deref(), lifetime, now)
        });
        self.patiently(written).await
    }

    async fn swap(
        &self,
        name: &str,
        expected: Option<&[u8]>,
        value: Option<Bytes>,
        lifetime: Option<Duration>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (name, need) = (name.to_owned(), room_for(value.as_ref()));
        let expected = expected.map(Bytes::copy_from_slice);
        let swapped = FileStore::write(self, need, move |tables| {
            tables.swap_value(&name, expected.as_deref(), value.as_deref(), lifetime, now)
        });
        self.patiently(swapped).await
    }
}

fn room_for(value: Option<&Bytes>) -> Need {
    if value.is_some() { Need::Room } else { Need::Nothing }
}
