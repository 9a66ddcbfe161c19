//! Counting and listing, by the indexes.

use ::redis::Value;
use futures_util::future::try_join_all;
use outpost_decision::time::Timestamp;

use super::RedisStore;
use super::failure::odd_answer;
use super::reply;
use crate::session::id::SessionKey;
use crate::session::record::Record;
use crate::session::store::{ListedSession, PageCursor, Selection, SessionPage, StoreError};

/// Most sessions on a page, whatever was asked for.
const PAGE: usize = 1000;

/// Most rounds of trimming one index in one sweep; the next sweep goes on.
const ROUNDS: usize = 50;

/// Dropped in one round; stands in the script, too.
const ROUND: i64 = 1000;

/// A place in an index: the end of a session's token, and its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    ends: i64,
    key: SessionKey,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Which provider's sessions come next, when all are listed.
    provider: Option<i64>,
    /// After which of them.
    after: Option<Place>,
}

impl RedisStore {
    pub(super) async fn count_sessions(
        &self,
        provider: Option<i64>,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let providers = match provider {
            Some(provider) => vec![provider],
            None => self.providers().await?,
        };
        let counts = try_join_all(providers.iter().map(|provider| async {
            let index = self.names.provider(*provider);
            let mut command = ::redis::cmd("ZCOUNT");
            command.arg(&index).arg(format!("({}", now.0)).arg("+inf");
            reply::number(self.servers.ask(&index, &command).await?)
        }))
        .await?;
        usize::try_from(counts.iter().sum::<i64>()).map_err(|_| odd_answer())
    }

