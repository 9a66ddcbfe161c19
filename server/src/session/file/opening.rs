//! Opening the file of a store: never over somebody else's data, never two at a time.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTableMetadata, StorageBackend,
    TableError,
};
use uuid::Uuid;

use super::failure::{Failure, FileStoreError};
use super::tables::{FORMAT, META, SESSIONS, Tables};

/// Memory for pages of the file, in bytes.
const CACHE: usize = 64 << 20;

/// The entry of [`META`] that holds the format.
const FORMAT_NAME: &str = "format";

/// Bytes that a session takes with its index entries, generously.
const SESSION_ROOM: u64 = 8 << 10;

/// Bytes that a file without sessions may take.
const EMPTY_ROOM: u64 = 16 << 20;

/// Sessions held in memory while a file of an older format is made one of ours.
const RENEWED_AT_ONCE: usize = 1000;

/// Sessions up to which compacting takes a start no more than a moment.
const FEW: u64 = 50_000;

/// Opens a file that is there, or makes an empty store; compacts it where that is cheap.
///
/// # Errors
/// See [`FileStoreError`]; the file is left as it was then.
pub(super) fn open_or_make(path: &Path) -> Result<Database, FileStoreError> {
    let folder = folder(path);
    if !folder.is_dir() {
        return Err(FileStoreError::NoFolder { path: path.to_owned() });
    }
    let unusable = |error: io::Error| unusable(path, &error);
    match fs::metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => make(path, folder)?,
        Err(error) => return Err(unusable(error)),
    }
    let mut database = open(path)?;
    // Sessions are sealed, but who signs in when is nobody else's business either.
    let mode = fs::metadata(path).map_err(unusable)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(unusable)?;
    }
    if let Err(error) = compact(&mut database, path) {
        // Not worth a start: the file is good as it was.
        tracing::warn!(?error, path = %path.display(), "the session store cannot be compacted");
        drop(database);
        return open(path);
    }
    Ok(database)
}

/// Opens a file that is there.
///
/// # Errors
/// See [`FileStoreError`].
pub(super) fn open(path: &Path) -> Result<Database, FileStoreError> {
    open_on(path, FileBackend::new)
}

/// The same on a backend made of the file.
///
/// # Errors
/// See [`FileStoreError`].
pub(super) fn open_on<B: StorageBackend>(
    path: &Path,
    backend: impl FnOnce(File) -> Result<B, DatabaseError>,
) -> Result<Database, FileStoreError> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(|error| unusable(path, &error))?;
    let database = backend(file)
        .and_then(|backend| Builder::new().set_cache_size(CACHE).create_with_backend(backend))
        .map_err(|error| FileStoreError::of_opening(path.to_owned(), error))?;
    check(&database, path)?;
    Ok(database)
}

/// Makes an empty store under another name and puts it in place when it is whole, so that a crash
/// leaves none that is half made, and of two processes that start at once the second finds the
/// first one's.
fn make(path: &Path, folder: &Path) -> Result<(), FileStoreError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", Uuid::new_v4()));
    let new = folder.join(name);
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    made.map_err(|error| unusable(path, &error))?;
    let placed = open(&new).map(drop).and_then(|()| {
        match fs::hard_link(&new, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            Ok(()) => {}
            // A file system without hard links.
            Err(_) => fs::rename(&new, path).map_err(|error| unusable(path, &error))?,
        }
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| unusable(path, &error))
    });
    let _ = fs::remove_file(&new);
    placed
}

/// Whether the database is ours, and of a format that we know; an empty one becomes ours.
fn check(database: &Database, path: &Path) -> Result<(), FileStoreError> {
    let failed = |failure: Failure| FileStoreError::Unusable {
        path: path.to_owned(),
        reason: failure.told().to_string(),
    };
    match format(database) {
        Ok(Format::Known) => Ok(()),
        Ok(Format::Unborn) => begin(database).map_err(failed),
        Ok(Format::First) => renew(database, path).map_err(failed),
        Ok(Format::Foreign) => Err(FileStoreError::Foreign { path: path.to_owned() }),
        Ok(Format::Other(found)) => {
            Err(FileStoreError::Format { path: path.to_owned(), found, known: FORMAT })
        }
        Err(failure) => Err(failed(failure)),
    }
}

enum Format {
    Known,
    Unborn,
    /// Without the indexes of user names and addresses.
    First,
    Foreign,
    Other(u64),
}

fn format(database: &Database) -> Result<Format, Failure> {
    let transaction = database.begin_read()?;
    let unborn = transaction.list_tables()?.next().is_none()
        && transaction.list_multimap_tables()?.next().is_none();
    if unborn {
        return Ok(Format::Unborn);
    }
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Ok(Format::Foreign),
    };
    Ok(match meta.get(FORMAT_NAME)?.map(|found| found.value()) {
        Some(FORMAT) => Format::Known,
        Some(1) => Format::First,
        Some(other) => Format::Other(other),
        None => Format::Foreign,
    })
}

/// Makes all tables, in one transaction.
fn begin(database: &Database) -> Result<(), Failure> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(FORMAT_NAME, FORMAT)?;
    drop(Tables::open(&transaction)?);
    transaction.commit()?;
    Ok(())
}

/// Makes a file of format 1 one of ours, in one transaction: all of it or none.
fn renew(database: &Database, path: &Path) -> Result<(), Failure> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(FORMAT_NAME, FORMAT)?;
    {
        let mut tables = Tables::open(&transaction)?;
        let mut last = None;
        loop {
            last = tables.renew(last, RENEWED_AT_ONCE)?;
            if last.is_none() {
                break;
            }
        }
    }
    transaction.commit()?;
    tracing::info!(
        path = %path.display(),
        "sessions of an older outpost are found by user name and address from now on"
    );
    Ok(())
}

/// The database gives back only what is free at the end of the file: one session there, and what a
/// wave of them took before it stays taken. Given back at a start, when the file is far larger than
/// the sessions in it need and these are few.
fn compact(database: &mut Database, path: &Path) -> Result<(), Failure> {
    let length = fs::metadata(path).map_err(redb::Error::Io)?.len();
    let sessions = database.begin_read()?.open_table(SESSIONS)?.len()?;
    if sessions > FEW || length < EMPTY_ROOM + 4 * SESSION_ROOM * sessions {
        return Ok(());
    }
    database.compact()?;
    let now = fs::metadata(path).map_err(redb::Error::Io)?.len();
    tracing::info!(path = %path.display(), before = length, now, "session store compacted");
    Ok(())
}

fn unusable(path: &Path, error: &io::Error) -> FileStoreError {
    FileStoreError::Unusable { path: path.to_owned(), reason: error.to_string() }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}
