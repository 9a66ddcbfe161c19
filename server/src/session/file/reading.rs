//! What is read from the file without a look at who writes.

use outpost_decision::time::Timestamp;
use redb::{ReadTransaction, ReadableTableMetadata};

use super::entry::{self, Head, Owner};
use super::failure::Failure;
use super::tables::{BY_OWNER, COUNTS, FIRST, LAST, SESSIONS};
use crate::session::id::SessionKey;
use crate::session::record::Record;
use crate::session::store::{ListedSession, PageCursor, Selection, SessionPage, StoreError};

/// The session under `key`, unless it is over by `now`.
pub(super) fn get(
    transaction: &ReadTransaction,
    key: &SessionKey,
    now: Timestamp,
) -> Result<Option<Record>, Failure> {
    let sessions = transaction.open_table(SESSIONS)?;
    let Some(found) = sessions.get(&key.0)? else { return Ok(None) };
    if Head::read(found.value())?.deadline() <= now {
        return Ok(None);
    }
    entry::read(found.value()).map(Some)
}

/// How many have a token that lasts beyond `now`: a number that is kept, less those that have
/// ended since the last sweep, which are walked.
pub(super) fn count(
    transaction: &ReadTransaction,
    provider: Option<i64>,
    now: Timestamp,
) -> Result<usize, Failure> {
    let (owner, kept) = match provider {
        None => (entry::everybody(), transaction.open_table(SESSIONS)?.len()?),
        Some(pk) => {
            let kept = transaction.open_table(COUNTS)?.get(pk)?.map_or(0, |kept| kept.value());
            (entry::provider(pk), kept)
        }
    };
    let by_owner = transaction.open_table(BY_OWNER)?;
    let mut over = 0;
    for ended in by_owner.range((&owner, i64::MIN, &FIRST)..=(&owner, now.0, &LAST))? {
        ended?;
        over += 1;
    }
    Ok(usize::try_from(kept.saturating_sub(over)).unwrap_or(usize::MAX))
}

/// A page, those that end last first.
pub(super) fn list(
    transaction: &ReadTransaction,
    selection: Option<&Selection>,
    from: Option<&PageCursor>,
    limit: usize,
    now: Timestamp,
) -> Result<SessionPage, Failure> {
    let owner = match selection {
        None => entry::everybody(),
        Some(Selection::Subject(sub)) => entry::subject(sub),
        Some(Selection::CoreSession(sid)) => entry::core_session(sid),
        Some(Selection::Provider(pk)) => entry::provider(*pk),
        Some(Selection::User(user)) => entry::user(user),
        Some(Selection::Address(address)) => entry::address(*address),
        Some(Selection::Key(key)) => return these(transaction, &[*key], None, now),
        Some(Selection::Keys(keys)) => return these(transaction, keys, None, now),
    };
    let (keys, next) = page(transaction, &owner, from, limit)?;
    these(transaction, &keys, next, now)
}

fn page(
    transaction: &ReadTransaction,
    owner: &Owner,
    from: Option<&PageCursor>,
    limit: usize,
) -> Result<(Vec<SessionKey>, Option<PageCursor>), Failure> {
    let by_owner = transaction.open_table(BY_OWNER)?;
    let first = (owner, i64::MIN, &FIRST);
    let theirs = match from {
        None => by_owner.range(first..=(owner, i64::MAX, &LAST))?,
        Some(cursor) => {
            let (at, key) = read_cursor(cursor)?;
            by_owner.range(first..(owner, at, &key.0))?
        }
    };
    let theirs = theirs.rev().take(limit.saturating_add(1)).map(|found| {
        let (entry, _) = found?;
        let (_, at, key) = entry.value();
        Ok((at, SessionKey(*key)))
    });
    let mut theirs = theirs.collect::<Result<Vec<_>, Failure>>()?;
    let more = theirs.len() > limit;
    theirs.truncate(limit);
    let next = theirs.last().filter(|_| more).map(|(at, key)| PageCursor(format!("{at}-{key}")));
    Ok((theirs.into_iter().map(|(_, key)| key).collect(), next))
}

fn these(
    transaction: &ReadTransaction,
    keys: &[SessionKey],
    next: Option<PageCursor>,
    now: Timestamp,
) -> Result<SessionPage, Failure> {
    let (mut sessions, mut unreadable) = (Vec::with_capacity(keys.len()), Vec::new());
    for key in keys {
        match get(transaction, key, now) {
            Ok(Some(Record { about, seen, .. })) => {
                sessions.push(ListedSession { key: *key, about, seen });
            }
            Ok(None) => {}
            // One that cannot be read must not hide the others.
            Err(Failure::Damaged) => unreadable.push(*key),
            Err(failure) => return Err(failure),
        }
    }
    Ok(SessionPage { sessions, unreadable, next })
}

fn read_cursor(cursor: &PageCursor) -> Result<(i64, SessionKey), Failure> {
    let read = || {
        let (at, key) = cursor.0.rsplit_once('-')?;
        Some((at.parse().ok()?, SessionKey::parse(key)?))
    };
    read().ok_or(Failure::Answer(StoreError::NoSuchPage))
}
