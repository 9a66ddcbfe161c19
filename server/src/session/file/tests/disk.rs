//! Disks that fail, and how often they are asked.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Bound;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::*;
use crate::session::contract::lasting;

/// A disk that fails as it is told.
#[derive(Clone, Debug, Default)]
struct Disk {
    failure: Arc<Mutex<Option<ErrorKind>>>,
    syncs: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct OnDisk {
    file: FileBackend,
    disk: Disk,
}

impl Disk {
    fn fail(&self, with: Option<ErrorKind>) {
        *self.failure.lock().unwrap() = with;
    }

    fn check(&self) -> io::Result<()> {
        self.failure.lock().unwrap().map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn syncs(&self) -> usize {
        self.syncs.load(Ordering::SeqCst)
    }

    fn store(&self, path: &Path) -> FileStore {
        drop(open(path));
        let (disk, path) = (self.clone(), path.to_owned());
        let opener = move || {
            crate::session::file::opening::open_on(&path, |file: File| {
                Ok(OnDisk { file: FileBackend::new(file)?, disk: disk.clone() })
            })
        };
        FileStore::on(Slot::new(opener().unwrap(), Box::new(opener)), LIMITS).unwrap()
    }
}

type Locked<T> = Result<T, BackendError>;

impl StorageBackend for OnDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.check()?;
        self.disk.syncs.fetch_add(1, Ordering::SeqCst);
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.check()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<bool> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<bool> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<()> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<()> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<()> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Locked<bool> {
        self.file.query_lock_range(start, end)
    }
}

/// Asks until the store is back; it looks at the disk once a second.
async fn until_back<T>(ask: impl AsyncFn() -> Result<T, StoreError>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[actix_rt::test]
async fn a_full_disk_signs_nobody_in_and_when_there_is_room_again_all_goes_on() {
    let folder = Folder::new();
    let disk = Disk::default();
    let store = disk.store(&folder.sessions());
    let now = contract::present();
    let record = lasting(1, 7, "alice", None, 1000);
    store.insert(key(1), &record).await.unwrap();

    disk.fail(Some(ErrorKind::StorageFull));
    let refused = store.insert(key(2), &record).await;
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    disk.fail(None);
    let held = until_back(async || store.get(&key(1), now).await).await;
    assert_eq!(held, Some(record.clone()), "what was kept is still there");
    until_back(async || store.insert(key(3), &record).await).await;
    assert_eq!(store.end(&Selection::Subject("alice".into())).await.unwrap().len(), 2);
    assert_eq!(store.get(&key(2), now).await, Ok(None), "what was refused never was");
}

#[actix_rt::test]
async fn a_disk_that_fails_is_unavailable_never_signed_out_and_the_store_comes_back_by_itself() {
    let folder = Folder::new();
    let disk = Disk::default();
    let store = disk.store(&folder.sessions());
    let now = contract::present();
    let record = lasting(1, 7, "alice", None, 1000);
    store.insert(key(1), &record).await.unwrap();

    disk.fail(Some(ErrorKind::Other));
    for _ in 0..2 {
        let failed = store.end(&Selection::Key(key(1))).await;
        assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
        let asked = store.get(&key(1), now).await;
        assert!(matches!(asked, Ok(Some(_)) | Err(StoreError::Unavailable(_))), "{asked:?}");
    }
    disk.fail(None);
    let ended = until_back(async || store.end(&Selection::Key(key(1))).await).await;
    assert_eq!(ended.len(), 1);
    drop(store);
    assert_eq!(open(&folder.sessions()).get(&key(1), now).await, Ok(None));
}

#[actix_rt::test]
async fn sign_ins_that_come_together_wait_for_the_disk_once() {
    let folder = Folder::new();
    let disk = Disk::default();
    let store = disk.store(&folder.sessions());
    let (go, wait) = std::sync::mpsc::channel::<()>();
    // The writer is busy while everybody comes.
    let busy = FileStore::write(&store, Need::Lazy, move |_| {
        let _ = wait.recv();
        Ok(())
    });
    let record = lasting(1, 7, "alice", None, 1000);
    let many = futures_util::future::join_all((0..200).map(|n| store.insert(key(n), &record)));
    let before = disk.syncs();
    // Polled last: by then everybody has asked.
    let release = async { go.send(()).unwrap() };
    let (inserted, busy, ()) = tokio::join!(biased; many, busy, release);
    busy.unwrap();
    assert!(inserted.iter().all(|inserted| *inserted == Ok(Inserted::Kept)));
    let syncs = disk.syncs() - before;
    assert!(syncs > 0, "what is acknowledged is on the disk");
    // Two a transaction; the busy one may have taken some of them along.
    assert!(syncs <= 4, "{syncs} for 200");
}

#[actix_rt::test]
async fn that_a_session_is_used_costs_no_wait_for_the_disk() {
    let folder = Folder::new();
    let disk = Disk::default();
    let store = disk.store(&folder.sessions());
    let record = lasting(1, 7, "alice", None, 1000);
    store.insert(key(1), &record).await.unwrap();
    let before = disk.syncs();
    for n in 1..50 {
        assert_eq!(store.touch(&key(1), record.seen.plus(n)).await, Ok(Some(0)));
    }
    assert_eq!(disk.syncs(), before);
    drop(store);
    let store = open(&folder.sessions());
    let seen = store.get(&key(1), record.seen).await.unwrap().unwrap().seen;
    assert_eq!(seen, record.seen.plus(49), "an orderly end keeps it");
}
