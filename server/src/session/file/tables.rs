//! The tables of the file, and what a transaction does to sessions in them.

use std::ops::Bound;

use outpost_decision::time::Timestamp;
use redb::{ReadableTable, ReadableTableMetadata, Table, TableDefinition, WriteTransaction};

use super::entry::{self, Head, Owner};
use super::failure::Failure;
use crate::session::id::SessionKey;
use crate::session::record::Record;
use crate::session::store::{EndedSession, Inserted, Replaced, Selection, StoreError};

/// A session's key in a table.
type Key = &'static [u8; 32];

/// The format of what is in the file. 2 knows sessions by user name and address, too.
pub(super) const FORMAT: u64 = 2;

/// What the file is: one entry, `format`.
pub(super) const META: TableDefinition<'static, &'static str, u64> =
    TableDefinition::new("outpost");

/// Sessions; see [`entry`].
pub(super) const SESSIONS: TableDefinition<'static, Key, &'static [u8]> =
    TableDefinition::new("sessions");

/// Whose sessions are which, by the end of their tokens: by subject, session of core, provider,
/// user name, address, and all, in one table.
pub(super) const BY_OWNER: TableDefinition<'static, (Key, i64, Key), ()> =
    TableDefinition::new("sessions by owner");

/// Sessions by when each ends if nobody uses it any more.
pub(super) const BY_DEADLINE: TableDefinition<'static, (i64, Key), ()> =
    TableDefinition::new("sessions by deadline");

/// How many sessions each provider has; none of 0.
pub(super) const COUNTS: TableDefinition<'static, i64, u64> =
    TableDefinition::new("sessions of providers");

/// Small values: when each ends, and its bytes.
pub(super) const VALUES: TableDefinition<'static, &'static str, (Option<i64>, &'static [u8])> =
    TableDefinition::new("values");

/// Values that end, by when.
pub(super) const VALUES_BY_END: TableDefinition<'static, (i64, &'static str), ()> =
    TableDefinition::new("values by end");

/// The first and the last key there can be.
pub(super) const FIRST: [u8; 32] = [0; 32];
/// See [`FIRST`].
pub(super) const LAST: [u8; 32] = [0xff; 32];

/// The tables within a transaction that writes.
pub(super) struct Tables<'t> {
    sessions: Table<'t, Key, &'static [u8]>,
    by_owner: Table<'t, (Key, i64, Key), ()>,
    by_deadline: Table<'t, (i64, Key), ()>,
    counts: Table<'t, i64, u64>,
    pub(super) values: Table<'t, &'static str, (Option<i64>, &'static [u8])>,
    pub(super) values_by_end: Table<'t, (i64, &'static str), ()>,
}

impl<'t> Tables<'t> {
    /// Opens them all; those that are missing are made.
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, Failure> {
        Ok(Self {
            sessions: transaction.open_table(SESSIONS)?,
            by_owner: transaction.open_table(BY_OWNER)?,
            by_deadline: transaction.open_table(BY_DEADLINE)?,
            counts: transaction.open_table(COUNTS)?,
            values: transaction.open_table(VALUES)?,
            values_by_end: transaction.open_table(VALUES_BY_END)?,
        })
    }

    /// A new session, if there are less than `capacity`.
    pub(super) fn insert(
        &mut self,
        key: &SessionKey,
        record: &Record,
        capacity: usize,
    ) -> Result<Inserted, Failure> {
        if self.sessions.len()? >= u64::try_from(capacity).unwrap_or(u64::MAX) {
            return Err(Failure::Answer(StoreError::Full(format!(
                "{capacity} sessions are kept, the most that sessions.capacity allows"
            ))));
        }
        // Ids are random: whoever comes a second time has lost the first answer.
        if self.sessions.get(&key.0)?.is_none() {
            self.put(key, &Head::of(record), record)?;
        }
        Ok(Inserted::Kept)
    }

    /// The next version of a session.
    pub(super) fn replace(
        &mut self,
        key: &SessionKey,
        record: &Record,
    ) -> Result<Replaced, Failure> {
        let Some(standing) = self.head(key)? else { return Ok(Replaced::Gone) };
        if standing.generation.checked_add(1) != Some(record.generation) {
            return Ok(Replaced::Outdated);
        }
        self.forget(key, &standing)?;
        self.put(key, &Head::of(record), record)?;
        Ok(Replaced::Kept)
    }

