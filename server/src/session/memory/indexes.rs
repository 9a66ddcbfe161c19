//! Which sessions belong to whom, and which end when.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::net::IpAddr;

use outpost_decision::time::Timestamp;

use crate::session::id::SessionKey;
use crate::session::record::Record;
use crate::session::store::{PageCursor, Selection, StoreError};

/// Sessions in the order of the end of their tokens.
type Ordered = BTreeSet<(Timestamp, SessionKey)>;

/// The indexes of a memory store.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    all: Ordered,
    by_subject: HashMap<String, Ordered>,
    by_core_session: HashMap<String, Ordered>,
    by_provider: HashMap<i64, Ordered>,
    by_user: HashMap<String, Ordered>,
    by_address: HashMap<IpAddr, Ordered>,
    /// By when each ends if nobody uses it any more.
    by_deadline: Ordered,
}

impl Indexes {
    /// Enters a session.
    pub(super) fn remember(&mut self, key: SessionKey, record: &Record) {
        let about = &record.about;
        let entry = (about.expires, key);
        self.all.insert(entry);
        self.by_subject.entry(about.sub.clone()).or_default().insert(entry);
        if let Some(sid) = &about.sid {
            self.by_core_session.entry(sid.clone()).or_default().insert(entry);
        }
        self.by_provider.entry(about.provider).or_default().insert(entry);
        if !about.user.is_empty() {
            self.by_user.entry(about.user.clone()).or_default().insert(entry);
        }
        if let Some(address) = about.address() {
            self.by_address.entry(address).or_default().insert(entry);
        }
        self.by_deadline.insert((record.deadline(), key));
    }

    /// Takes a session out; `record` must be as it was entered.
    pub(super) fn forget(&mut self, key: SessionKey, record: &Record) {
        let about = &record.about;
        let entry = (about.expires, key);
        self.all.remove(&entry);
        drop_from(&mut self.by_subject, &about.sub, &entry);
        if let Some(sid) = &about.sid {
            drop_from(&mut self.by_core_session, sid, &entry);
        }
        drop_from(&mut self.by_provider, &about.provider, &entry);
        drop_from(&mut self.by_user, &about.user, &entry);
        if let Some(address) = about.address() {
            drop_from(&mut self.by_address, &address, &entry);
        }
        self.by_deadline.remove(&(record.deadline(), key));
    }

    /// The sessions of a selection.
    pub(super) fn select(&self, selection: &Selection) -> Vec<SessionKey> {
        match selection {
            Selection::Key(key) => vec![*key],
            Selection::Keys(keys) => keys.clone(),
            _ => self.of(selection).into_iter().flatten().map(|(_, key)| *key).collect(),
        }
    }

    fn of(&self, selection: &Selection) -> Option<&Ordered> {
        match selection {
            Selection::Key(_) | Selection::Keys(_) => None,
            Selection::Subject(sub) => self.by_subject.get(sub),
            Selection::CoreSession(sid) => self.by_core_session.get(sid),
            Selection::Provider(pk) => self.by_provider.get(pk),
            Selection::User(user) => self.by_user.get(user),
            Selection::Address(address) => self.by_address.get(&address.to_canonical()),
        }
    }

    /// The sessions that are over by `now`.
    pub(super) fn over_by(&self, now: Timestamp) -> Vec<SessionKey> {
        self.by_deadline.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| *key).collect()
    }

    /// How many have a token that lasts beyond `now`.
    pub(super) fn count(&self, provider: Option<i64>, now: Timestamp) -> usize {
        let ordered = match provider {
            None => Some(&self.all),
            Some(pk) => self.by_provider.get(&pk),
        };
        ordered.map_or(0, |ordered| {
            let over = ordered.iter().take_while(|(at, _)| *at <= now).count();
            ordered.len() - over
        })
    }

    /// A page, those that end last first.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPage`].
    pub(super) fn page(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
    ) -> Result<(Vec<SessionKey>, Option<PageCursor>), StoreError> {
        let ordered = match selection {
            None => &self.all,
            Some(Selection::Key(_) | Selection::Keys(_)) => {
                return Ok((selection.map(|these| self.select(these)).unwrap_or_default(), None));
            }
            Some(selection) => match self.of(selection) {
                Some(ordered) => ordered,
                None => return Ok((Vec::new(), None)),
            },
        };
        let mut page: Vec<_> = match from {
            None => ordered.iter().rev().take(limit + 1).copied().collect(),
            Some(cursor) => {
                let last = read_cursor(cursor)?;
                ordered.range(..last).rev().take(limit + 1).copied().collect()
            }
        };
        let more = page.len() > limit;
        page.truncate(limit);
        let next = page.last().filter(|_| more).map(write_cursor);
        Ok((page.into_iter().map(|(_, key)| key).collect(), next))
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
            && self.by_subject.is_empty()
            && self.by_core_session.is_empty()
            && self.by_provider.is_empty()
            && self.by_user.is_empty()
            && self.by_address.is_empty()
            && self.by_deadline.is_empty()
    }
}

fn write_cursor((at, key): &(Timestamp, SessionKey)) -> PageCursor {
    PageCursor(format!("{}-{key}", at.0))
}

fn read_cursor(cursor: &PageCursor) -> Result<(Timestamp, SessionKey), StoreError> {
    let read = || {
        let (at, key) = cursor.0.rsplit_once('-')?;
        Some((Timestamp(at.parse().ok()?), SessionKey::parse(key)?))
    };
    read().ok_or(StoreError::NoSuchPage)
}

/// Removes an entry from the set under `owner`, and the set when it is empty: an index must not
/// outgrow the sessions.
fn drop_from<K: Hash + Eq>(
    index: &mut HashMap<K, Ordered>,
    owner: &K,
    entry: &(Timestamp, SessionKey),
) {
    if let Some(entries) = index.get_mut(owner) {
        entries.remove(entry);
        if entries.is_empty() {
            index.remove(owner);
        }
    }
}
