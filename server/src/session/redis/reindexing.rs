//! Sessions that an older outpost wrote: it knew less indexes, and did not enter them in all of
//! those that there are now.
//!
//! Such a session is entered when it is next used or renewed. All others are looked for from time
//! to time, by one replica at a time, in the index of their provider: soon after a start, since
//! that may be an upgrade during which older replicas go on for a while, and else once a day.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use outpost_decision::time::Timestamp;

use super::RedisStore;
use super::failure::odd_answer;
use super::names::Indexes;
use super::reply;
use crate::session::id::SessionKey;
use crate::session::store::{SharedValues, StoreError};

/// The shared value that says that somebody has looked.
const LOOKED: &str = "indexed";

/// Sessions looked at in one go.
const ROUND: usize = 500;

/// Until somebody looks again, while the start of a replica is recent.
const SOON: Duration = Duration::from_secs(3600);

/// How long it is.
const RECENT: Duration = Duration::from_secs(2 * 3600);

/// Until somebody looks again otherwise.
const LATER: Duration = Duration::from_secs(24 * 3600);

impl RedisStore {
    /// Enters a session into the indexes that it should stand in.
    pub(super) async fn index_anew(&self, key: &SessionKey) -> Result<(), StoreError> {
        let Some(record) = self.read_record(key, Timestamp(i64::MIN)).await? else {
            return Ok(());
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
        Ok(())
    }

    /// Looks for sessions that an older outpost wrote, if it is time to.
    pub(super) async fn index_older(&self, now: Timestamp) -> Result<(), StoreError> {
        let pause = if self.begun.elapsed() < RECENT { SOON } else { LATER };
        let looked = Some(Bytes::from_static(b"1"));
        if !self.swap(LOOKED, None, looked, Some(pause), now).await? {
            return Ok(());
        }
        let found = self.look_for_older(now).await;
        if found.is_err() {
            // The next one who sweeps begins anew.
            self.write(LOOKED, None, None, now).await?;
        }
        let found = found?;
        if found > 0 {
            tracing::info!(
                sessions = found,
                "sessions of an older outpost are found by user name and address from now on"
            );
        }
        Ok(())
    }

    /// Enters them all; gives how many there were.
    async fn look_for_older(&self, now: Timestamp) -> Result<usize, StoreError> {
        let (mut cursor, mut found) = (None, 0);
        loop {
            let (keys, next) = self.all(cursor, ROUND, now).await?;
            let older = try_join_all(keys.iter().map(|key| self.is_older(key))).await?;
            let older =
                keys.iter().zip(older).filter_map(|(key, is_older)| is_older.then_some(key));
            found += try_join_all(older.map(|key| self.index_anew(key))).await?.len();
            cursor = next;
            if cursor.is_none() {
                return Ok(found);
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