    /// Notes a use.
    pub(super) fn touch(
        &mut self,
        key: &SessionKey,
        seen: Timestamp,
    ) -> Result<Option<u64>, Failure> {
        let Some(bytes) = self.sessions.get(&key.0)?.map(|found| found.value().to_vec()) else {
            return Ok(None);
        };
        let head = Head::read(&bytes)?;
        if head.deadline() <= seen {
            return Ok(None);
        }
        if head.seen < seen {
            let used = head.used_at(seen);
            self.sessions.insert(&key.0, entry::touched(&bytes, seen).as_slice())?;
            if used.deadline() != head.deadline() {
                self.by_deadline.remove((head.deadline().0, &key.0))?;
                self.by_deadline.insert((used.deadline().0, &key.0), ())?;
            }
        }
        Ok(Some(head.generation))
    }

    /// Ends the sessions of a selection.
    pub(super) fn end(&mut self, selection: &Selection) -> Result<Vec<EndedSession>, Failure> {
        let keys = match selection {
            Selection::Key(key) => vec![*key],
            Selection::Keys(keys) => keys.clone(),
            Selection::Subject(sub) => self.of(&entry::subject(sub))?,
            Selection::CoreSession(sid) => self.of(&entry::core_session(sid))?,
            Selection::Provider(pk) => self.of(&entry::provider(*pk))?,
            Selection::User(user) => self.of(&entry::user(user))?,
            Selection::Address(address) => self.of(&entry::address(*address))?,
        };
        self.remove_all(&keys)
    }

    /// Drops at most `limit` of those that are over by `now`.
    pub(super) fn sweep(
        &mut self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<EndedSession>, Failure> {
        let over = self.by_deadline.range((i64::MIN, &FIRST)..=(now.0, &LAST))?;
        let keys = over.take(limit).map(|found| Ok(SessionKey(*found?.0.value().1)));
        let keys = keys.collect::<Result<Vec<_>, Failure>>()?;
        self.remove_all(&keys)
    }

    /// Makes sessions of format 1 what they are now, and enters them where they are looked for
    /// since: at most `limit` of those that come after `last`. Returns the last of them, `None`
    /// when there are no more.
    pub(super) fn renew(
        &mut self,
        last: Option<[u8; 32]>,
        limit: usize,
    ) -> Result<Option<[u8; 32]>, Failure> {
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        let range = (after.as_ref(), Bound::Unbounded);
        let some = self.sessions.range::<&[u8; 32]>(range)?.take(limit).map(|found| {
            let (key, bytes) = found?;
            Ok((*key.value(), bytes.value().to_vec()))
        });
        let some = some.collect::<Result<Vec<_>, Failure>>()?;
        for (key, bytes) in &some {
            // One that is damaged is of no use to anybody, and stays as it is.
            let Ok(bytes) = entry::of_format_1(bytes) else { continue };
            let head = Head::read(&bytes)?;
            self.sessions.insert(key, bytes.as_slice())?;
            for owner in head.owners() {
                self.by_owner.insert((&owner, head.expires.0, key), ())?;
            }
        }
        Ok(some.last().map(|(key, _)| *key))
    }

    fn of(&self, owner: &Owner) -> Result<Vec<SessionKey>, Failure> {
        let theirs = self.by_owner.range((owner, i64::MIN, &FIRST)..=(owner, i64::MAX, &LAST))?;
        theirs.map(|found| Ok(SessionKey(*found?.0.value().2))).collect()
    }

    fn remove_all(&mut self, keys: &[SessionKey]) -> Result<Vec<EndedSession>, Failure> {
        let mut ended = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(head) = self.head(key)? {
                self.sessions.remove(&key.0)?;
                self.forget(key, &head)?;
                ended.push(EndedSession { key: *key, provider: head.provider });
            }
        }
        Ok(ended)
    }

    fn head(&self, key: &SessionKey) -> Result<Option<Head>, Failure> {
        self.sessions.get(&key.0)?.map(|found| Head::read(found.value())).transpose()
    }

    fn put(&mut self, key: &SessionKey, head: &Head, record: &Record) -> Result<(), Failure> {
        self.sessions.insert(&key.0, entry::write(head, record).as_slice())?;
        for owner in head.owners() {
            self.by_owner.insert((&owner, head.expires.0, &key.0), ())?;
        }
        self.by_deadline.insert((head.deadline().0, &key.0), ())?;
        self.recount(head.provider, 1)
    }

    /// Takes a session out of the indexes; `head` must be as it was put.
    fn forget(&mut self, key: &SessionKey, head: &Head) -> Result<(), Failure> {
        for owner in head.owners() {
            self.by_owner.remove((&owner, head.expires.0, &key.0))?;
        }
        self.by_deadline.remove((head.deadline().0, &key.0))?;
        self.recount(head.provider, -1)
    }

    fn recount(&mut self, provider: i64, by: i64) -> Result<(), Failure> {
        let standing = self.counts.get(provider)?.map_or(0, |count| count.value());
        match standing.saturating_add_signed(by) {
            0 => self.counts.remove(provider)?,
            count => self.counts.insert(provider, count)?,
        };
        Ok(())
    }
}
