//! Sessions that an older outpost wrote: it knew less indexes, and did not enter them in all of
//! those that there are now.
//!
//! Such a session is entered when it is next used or renewed. All others are looked for from time
//! to time, by one replica at a time, in the index of their provider: soon after a start, since
//! that may be an upgrade during which older replicas go on for a while, and else once a day.
//! Whoever is to end all sessions of a user or an address before anybody has looked waits for it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use outpost_decision::time::Timestamp;

use tokio::time::timeout;

use super::RedisStore;
use super::failure::odd_answer;
use super::names::Indexes;
use super::reply;
use crate::session::id::SessionKey;
use crate::session::store::{Selection, SharedValues, StoreError};

/// The shared value that says that somebody has looked, or is looking.
const LOOKED: &str = "indexed";

/// Somebody is looking.
const LOOKING: Bytes = Bytes::from_static(b"looking");

/// Somebody has looked at all of them.
const DONE: Bytes = Bytes::from_static(b"done");

/// How long somebody who looks and is not heard of any more keeps the others from it.
const CLAIM: Duration = Duration::from_secs(60);

/// How long whoever ends sessions waits for it at most. What is done by then is done.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sessions looked at in one go.
const ROUND: usize = 500;

/// Until somebody looks again, while the start of a replica is recent.
const SOON: Duration = Duration::from_secs(3600);

/// How long it is.
const RECENT: Duration = Duration::from_secs(2 * 3600);

/// Until somebody looks again otherwise.
const LATER: Duration = Duration::from_secs(24 * 3600);

impl RedisStore {
    /// Enters a session into the indexes that it should stand in. Whether it could be read: one
    /// that cannot be stays where it stands.
    pub(super) async fn index_anew(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let record = match self.look(key, Timestamp(i64::MIN)).await? {
            Ok(Some(record)) => record,
            Ok(None) => return Ok(true),
            Err(_) => return Ok(false),
        };
        let indexes = Indexes::of(&record.about);
        self.enter(key, &record, &indexes).await?;
        let name = self.names.session(key);
        let (generation, written) = (record.generation.to_string(), indexes.write());
        let arguments = [generation.as_bytes(), written.as_bytes()];
        let answer = self.servers.run(&self.scripts.reindex, &name, &arguments).await?;
        match reply::number(answer)? {
            // Ended meanwhile, by somebody who did not know of these entries.
            0 => self.leave(key, &indexes).await,
            // 2: there is a newer version, and whoever wrote it has entered that.
            1 | 2 => {}
            _ => return Err(odd_answer()),
        }
        Ok(true)
    }

    /// Looks for sessions that an older outpost wrote, if it is time to.
    pub(super) async fn index_older(&self, now: Timestamp) -> Result<(), StoreError> {
        // A short claim: if this fails, or dies, somebody begins anew when it has run out.
        if self.swap(LOOKED, None, Some(LOOKING), Some(CLAIM), now).await? {
            self.index_all_older(now).await?;
        }
        Ok(())
    }

    /// Looks for them now if nobody has, where it matters to whoever asks for these.
    pub(super) async fn complete_indexes(&self, selection: &Selection) -> Result<(), StoreError> {
        if !matches!(selection, Selection::User(_) | Selection::Address(_)) {
            return Ok(());
        }
        let now = Timestamp(0); // Of what is over, nothing is found.
        let complete = async {
            let _alone = self.indexing.lock().await;
            let looked = self.read(LOOKED, now).await?;
            if looked == Some(DONE) { Ok(()) } else { self.index_all_older(now).await }
        };
        timeout(PATIENCE, complete).await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable(
                "sessions that an older outpost wrote are still being looked through, and some \
                 may not be found by user name and address yet; try again in a moment"
                    .to_owned(),
            ))
        })
    }

    /// Enters them all, and notes that it is done.
    async fn index_all_older(&self, now: Timestamp) -> Result<(), StoreError> {
        let (found, unreadable) = self.look_for_older(now).await?;
        let pause = if self.begun.elapsed() < RECENT { SOON } else { LATER };
        self.write(LOOKED, Some(DONE), Some(pause), now).await?;
        if found > 0 {
            tracing::info!(
                sessions = found,
                "sessions of an older outpost are found by user name and address from now on"
            );
        }
        if unreadable > 0 {
            tracing::warn!(
                sessions = unreadable,
                "sessions of an older outpost cannot be read, and are not found by user name and \
                 address"
            );
        }
        Ok(())
    }

    /// Enters them all; gives how many there were, and how many that cannot be read.
    async fn look_for_older(&self, now: Timestamp) -> Result<(usize, usize), StoreError> {
        let (mut cursor, mut found, mut unreadable) = (None, 0, 0);
        loop {
            // As long as this goes on, nobody else need begin.
            self.swap(LOOKED, Some(&LOOKING), Some(LOOKING), Some(CLAIM), now).await?;
            let (keys, next) = self.all(cursor, ROUND, now).await?;
            let older = try_join_all(keys.iter().map(|key| self.is_older(key))).await?;
            let older =
                keys.iter().zip(older).filter_map(|(key, is_older)| is_older.then_some(key));
            for read in try_join_all(older.map(|key| self.index_anew(key))).await? {
                *(if read { &mut found } else { &mut unreadable }) += 1;
            }
            cursor = next;
            if cursor.is_none() {
                return Ok((found, unreadable));
            }
        }
    }

    async fn is_older(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let name = self.names.session(key);
        let mut command = ::redis::cmd("HGET");
        command.arg(&name).arg("indexes");
        let written = reply::bytes_if_any(self.servers.ask(&name, &command).await?)?;
        Ok(written.is_some_and(|written| Indexes::are_older(&written)))
    }
}
