//! The revocation log: a stream in which each entry names the one before it.
//!
//! Whoever has read up to an entry knows whether the next one it sees is really the next: it names
//! the place where the reader stands. Entries that were trimmed, a log that was deleted, and a
//! replica that took over without the last entries all break this chain, and readers are told.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::Value;
use async_trait::async_trait;

use super::failure::{Failure, odd_answer};
use super::link::{Blocking, Link};
use super::{RedisStore, nonce, reply};
use crate::session::id::SessionKey;
use crate::session::store::{EndedSession, LogEntries, LogPosition, RevocationLog, StoreError};

/// Entries that are kept at most, roughly. Each tells of one call or of one chunk of a large one.
const ENTRIES: &[u8] = b"10000";

/// Seconds that entries are kept, roughly. Who has been away for longer begins anew.
const AGE: &[u8] = b"3600";

/// Entries read in one go.
const READ: usize = 100;

/// Ended sessions that wait to be told of, at most; of others it is known when they are next
/// asked for.
const OWED: usize = 10_000;

/// Bytes of a session's key, and of its provider behind it.
const KEY: usize = 32;
const TOLD: usize = KEY + 8;

/// A connection for waiting, and which connection of which link it was opened beside.
pub(super) struct LogReader {
    blocking: Blocking,
    link: Arc<Link>,
    number: u64,
}

/// An entry.
struct Entry {
    place: String,
    before: String,
    ended: Vec<EndedSession>,
}

impl RedisStore {
    /// Writes ended sessions into the log. What cannot be told now is told with the next look at
    /// the log: these sessions are gone, and nobody would find and end them again.
    pub(super) async fn announce(&self, ended: &[EndedSession]) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        let told = self.tell(ended).await;
        if told.is_err() {
            let mut owed = self.owed();
            let room = OWED.saturating_sub(owed.len());
            owed.extend(ended.iter().take(room));
        }
        told
    }

    /// Tells what could not be told before.
    async fn tell_owed(&self) -> Result<(), StoreError> {
        loop {
            let some: Vec<_> = self.owed().iter().take(READ).copied().collect();
            if some.is_empty() {
                return Ok(());
            }
            self.tell(&some).await?;
            self.owed().retain(|session| !some.contains(session));
        }
    }

    fn owed(&self) -> MutexGuard<'_, Vec<EndedSession>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tell(&self, ended: &[EndedSession]) -> Result<(), StoreError> {
        let mut told = Vec::with_capacity(ended.len() * TOLD);
        for session in ended {
            told.extend_from_slice(&session.key.0);
            told.extend_from_slice(&session.provider.to_be_bytes());
        }
        let (log, nonce) = (self.names.log(), nonce()?);
        let arguments = [nonce.as_bytes(), &told, ENTRIES, AGE];
        self.servers.run(&self.scripts.announce, &log, &arguments).await?;
        Ok(())
    }

    /// The place of the last entry, `None` without any.
    async fn last_place(&self) -> Result<Option<String>, StoreError> {
        let log = self.names.log();
        let mut command = ::redis::cmd("XREVRANGE");
        command.arg(&log).arg("+").arg("-").arg("COUNT").arg(1);
        let entries = reply::list(self.servers.ask(&log, &command).await?)?;
        entries.into_iter().next().map(|entry| Ok(read_entry(entry)?.place)).transpose()
    }

    /// What came after `id`; waits for it if `wait` says so.
    async fn entries_after(
        &self,
        reader: &LogReader,
        id: &str,
        wait: Option<Duration>,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut command = ::redis::cmd("XREAD");
        command.arg("COUNT").arg(READ);
        if let Some(wait) = wait {
            // Zero would be for ever.
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            command.arg("BLOCK").arg(wait);
        }
        command.arg("STREAMS").arg(self.names.log()).arg(id);
        let limit = self.timeout.saturating_add(wait.unwrap_or_default());
        match reader.blocking.ask(&command, limit).await {
            Ok(Value::Nil) => Ok(Vec::new()),
            Ok(answer) => {
                let [stream] = reply::exactly(answer)?;
                let [_name, entries] = reply::exactly(stream)?;
                reply::list(entries)?.into_iter().map(read_entry).collect()
            }
            Err(failure) => {
                if matches!(failure, Failure::Moved(_) | Failure::Link(_)) {
                    self.servers.doubt();
                }
                Err(failure.into())
            }
        }
    }

    /// The reader that is at rest, if it still reads where the log is, or a new one. Whether it
    /// is new comes with it.
    async fn reader(&self) -> Result<(LogReader, bool), StoreError> {
        let link = self.servers.link(&self.names.log()).await?;
        let connected = link.connected().await?;
        let rested = self.resting_reader().take();
        if let Some(reader) = rested
            && Arc::ptr_eq(&reader.link, &link)
            && reader.number == connected.number
        {
            return Ok((reader, false));
        }
        let blocking = link.another(&connected).await?;
        Ok((LogReader { blocking, link, number: connected.number }, true))
    }

    /// What stands where the reader is, if it is not what was expected.
    async fn gap(&self, position: &LogPosition) -> Result<Tail, StoreError> {
        let Some(last) = self.last_place().await? else { return Ok(Tail::Lost) };
        if last == position.0 {
            return Ok(Tail::Here);
        }
        Ok(match (id_of(&last).and_then(read_id), id_of(&position.0).and_then(read_id)) {
            (Some(last), Some(here)) if last > here => Tail::Beyond,
            _ => Tail::Lost,
        })
    }

    /// Nobody can say what is missing: begin at the end.
    async fn begin_anew(&self) -> Result<LogEntries, StoreError> {
        let next = self.end_of_log().await?;
        Ok(LogEntries { ended: Vec::new(), continuous: false, next })
    }
}

