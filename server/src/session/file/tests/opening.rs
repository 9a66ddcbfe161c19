//! Who may open which file.

use std::os::unix::fs::PermissionsExt;

use redb::{Database, TableDefinition};

use super::*;

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
    transaction.open_table(tables::META).unwrap().insert("format", 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let said = refused(&folder.sessions());
    assert!(said.contains("of format 2, and this outpost knows format 1"), "{said}");
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