    /// Drops from the providers' indexes what has run out by itself.
    pub(super) async fn trim_indexes(&self) -> Result<(), StoreError> {
        let mut indexes: Vec<_> = self
            .providers()
            .await?
            .into_iter()
            .map(|provider| self.names.provider(provider))
            .collect();
        indexes.push(self.names.providers());
        for index in indexes {
            for _ in 0..ROUNDS {
                let answer = self.servers.run(&self.scripts.trim, &index, &[]).await?;
                if reply::number(answer)? < ROUND {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The providers that have sessions, in order.
    async fn providers(&self) -> Result<Vec<i64>, StoreError> {
        let key = self.names.providers();
        let mut command = ::redis::cmd("ZRANGE");
        command.arg(&key).arg(0).arg(-1);
        let members = reply::list(self.servers.ask(&key, &command).await?)?;
        let mut providers =
            members.into_iter().map(reply::digits).collect::<Result<Vec<i64>, _>>()?;
        providers.sort_unstable();
        Ok(providers)
    }

    pub(super) async fn page(
        &self,
        selection: Option<&Selection>,
        from: Option<&PageCursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<SessionPage, StoreError> {
        let cursor = from.map(read_cursor).transpose()?;
        let limit = limit.min(PAGE);
        let (keys, next) = match selection {
            Some(Selection::Key(key)) => (vec![*key], None),
            Some(Selection::Keys(keys)) => (keys.clone(), None),
            Some(selection) => {
                let Some(index) = self.names.index(selection) else {
                    return Ok(SessionPage::default());
                };
                let after = cursor.and_then(|cursor| cursor.after);
                let (places, more) = self.places(&index, after, limit, now).await?;
                let next = places.last().filter(|_| more);
                let next = next.map(|last| Cursor { provider: None, after: Some(*last) });
                (places.into_iter().map(|place| place.key).collect(), next)
            }
            None => self.all(cursor, limit, now).await?,
        };
        let found = try_join_all(keys.iter().map(|key| self.look(key, now))).await?;
        let mut page = SessionPage { next: next.map(write_cursor), ..SessionPage::default() };
        for (key, found) in keys.into_iter().zip(found) {
            match found {
                Ok(Some(Record { about, seen, .. })) => {
                    // An entry may be a former one, of a user who has another name now.
                    if selection.is_none_or(|these| these.means_one(&key, &about)) {
                        page.sessions.push(ListedSession { key, about, seen });
                    }
                }
                Ok(None) => {}
                // One that cannot be read must not hide the others.
                Err(_) => page.unreadable.push(key),
            }
        }
        Ok(page)
    }

    /// A page of all: provider after provider.
    pub(super) async fn all(
        &self,
        cursor: Option<Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<SessionKey>, Option<Cursor>), StoreError> {
        let begin = cursor.and_then(|cursor| cursor.provider);
        let mut after = cursor.and_then(|cursor| cursor.after);
        let providers = self.providers().await?.into_iter();
        let mut providers = providers.skip_while(|at| begin.is_some_and(|begin| *at < begin));
        let mut keys = Vec::new();
        while let Some(provider) = providers.next() {
            // The place belongs to the provider that the page begins in, if that is still there.
            let after = after.take().filter(|_| begin == Some(provider));
            let index = self.names.provider(provider);
            let (places, more) = self.places(&index, after, limit - keys.len(), now).await?;
            keys.extend(places.iter().map(|place| place.key));
            if more {
                let after = places.last().copied().or(after);
                return Ok((keys, Some(Cursor { provider: Some(provider), after })));
            }
            if keys.len() >= limit {
                let next = providers.next();
                return Ok((keys, next.map(|next| Cursor { provider: Some(next), after: None })));
            }
        }
        Ok((keys, None))
    }

    /// At most `limit` entries of an index, those that end last first, and whether there are more.
    async fn places(
        &self,
        index: &str,
        after: Option<Place>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<Place>, bool), StoreError> {
        let batch = limit + 1;
        let most = batch.to_string();
        let mut from = after.map(|Place { ends, key }| Entry { ends, member: key.0.to_vec() });
        let mut places = Vec::new();
        loop {
            let ends = from.as_ref().map(|from| from.ends.to_string());
            let mut arguments = vec![most.as_bytes()];
            if let (Some(from), Some(ends)) = (&from, &ends) {
                arguments.extend([ends.as_bytes(), &from.member]);
            }
            let answer = self.servers.run(&self.scripts.page, index, &arguments).await?;
            let found = read_entries(reply::list(answer)?)?;
            from = found.last().cloned();
            let last = found.len() < batch || from.as_ref().is_some_and(|last| last.ends <= now.0);
            let standing = found.into_iter().filter(|entry| entry.ends > now.0);
            places.extend(standing.filter_map(Entry::place));
            if places.len() > limit || last {
                let more = places.len() > limit;
                places.truncate(limit);
                return Ok((places, more));
            }
        }
    }
}

/// What stands in an index, before it is known to be a session's key.
#[derive(Clone, Debug)]
struct Entry {
    ends: i64,
    member: Vec<u8>,
}

impl Entry {
    /// `None` where it is no key: it does not belong there and is passed over.
    fn place(self) -> Option<Place> {
        let key = self.member.try_into().ok()?;
        Some(Place { ends: self.ends, key: SessionKey(key) })
    }
}

/// Reads members and scores in turn.
fn read_entries(values: Vec<Value>) -> Result<Vec<Entry>, StoreError> {
    let mut values = values.into_iter();
    let mut entries = Vec::new();
    while let (Some(member), Some(ends)) = (values.next(), values.next()) {
        entries.push(Entry { ends: reply::digits(ends)?, member: reply::bytes(member)? });
    }
    Ok(entries)
}

fn write_cursor(cursor: Cursor) -> PageCursor {
    let provider = cursor.provider.map(|provider| provider.to_string()).unwrap_or_default();
    PageCursor(match cursor.after {
        Some(Place { ends, key }) => format!("{provider}.{ends}.{key}"),
        None => provider,
    })
}

fn read_cursor(cursor: &PageCursor) -> Result<Cursor, StoreError> {
    let read = || {
        let mut parts = cursor.0.split('.');
        let provider = match parts.next()? {
            "" => None,
            provider => Some(provider.parse().ok()?),
        };
        let after = match (parts.next(), parts.next()) {
            (None, _) => None,
            (Some(ends), Some(key)) => {
                Some(Place { ends: ends.parse().ok()?, key: SessionKey::parse(key)? })
            }
            (Some(_), None) => return None,
        };
        (parts.next().is_none() && (provider.is_some() || after.is_some()))
            .then_some(Cursor { provider, after })
    };
    read().ok_or(StoreError::NoSuchPage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        let place = Place { ends: 12, key: SessionKey([7; 32]) };
        for cursor in [
            Cursor { provider: None, after: Some(place) },
            Cursor { provider: Some(-3), after: Some(place) },
            Cursor { provider: Some(3), after: None },
        ] {
            assert_eq!(read_cursor(&write_cursor(cursor)), Ok(cursor));
        }
        for forged in ["", ".", "..", "x", "3.", "3.4", "3.4.zz", ".4.00", "../../etc"] {
            let forged = PageCursor(forged.to_owned());
            assert_eq!(read_cursor(&forged), Err(StoreError::NoSuchPage), "{forged:?}");
        }
    }
}
