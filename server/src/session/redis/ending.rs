//! Ending sessions, so that a process that dies at any point leaves nothing that the same call
//! again does not end, nor anything that was ended and not told.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::RedisStore;
use super::names::Indexes;
use super::reply;
use crate::session::id::SessionKey;
use crate::session::store::{EndedSession, Selection, StoreError};

/// Sessions ended in one go.
const CHUNK: usize = 256;

/// Milliseconds that a tombstone stands: far longer than an insertion may be under way.
const TOMBSTONE: &[u8] = b"900000";

/// The provider told for a session of which nothing is left but its key.
const NO_PROVIDER: i64 = 0;

/// What became of one key.
struct Revoked {
    key: SessionKey,
    was_there: bool,
    indexes: Option<Indexes>,
}

impl RedisStore {
    pub(super) async fn end_selected(
        &self,
        selection: &Selection,
    ) -> Result<Vec<EndedSession>, StoreError> {
        // What is found by now ends, even if there may be more that is not.
        let complete = self.complete_indexes(selection).await;
        let mut ended = Vec::new();
        match selection {
            Selection::Key(key) => {
                self.end_chunk(std::slice::from_ref(key), None, &mut ended).await?;
            }
            Selection::Keys(keys) => {
                for chunk in keys.chunks(CHUNK) {
                    self.end_chunk(chunk, None, &mut ended).await?;
                }
            }
            Selection::Subject(_)
            | Selection::CoreSession(_)
            | Selection::Provider(_)
            | Selection::User(_)
            | Selection::Address(_) => {
                let Some(index) = self.names.index(selection) else { return Ok(ended) };
                loop {
                    let keys = self.first(&index).await?;
                    if keys.is_empty() {
                        break;
                    }
                    self.end_chunk(&keys, Some(&index), &mut ended).await?;
                }
            }
        }
        complete.map(|()| ended)
    }

    /// The keys that an index begins with. What is no key does not belong there and is removed.
    async fn first(&self, index: &str) -> Result<Vec<SessionKey>, StoreError> {
        loop {
            let mut command = ::redis::cmd("ZRANGE");
            command.arg(index).arg(0).arg(CHUNK - 1);
            let members = reply::list(self.servers.ask(index, &command).await?)?;
            let mut keys = Vec::with_capacity(members.len());
            let mut strange = ::redis::cmd("ZREM");
            strange.arg(index);
            let mut strangers = 0;
            for member in members {
                let member = reply::bytes(member)?;
                match <[u8; 32]>::try_from(member.as_slice()) {
                    Ok(key) => keys.push(SessionKey(key)),
                    Err(_) => {
                        strange.arg(member);
                        strangers += 1;
                    }
                }
            }
            if strangers > 0 {
                self.servers.ask(index, &strange).await?;
            }
            if !keys.is_empty() || strangers == 0 {
                return Ok(keys);
            }
        }
    }

    /// Ends these: deletes them, tells of them, and only then forgets where they were.
    async fn end_chunk(
        &self,
        keys: &[SessionKey],
        index: Option<&str>,
        ended: &mut Vec<EndedSession>,
    ) -> Result<(), StoreError> {
        let revoked = try_join_all(keys.iter().map(|key| self.revoke(*key))).await?;
        let provider = |revoked: &Revoked| {
            revoked.indexes.as_ref().map_or(NO_PROVIDER, |indexes| indexes.provider)
        };
        let told: Vec<_> = revoked
            .iter()
            .map(|revoked| EndedSession { key: revoked.key, provider: provider(revoked) })
            .collect();
        // Those that were gone are told, too: perhaps somebody deleted them and died then.
        self.announce(&told).await?;
        ended.extend(
            revoked.iter().zip(&told).filter(|(revoked, _)| revoked.was_there).map(|(_, it)| *it),
        );
        let mut entries: BTreeMap<String, Vec<SessionKey>> = BTreeMap::new();
        for revoked in &revoked {
            for index in revoked.indexes.iter().flat_map(|indexes| self.names.indexes(indexes)) {
                entries.entry(index).or_default().push(revoked.key);
            }
        }
        if let Some(index) = index {
            entries.remove(index);
        }
        try_join_all(entries.iter().map(|(index, keys)| self.remove(index, keys))).await?;
        // The index that led here goes last: until then, the same call finds the way again.
        match index {
            Some(index) => self.remove(index, keys).await,
            None => Ok(()),
        }
    }

    async fn revoke(&self, key: SessionKey) -> Result<Revoked, StoreError> {
        let name = self.names.session(&key);
        let answer = self.servers.run(&self.scripts.revoke, &name, &[TOMBSTONE]).await?;
        let [was_there, indexes] = reply::exactly(answer)?;
        Ok(Revoked {
            key,
            was_there: reply::number(was_there)? == 1,
            indexes: Indexes::read(&reply::bytes(indexes)?),
        })
    }
}