/// How the end of the log is to a reader.
#[derive(PartialEq, Eq)]
enum Tail {
    /// Where the reader is.
    Here,
    /// After it.
    Beyond,
    /// Before it, or it is another log.
    Lost,
}

#[async_trait]
impl RevocationLog for RedisStore {
    async fn end_of_log(&self) -> Result<LogPosition, StoreError> {
        let (log, nonce) = (self.names.log(), nonce()?);
        let script = &self.scripts.end_of_log;
        let place = self.servers.run(script, &log, &[nonce.as_bytes()]).await?;
        Ok(LogPosition(reply::text(place)?))
    }

    async fn read_log(
        &self,
        position: &LogPosition,
        wait: Duration,
    ) -> Result<LogEntries, StoreError> {
        // Whether it can be read is another question: a server may refuse writes alone.
        let _ = self.tell_owed().await;
        let Some(id) = id_of(&position.0) else { return self.begin_anew().await };
        let (reader, is_new) = self.reader().await?;
        // On a new connection the log may be another one, in which nothing ever comes.
        if is_new && self.gap(position).await? == Tail::Lost {
            return self.begin_anew().await;
        }
        let wait = Some(wait).filter(|wait| !wait.is_zero());
        let mut entries = self.entries_after(&reader, id, wait).await?;
        if entries.is_empty() {
            match self.gap(position).await? {
                Tail::Here => {}
                Tail::Beyond => entries = self.entries_after(&reader, id, None).await?,
                Tail::Lost => return self.begin_anew().await,
            }
        }
        *self.resting_reader() = Some(reader);
        let mut read = LogEntries { ended: Vec::new(), continuous: true, next: position.clone() };
        for entry in entries {
            read.continuous &= entry.before == read.next.0;
            read.ended.extend(entry.ended);
            read.next = LogPosition(entry.place);
        }
        Ok(read)
    }
}

fn id_of(place: &str) -> Option<&str> {
    let (id, _) = place.split_once('/')?;
    read_id(id).map(|_| id)
}

fn read_id(id: &str) -> Option<(u64, u64)> {
    let (milliseconds, sequence) = id.split_once('-')?;
    Some((milliseconds.parse().ok()?, sequence.parse().ok()?))
}

/// Reads an entry: its id, and the names and values that it was written with, in that order.
fn read_entry(entry: Value) -> Result<Entry, StoreError> {
    let [id, fields] = reply::exactly(entry)?;
    let mut fields = reply::list(fields)?.into_iter();
    let mut field = |wanted: &[u8]| {
        let (Some(name), Some(value)) = (fields.next(), fields.next()) else {
            return Err(odd_answer());
        };
        if reply::bytes(name)? != wanted {
            return Err(odd_answer());
        }
        reply::bytes(value)
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| odd_answer());
    let (nonce, before, told) = (text(field(b"n")?)?, text(field(b"p")?)?, field(b"e")?);
    Ok(Entry { place: format!("{}/{nonce}", reply::text(id)?), before, ended: read_told(&told)? })
}

fn read_told(told: &[u8]) -> Result<Vec<EndedSession>, StoreError> {
    let (sessions, []) = told.as_chunks::<TOLD>() else { return Err(odd_answer()) };
    let read = |session: &[u8; TOLD]| {
        let (key, provider) = session.split_first_chunk::<KEY>()?;
        let provider = i64::from_be_bytes(provider.try_into().ok()?);
        Some(EndedSession { key: SessionKey(*key), provider })
    };
    sessions.iter().map(|session| read(session).ok_or_else(odd_answer)).collect()
}
