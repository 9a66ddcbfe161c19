//! One session: read, begun, changed.

use ::redis::Value;
use futures_util::future::{join_all, try_join_all};
use outpost_decision::time::Timestamp;

use super::RedisStore;
use super::failure::odd_answer;
use super::names::Indexes;
use super::reply;
use crate::session::id::SessionKey;
use crate::session::record::{Record, RecordError};
use crate::session::store::{Inserted, Replaced, StoreError};

/// The last second of the year 9999: no end is later, for the server counts in milliseconds.
const LAST_SECOND: i64 = 253_402_300_799;

/// The fields of a record, as scripts take them.
struct Fields {
    generation: String,
    seen: String,
    ends: String,
    idle: String,
    indexes: String,
}

impl Fields {
    fn of(record: &Record, indexes: &Indexes) -> Self {
        let about = &record.about;
        Self {
            generation: record.generation.to_string(),
            seen: record.seen.0.to_string(),
            ends: ends(record).to_string(),
            idle: about.idle_seconds.map(|seconds| seconds.to_string()).unwrap_or_default(),
            indexes: indexes.write(),
        }
    }

    fn arguments<'a>(&'a self, record: &'a Record) -> [&'a [u8]; 7] {
        [
            &record.clear,
            &record.sealed,
            self.generation.as_bytes(),
            self.seen.as_bytes(),
            self.ends.as_bytes(),
            self.idle.as_bytes(),
            self.indexes.as_bytes(),
        ]
    }
}

/// When the token ends.
fn ends(record: &Record) -> i64 {
    record.about.expires.0.clamp(0, LAST_SECOND)
}

impl RedisStore {
    pub(super) async fn read_record(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<Record>, StoreError> {
        let found = self.look(key, now).await?;
        found.map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    /// The same, with what cannot be read told apart from a server that does not answer.
    pub(super) async fn look(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Result<Option<Record>, RecordError>, StoreError> {
        let fields = ["clear", "sealed", "generation", "seen"];
        let [clear, sealed, generation, seen] =
            self.servers.read(&self.names.session(key), &fields).await?;
        let Some(clear) = clear else { return Ok(Ok(None)) };
        let rest = || {
            let (generation, seen) = (reply::parsed(&generation?)?, reply::parsed(&seen?)?);
            Some((sealed?, generation, Timestamp(seen)))
        };
        let Some((sealed, generation, seen)) = rest() else { return Ok(Err(RecordError::Clear)) };
        let record = Record::read(clear, sealed, generation, seen);
        Ok(record.map(|record| Some(record).filter(|record| !record.is_over(now))))
    }

    pub(super) async fn begin(
        &self,
        key: &SessionKey,
        record: &Record,
    ) -> Result<Inserted, StoreError> {
        let indexes = Indexes::of(&record.about);
        // Indexes first: whoever ends sessions meanwhile finds this one there, and leaves a
        // tombstone where it is about to be.
        self.enter(key, record, &indexes).await?;
        let name = self.names.session(key);
        let fields = Fields::of(record, &indexes);
        let arguments = fields.arguments(record);
        let answer = self.servers.run(&self.scripts.insert, &name, &arguments).await?;
        match reply::number(answer)? {
            1 => Ok(Inserted::Kept),
            0 => {
                self.leave(key, &indexes).await;
                Ok(Inserted::Revoked)
            }
            _ => Err(odd_answer()),
        }
    }

    pub(super) async fn change(
        &self,
        key: &SessionKey,
        record: &Record,
    ) -> Result<Replaced, StoreError> {
        let indexes = Indexes::of(&record.about);
        // Indexes first: an entry must last at least as long as its session.
        self.enter(key, record, &indexes).await?;
        let before = record.generation.checked_sub(1).map(|before| before.to_string());
        let fields = Fields::of(record, &indexes);
        let before = before.unwrap_or_default();
        let mut arguments = vec![before.as_bytes()];
        arguments.extend(fields.arguments(record));
        let name = self.names.session(key);
        let answer = self.servers.run(&self.scripts.replace, &name, &arguments).await?;
        let [replaced, before] = reply::exactly(answer)?;
        match reply::number(replaced)? {
            1 => {
                self.leave_former(key, &reply::bytes(before)?, &indexes).await;
                Ok(Replaced::Kept)
            }
            2 => Ok(Replaced::Outdated),
            0 => {
                self.leave(key, &indexes).await;
                Ok(Replaced::Gone)
            }
            _ => Err(odd_answer()),
        }
    }

    pub(super) async fn note_use(
        &self,
        key: &SessionKey,
        seen: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let name = self.names.session(key);
        let seen = seen.0.to_string();
        let answer = self.servers.run(&self.scripts.touch, &name, &[seen.as_bytes()]).await?;
        if answer == Value::Nil {
            return Ok(None);
        }
        let [generation, is_older] = reply::exactly(answer)?;
        let generation = reply::digits(generation)?;
        // A request waits for this, once in a session's life at most.
        if reply::number(is_older)? == 1
            && let Err(error) = self.index_anew(key).await
        {
            tracing::debug!(%error, "a session of an older outpost is not found by its user yet");
        }
        Ok(Some(generation))
    }

    pub(super) async fn enter(
        &self,
        key: &SessionKey,
        record: &Record,
        indexes: &Indexes,
    ) -> Result<(), StoreError> {
        let score = ends(record).to_string();
        let provider = indexes.provider.to_string();
        let mut entries: Vec<(String, &[u8])> =
            self.names.indexes(indexes).into_iter().map(|index| (index, &key.0[..])).collect();
        entries.push((self.names.providers(), provider.as_bytes()));
        try_join_all(entries.iter().map(|(index, member)| async {
            let arguments = [*member, score.as_bytes()];
            self.servers.run(&self.scripts.enter, index, &arguments).await
        }))
        .await?;
        Ok(())
    }

    /// Takes a session that is not there out of its indexes. What fails here is trimmed later.
    pub(super) async fn leave(&self, key: &SessionKey, indexes: &Indexes) {
        let indexes = self.names.indexes(indexes);
        join_all(indexes.iter().map(|index| self.remove(index, std::slice::from_ref(key)))).await;
    }

    /// Takes a session out of the indexes that it stood in before and does not any more: its user
    /// has another name now. What fails here is trimmed later; until then, whoever ends sessions
    /// by the former name ends this one, too.
    async fn leave_former(&self, key: &SessionKey, before: &[u8], now: &Indexes) {
        let Some(before) = Indexes::read(before) else { return };
        let now = self.names.indexes(now);
        let former = self.names.indexes(&before).into_iter().filter(|index| !now.contains(index));
        let former: Vec<_> = former.collect();
        join_all(former.iter().map(|index| self.remove(index, std::slice::from_ref(key)))).await;
    }

    /// Takes keys out of an index.
    pub(super) async fn remove(&self, index: &str, keys: &[SessionKey]) -> Result<(), StoreError> {
        let mut command = ::redis::cmd("ZREM");
        command.arg(index);
        for key in keys {
            command.arg(&key.0[..]);
        }
        reply::number(self.servers.ask(index, &command).await?)?;
        Ok(())
    }
}
