//! What can go wrong with the file, while it is opened and later.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use redb::{DatabaseError, StorageError};
use thiserror::Error;

use crate::session::store::StoreError;

/// Why a file cannot be a session store. The file is left as it was found.
#[derive(Debug, Error)]
pub enum FileStoreError {
    /// Another process, or another store of this one, has it.
    #[error(
        "{}: another process has this session store open; a file store serves one process, and \
         replicas that share their sessions need Redis (sessions.store = redis://...)",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The folder in which the file would be made is not there.
    #[error("{}: the folder of this session store does not exist", path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// Something else's file.
    #[error(
        "{}: is not a session store of an outpost; it is left untouched: move it away, or name \
         another file in sessions.store",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Of a format that is not known here.
    #[error(
        "{}: is a session store of format {found}, and this outpost knows format {known}; start \
         the version that wrote it, or move the file away",
        path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: u64,
        /// What we write.
        known: u64,
    },
    /// The operating system refuses, or the file is damaged.
    #[error("{}: the session store cannot be opened: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No thread can be had.
    #[error("the threads of the session store: {0}")]
    Threads(io::Error),
}

impl FileStoreError {
    /// An error of the database's in words for operators.
    pub(super) fn of_opening(path: PathBuf, error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                Self::InUse { path }
            }
            DatabaseError::Storage(StorageError::Io(error))
                if error.kind() == ErrorKind::InvalidData =>
            {
                Self::Foreign { path }
            }
            error => Self::Unusable { path, reason: error.to_string() },
        }
    }
}

/// Why a transaction was not carried out.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database or the disk failed; the database must be opened anew (redb refuses
    /// everything after an I/O error).
    Storage(redb::Error),
    /// What was read is nothing that we wrote; the rest of the file may be fine.
    Damaged,
    /// The answer is an error without anything being wrong; nothing was written.
    Answer(StoreError),
}

impl Failure {
    /// The same for whoever asked.
    pub(super) fn told(&self) -> StoreError {
        match self {
            Self::Storage(redb::Error::Io(error)) if means_no_room(error.kind()) => {
                StoreError::Full(format!("its disk: {error}"))
            }
            Self::Storage(error) => StoreError::Unavailable(error.to_string()),
            Self::Damaged => StoreError::Unavailable("a record in its file is damaged".into()),
            Self::Answer(error) => error.clone(),
        }
    }

    /// Whether the database must be opened anew.
    pub(super) fn breaks_the_database(&self) -> bool {
        matches!(self, Self::Storage(_))
    }
}

fn means_no_room(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Storage(error.into())
    }
}
