//! The database while it is in use: whoever meets it broken opens it anew.
//!
//! After an error of the disk redb refuses everything until the file is opened again, which also
//! brings it back to its last good commit. A disk that was full for a while must not end the
//! process, so this happens here, out of sight.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use redb::Database;

use super::failure::{Failure, FileStoreError};
use crate::session::store::StoreError;

/// Between two attempts to open a file that cannot be opened.
const PAUSE: Duration = Duration::from_secs(1);

/// Opens the file of a store, which is there already.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, FileStoreError> + Send + Sync>;

/// A database that can be opened anew.
pub(super) struct Slot {
    opener: Opener,
    /// Whoever uses the database holds this for reading; it is held for writing only to close
    /// or open, since the lock on the file allows one database at a time.
    state: RwLock<State>,
}

enum State {
    Open { database: Database, opened: u64 },
    Closed { try_from: Instant, reason: String, opened: u64 },
}

impl Slot {
    /// A slot with an open database, and how to open it again.
    pub(super) fn new(database: Database, opener: Opener) -> Self {
        Self { opener, state: RwLock::new(State::Open { database, opened: 0 }) }
    }

    /// Does `work` with the database. Blocks, and is for the store's own threads.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut state = self.read();
        if matches!(*state, State::Closed { .. }) {
            drop(state);
            self.mend();
            state = self.read();
        }
        let (failure, opened) = match &*state {
            State::Closed { reason, .. } => return Err(StoreError::Unavailable(reason.clone())),
            State::Open { database, opened } => match guarded(|| work(database)) {
                Ok(done) => return Ok(done),
                Err(failure) => (failure, *opened),
            },
        };
        drop(state);
        let told = failure.told();
        if failure.breaks_the_database() {
            self.close(opened, &told);
        }
        Err(told)
    }

    /// Closes the database after a failure, unless somebody has done so already.
    fn close(&self, broken: u64, failure: &StoreError) {
        let mut state = self.write();
        if matches!(*state, State::Open { opened, .. } if opened == broken) {
            tracing::error!(%failure, "the file of the session store failed; it is opened anew");
            let reason = failure.to_string();
            *state = State::Closed { try_from: Instant::now(), reason, opened: broken };
        }
    }

    /// Opens the database again, unless that was tried in vain a moment ago.
    fn mend(&self) {
        let mut state = self.write();
        let State::Closed { try_from, opened, .. } = &*state else { return };
        let now = Instant::now();
        if now < *try_from {
            return;
        }
        let opened = *opened + 1;
        let reopened = catch_unwind(AssertUnwindSafe(|| (self.opener)()));
        *state = match reopened {
            Ok(Ok(database)) => {
                tracing::info!("the file of the session store is open again");
                State::Open { database, opened }
            }
            Ok(Err(error)) => {
                State::Closed { try_from: now + PAUSE, reason: error.to_string(), opened }
            }
            Err(_) => State::Closed {
                try_from: now + PAUSE,
                reason: "its file is damaged".into(),
                opened,
            },
        };
    }

    /// A panic under the lock leaves a state that is whole: it is assigned at once.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// redb may panic on a file that somebody altered: that is a broken store, not the end of a thread.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Failure::Storage(redb::Error::Corrupted("what it holds makes no sense".into())))
    })
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}
