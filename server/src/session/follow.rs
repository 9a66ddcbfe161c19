//! Following what other replicas end.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::store::{EndedSession, LogPosition, Selection, StoreError};
use super::{SessionKey, Sessions};
use crate::clock;

/// How long a look at the log waits for something to come. Short enough that a replica stays
/// current ([`super::currency::TRUST`]) while nothing happens.
const WAIT: Duration = Duration::from_millis(500);

/// Sessions asked for at the same time when everything is looked at anew.
const AT_ONCE: usize = 256;

/// A reader of the revocation log, one in each replica.
#[derive(Debug)]
pub struct Follower {
    sessions: Sessions,
    /// Where it is; `None` before the beginning, and after the log had a gap.
    position: Option<LogPosition>,
    /// The store did not answer last time: it may have lost its last writes since.
    was_away: bool,
}

impl Follower {
    /// A follower that knows nothing yet. `None` when the store is this process's own: nobody
    /// else ends anything.
    #[must_use]
    pub fn new(sessions: &Sessions) -> Option<Self> {
        sessions.inner.store.shared()?;
        Some(Self { sessions: sessions.clone(), position: None, was_away: false })
    }

    /// One look at the log: waits for something to come, for half a second at most, and makes it
    /// true here. Returns what was ended.
    ///
    /// # Errors
    /// When the store cannot tell. Nothing is lost: the next look begins where this one did.
    pub async fn step(&mut self) -> Result<Vec<EndedSession>, StoreError> {
        let stepped = match self.position.clone() {
            Some(position) => self.read_on(&position).await,
            None => self.begin().await,
        };
        self.was_away |= stepped.is_err();
        stepped
    }

    async fn read_on(&mut self, position: &LogPosition) -> Result<Vec<EndedSession>, StoreError> {
        let inner = &self.sessions.inner;
        let Some(log) = inner.store.shared() else { return Ok(Vec::new()) };
        let asked = Instant::now();
        let read = log.read_log(position, WAIT).await;
        let entries = self.sessions.inner.watch.told("log", asked, read)?;
        self.sessions.ended(&entries.ended);
        if !entries.continuous {
            tracing::warn!(
                "the session store's log of revocations has a gap; every session is asked for anew"
            );
            self.position = None;
            inner.currency.doubt(Instant::now());
            inner.cache.doubt();
            return Ok(entries.ended);
        }
        if self.was_away {
            self.tell_again().await?;
            self.was_away = false;
        }
        self.position = Some(entries.next);
        inner.currency.confirm(asked);
        Ok(entries.ended)
    }

    /// Begins at the end of the log, knowing nothing of what stands before it.
    async fn begin(&mut self) -> Result<Vec<EndedSession>, StoreError> {
        let inner = &self.sessions.inner;
        let Some(log) = inner.store.shared() else { return Ok(Vec::new()) };
        let asked = Instant::now();
        let end = self.sessions.inner.watch.told("log", asked, log.end_of_log().await)?;
        inner.cache.doubt();
        self.tell_again().await?;
        self.look_after_open_connections().await?;
        self.position = Some(end);
        self.was_away = false;
        inner.currency.confirm(asked);
        Ok(Vec::new())
    }

    /// Ends once more what is known here to have ended and stands in the store all the same: a
    /// fail-over or a restart may have lost the store's last writes.
    async fn tell_again(&self) -> Result<(), StoreError> {
        let risen = self.standing(self.sessions.inner.cache.ended().all(), true).await?;
        if risen.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            sessions = risen.len(),
            "the session store has lost revocations; they are carried out once more"
        );
        for keys in risen.chunks(AT_ONCE) {
            self.sessions.end(&Selection::Keys(keys.to_vec())).await?;
        }
        Ok(())
    }

    /// Closes what hangs open on sessions that ended while nobody told.
    async fn look_after_open_connections(&self) -> Result<(), StoreError> {
        let open = self.sessions.inner.live.keys();
        for key in self.standing(open, false).await? {
            self.sessions.inner.live.close(&key);
        }
        Ok(())
    }

    /// Those of `keys` under which the store has a session, or has none.
    async fn standing(
        &self,
        keys: Vec<SessionKey>,
        wanted: bool,
    ) -> Result<Vec<SessionKey>, StoreError> {
        let (store, now) = (&self.sessions.inner.store, clock::now());
        let mut found = Vec::new();
        for keys in keys.chunks(AT_ONCE) {
            let asked = Instant::now();
            let answers = join_all(keys.iter().map(|key| store.get(key, now))).await;
            for (key, answer) in keys.iter().zip(answers) {
                if self.sessions.inner.watch.told("get", asked, answer)?.is_some() == wanted {
                    found.push(*key);
                }
            }
        }
        Ok(found)
    }
}
