mod crash;
mod disk;
mod opening;

use std::fs;
use std::path::{Path, PathBuf};

use redb::ReadableTableMetadata;

use super::*;
use crate::session::contract::{self, key, record};

/// A fresh folder; removed with all that is in it when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("outpost-file-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Where a test keeps its sessions.
    fn sessions(&self) -> PathBuf {
        self.0.join("sessions.redb")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Nothing here depends on how fast the disk is.
const LIMITS: FileStoreLimits =
    FileStoreLimits { capacity: 100_000, patience: Duration::from_secs(60) };

fn open(path: &Path) -> FileStore {
    FileStore::open(path, LIMITS).unwrap()
}

#[actix_rt::test]
async fn keeps_the_contract() {
    let folder = Folder::new();
    let fresh = || async { open(&folder.0.join(uuid::Uuid::new_v4().to_string())) };
    contract::check(fresh).await;
}

#[actix_rt::test]
async fn everything_is_there_after_a_restart() {
    let folder = Folder::new();
    let store = open(&folder.sessions());
    let first = record(1, 7, "alice", Some("sid"), 100);
    store.insert(key(1), &first).await.unwrap();
    store.insert(key(2), &record(2, 7, "bob", Some("sid"), 100)).await.unwrap();
    store.insert(key(3), &record(3, 8, "carol", None, 100)).await.unwrap();
    store.touch(&key(1), Timestamp(40)).await.unwrap();
    store.end(&Selection::Subject("bob".into())).await.unwrap();
    let now = Timestamp(50);
    let value = Bytes::from_static(b"configuration");
    store.values().write("last", Some(value.clone()), None, now).await.unwrap();
    drop(store);

    let store = open(&folder.sessions());
    let seen = Timestamp(40);
    assert_eq!(store.get(&key(1), now).await, Ok(Some(Record { seen, ..first })));
    assert_eq!(store.get(&key(2), now).await, Ok(None));
    assert_eq!(store.count(None, now).await, Ok(2));
    assert_eq!(store.count(Some(7), now).await, Ok(1));
    assert_eq!(store.values().read("last", now).await, Ok(Some(value)));
    let ended = store.end(&Selection::CoreSession("sid".into())).await.unwrap();
    assert_eq!(ended, [EndedSession { key: key(1), provider: 7 }], "the indexes are back");
}

#[actix_rt::test]
async fn a_full_store_says_so_and_still_takes_the_next_version_of_a_session() {
    let folder = Folder::new();
    let limits = FileStoreLimits { capacity: 1, ..LIMITS };
    let store = FileStore::open(&folder.sessions(), limits).unwrap();
    let first = record(1, 1, "alice", Some("sid"), 100);
    store.insert(key(1), &first).await.unwrap();
    let refused = store.insert(key(2), &record(2, 1, "alice", None, 100)).await;
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    let next = Record { generation: 1, ..first };
    assert_eq!(store.replace(key(1), &next).await, Ok(Replaced::Kept));
    assert_eq!(store.count(None, Timestamp(0)).await, Ok(1));
}

#[actix_rt::test]
async fn nothing_is_left_behind_by_sessions_and_values_that_ended() {
    let folder = Folder::new();
    let store = open(&folder.sessions());
    for n in 0..100u8 {
        let mut record = record(n, i64::from(n % 3), &format!("u{n}"), Some("sid"), 100);
        record.about.idle_seconds = Some(60);
        store.insert(key(n), &record).await.unwrap();
        store.touch(&key(n), Timestamp(50)).await.unwrap();
    }
    let lifetime = Some(Duration::from_secs(1));
    for name in ["a", "b"] {
        let value = Some(Bytes::from_static(b"1"));
        store.values().write(name, value.clone(), lifetime, Timestamp(0)).await.unwrap();
        store.values().write(name, value, lifetime, Timestamp(5)).await.unwrap();
    }
    store.end(&Selection::Provider(1)).await.unwrap();
    assert_eq!(store.sweep(Timestamp(100)).await.unwrap().len(), 67);
    let left = store.read(|transaction| {
        Ok([
            transaction.open_table(tables::SESSIONS)?.len()?,
            transaction.open_table(tables::BY_OWNER)?.len()?,
            transaction.open_table(tables::BY_DEADLINE)?.len()?,
            transaction.open_table(tables::COUNTS)?.len()?,
            transaction.open_table(tables::VALUES)?.len()?,
            transaction.open_table(tables::VALUES_BY_END)?.len()?,
        ])
    });
    assert_eq!(left.await, Ok([0; 6]));
}

#[actix_rt::test]
async fn a_sweep_of_more_than_one_step_sweeps_all() {
    let folder = Folder::new();
    let store = open(&folder.sessions());
    let record = record(1, 7, "alice", None, 100);
    let inserted = (0..SWEPT_AT_ONCE as u64 + 10).map(|n| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        store.insert(SessionKey(bytes), &record)
    });
    for inserted in futures_util::future::join_all(inserted).await {
        assert_eq!(inserted, Ok(Inserted::Kept));
    }
    assert_eq!(store.sweep(Timestamp(99)).await.unwrap(), []);
    assert_eq!(store.sweep(Timestamp(100)).await.unwrap().len(), SWEPT_AT_ONCE + 10);
    assert_eq!(store.count(None, Timestamp(0)).await, Ok(0));
}
