//! The store's own threads: one that writes, a few that read. Nobody else ever waits for the disk.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use redb::{Database, Durability};
use tokio::sync::{mpsc, oneshot};

use super::database::Slot;
use super::failure::Failure;
use super::tables::Tables;
use crate::session::store::StoreError;

/// Writes that one transaction takes at most: what it costs to fail, and how long a single one may
/// wait for others.
const TOGETHER: usize = 512;

/// Lazy transactions in a row before one is made durable.
const LAZY_IN_A_ROW: u32 = 256;

/// After the disk was found full: how long writes that need room are refused without a look.
const NO_ROOM_FOR: Duration = Duration::from_secs(1);

/// What a write needs of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It makes room.
    Nothing,
    /// It takes room.
    Room,
    /// It may be lost in a crash.
    Lazy,
}

/// Something to write.
pub(super) trait Write: Send {
    /// What it needs.
    fn need(&self) -> Need;

    /// Does it within a transaction; may be called again in another one when that fails.
    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Failure>;

    /// Answers whoever asked, once the transaction is on the disk or has failed.
    fn settle(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// Something to read.
pub(super) type Read = Box<dyn FnOnce(&Slot) + Send>;

/// A write that a function does, and who waits for it.
pub(super) struct Task<T, W> {
    need: Need,
    work: W,
    reply: oneshot::Sender<Result<T, StoreError>>,
    result: Option<Result<T, StoreError>>,
}

impl<T, W> Task<T, W>
where
    W: FnMut(&mut Tables<'_>) -> Result<T, Failure>,
{
    /// A write, and where its answer comes.
    pub(super) fn new(need: Need, work: W) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { need, work, reply, result: None }, answer)
    }
}

impl<T, W> Write for Task<T, W>
where
    T: Send,
    W: FnMut(&mut Tables<'_>) -> Result<T, Failure> + Send,
{
    fn need(&self) -> Need {
        self.need
    }

    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Failure> {
        self.result = Some(match (self.work)(tables) {
            Ok(done) => Ok(done),
            Err(failure) if failure.breaks_the_database() => return Err(failure),
            // Others in the same transaction are not concerned.
            Err(failure) => Err(failure.told()),
        });
        Ok(())
    }

    fn settle(self: Box<Self>, outcome: Result<(), StoreError>) {
        let result = self.result.unwrap_or_else(|| Err(stopped()));
        // Whoever asked may have gone.
        let _ = self.reply.send(outcome.and(result));
    }
}

/// What is told when there is no thread any more to ask.
pub(super) fn stopped() -> StoreError {
    StoreError::Unavailable("it has been closed".into())
}

/// Starts the thread that writes what comes; it ends when nobody can send any more.
pub(super) fn writer(
    slot: Arc<Slot>,
    mut writes: mpsc::Receiver<Box<dyn Write>>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("sessions-write".into()).spawn(move || {
        let mut writer = Writer { slot, lazy: 0, no_room_until: None };
        while let Some(first) = writes.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < TOGETHER
                && let Ok(next) = writes.try_recv()
            {
                batch.push(next);
            }
            writer.write(batch);
        }
    })
}

/// Starts `count` threads that read.
pub(super) fn readers(
    slot: &Arc<Slot>,
    reads: mpsc::Receiver<Read>,
    count: usize,
) -> io::Result<Vec<JoinHandle<()>>> {
    let reads = Arc::new(Mutex::new(reads));
    let reader = |_| {
        let (slot, reads) = (Arc::clone(slot), Arc::clone(&reads));
        thread::Builder::new().name("sessions-read".into()).spawn(move || {
            loop {
                // Whoever waits for the next holds the lock; the others wait for their turn.
                let next = reads.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                let Some(read) = next else { return };
                read(&slot);
            }
        })
    };
    (0..count).map(reader).collect()
}

struct Writer {
    slot: Arc<Slot>,
    /// Transactions since the last durable one.
    lazy: u32,
    no_room_until: Option<Instant>,
}

impl Writer {
    /// Writes all in one transaction and answers.
    fn write(&mut self, mut batch: Vec<Box<dyn Write>>) {
        if self.no_room_until.is_some_and(|until| Instant::now() < until) {
            batch = refuse(batch, &no_room());
        } else {
            self.no_room_until = None;
        }
        let mut outcome = self.transaction(&mut batch);
        if let Err(full @ StoreError::Full(_)) = &outcome {
            self.no_room_until = Some(Instant::now() + NO_ROOM_FOR);
            // A sign-out must not fail because of sign-ins that came with it.
            batch = refuse(batch, full);
            outcome = self.transaction(&mut batch);
        }
        for write in batch {
            write.settle(outcome.clone());
        }
    }

    fn transaction(&mut self, batch: &mut [Box<dyn Write>]) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let lazy =
            self.lazy < LAZY_IN_A_ROW && batch.iter().all(|write| write.need() == Need::Lazy);
        self.slot.with(|database| commit(database, batch, lazy))?;
        self.lazy = if lazy { self.lazy + 1 } else { 0 };
        Ok(())
    }
}

fn commit(database: &Database, batch: &mut [Box<dyn Write>], lazy: bool) -> Result<(), Failure> {
    let mut transaction = database.begin_write()?;
    if lazy {
        transaction.set_durability(Durability::None)?;
    } else {
        // Two fsyncs instead of one, for all that wait together. In return no crash leaves more to
        // do than opening the file, and what clients send cannot be made to look like a commit.
        transaction.set_quick_repair(true);
    }
    {
        let mut tables = Tables::open(&transaction)?;
        for write in batch {
            write.run(&mut tables)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Answers all that need room; gives back the others.
fn refuse(batch: Vec<Box<dyn Write>>, reason: &StoreError) -> Vec<Box<dyn Write>> {
    let (refused, kept): (Vec<_>, Vec<_>) =
        batch.into_iter().partition(|write| write.need() == Need::Room);
    for write in refused {
        write.settle(Err(reason.clone()));
    }
    kept
}

fn no_room() -> StoreError {
    StoreError::Full("its disk was full a moment ago".into())
}
