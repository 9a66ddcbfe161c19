//! Who may open which file.

use std::os::unix::fs::PermissionsExt;

use redb::{Database, ReadableTable, TableDefinition};

use super::*;
use crate::session::file::entry;

fn refused(path: &Path) -> String {
    match FileStore::open(path, LIMITS) {
        Ok(_) => panic!("{} is opened", path.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_second_process_is_told_what_to_use_instead() {
    let folder = Folder::new();
    let path = folder.sessions();
    let first = open(&path);
    let said = refused(&path);
    for part in [path.to_str().unwrap(), "serves one process", "need Redis"] {
        assert!(said.contains(part), "{said}");
    }
    drop(first);
    open(&path);
}

#[test]
fn the_file_is_for_the_owner_alone_and_nothing_lies_beside_it() {
    let folder = Folder::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    drop(open(&folder.sessions()));
    assert_eq!(mode(&folder.sessions()), 0o600);
    fs::set_permissions(folder.sessions(), fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&folder.sessions()));
    assert_eq!(mode(&folder.sessions()), 0o600, "tightened");
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn what_is_no_store_is_told_and_left_as_it_is() {
    let folder = Folder::new();
    for (name, content) in [
        ("text", &b"a text that somebody needs"[..]),
        ("short", b"x"),
        ("zeros", &[0; 100_000]),
        ("magic", b"redb\x1a\x0a\xa9\x0d\x0a and then nothing like it"),
    ] {
        let path = folder.0.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let said = refused(&path);
        assert!(said.starts_with(path.to_str().unwrap()), "{said}");
        assert_eq!(fs::read(&path).unwrap(), content, "{name}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644, "{name}");
    }
    assert!(refused(&folder.0.join("text")).contains("is not a session store"));
}

#[test]
fn an_empty_file_becomes_a_store() {
    let folder = Folder::new();
    fs::write(folder.sessions(), b"").unwrap();
    drop(open(&folder.sessions()));
    open(&folder.sessions());
}

#[test]
fn somebody_elses_database_is_left_as_it_is() {
    const THEIRS: TableDefinition<'_, u64, u64> = TableDefinition::new("theirs");
    let folder = Folder::new();
    let database = Database::create(folder.sessions()).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(THEIRS).unwrap().insert(1, 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let said = refused(&folder.sessions());
    assert!(said.contains("is not a session store of an outpost"), "{said}");
    let database = Database::open(folder.sessions()).unwrap();
    let tables = database.begin_read().unwrap();
    assert_eq!(tables.list_tables().unwrap().count(), 1);
}

#[test]
fn a_store_of_a_newer_format_is_refused() {
    let folder = Folder::new();
    drop(open(&folder.sessions()));
    let database = Database::open(folder.sessions()).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(tables::META).unwrap().insert("format", 3).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let said = refused(&folder.sessions());
    assert!(said.contains("of format 3, and this outpost knows format 2"), "{said}");
}

/// Makes of a file what an outpost of format 1 would have written.
fn make_older(path: &Path) {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        transaction.open_table(tables::META).unwrap().insert("format", 1).unwrap();
        let mut sessions = transaction.open_table(tables::SESSIONS).unwrap();
        let mut by_owner = transaction.open_table(tables::BY_OWNER).unwrap();
        let mut all: Vec<([u8; 32], Vec<u8>)> = Vec::new();
        for entry in sessions.iter().unwrap() {
            let (key, bytes) = entry.unwrap();
            all.push((*key.value(), bytes.value().to_vec()));
        }
        for (key, bytes) in all {
            let record = entry::read(&bytes).unwrap();
            for owner in [
                entry::user(&record.about.user),
                entry::address(record.about.client_address.unwrap()),
            ] {
                let entry = (&owner, record.about.expires.0, &key);
                assert!(by_owner.remove(entry).unwrap().is_some());
            }
            let numbers_and_two_owners = 5 * 8 + 2 * 32;
            let mut older = bytes;
            older.drain(numbers_and_two_owners..numbers_and_two_owners + 2 * 32);
            sessions.insert(&key, older.as_slice()).unwrap();
        }
    }
    transaction.commit().unwrap();
}

#[actix_rt::test]
async fn sessions_of_an_older_outpost_are_all_there_and_found_by_user_and_address() {
    let folder = Folder::new();
    let store = open(&folder.sessions());
    let records = [
        record(1, 7, "alice", Some("sid"), 100),
        record(2, 8, "alice", None, 100),
        record(3, 8, "bob", None, 100),
    ];
    for (n, record) in (1..).zip(&records) {
        store.insert(key(n), record).await.unwrap();
    }
    drop(store);
    make_older(&folder.sessions());

    let store = open(&folder.sessions());
    let now = Timestamp(50);
    for (n, record) in (1..).zip(&records) {
        assert_eq!(store.get(&key(n), now).await, Ok(Some(record.clone())));
    }
    let alice = Selection::User("alice-name".into());
    let everybody = Selection::Address([192, 0, 2, 7].into());
    let listed = async |selection: &Selection| {
        store.list(Some(selection), None, 10, now).await.unwrap().sessions.len()
    };
    assert_eq!((listed(&alice).await, listed(&everybody).await), (2, 3));
    assert_eq!(store.end(&alice).await.unwrap().len(), 2);
    drop(store);
    let store = open(&folder.sessions());
    assert_eq!(store.end(&everybody).await.unwrap().len(), 1, "made ours once and for all");
    let left = store.read(|transaction| Ok(transaction.open_table(tables::BY_OWNER)?.len()?));
    assert_eq!(left.await, Ok(0));
}

#[test]
fn a_folder_that_is_missing_is_named() {
    let folder = Folder::new();
    let path = folder.0.join("missing/sessions.redb");
    let said = refused(&path);
    assert!(said.contains("the folder of this session store does not exist"), "{said}");
    assert!(!path.parent().unwrap().exists());
    assert!(refused(&folder.0).contains("cannot be opened"), "a folder is no file");
}
