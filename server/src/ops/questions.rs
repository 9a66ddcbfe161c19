//! Questions to the other replicas: an id on an error page may be of a decision that another one
//! made, and only its journal has it.
//!
//! A replica that is asked for an id it does not know writes the id among the open questions, in
//! the store that all share. The others look there now and then, every second while somebody asks,
//! and whoever has the decision writes the answer. Nobody waits for anybody: the page says that
//! the others are being asked, and the next look finds the answer.
//!
//! Answers name people and paths, and are therefore sealed (AES-256-GCM) under a key derived from
//! `AUTHENTIK_TOKEN`. All of it runs out by the store's own clock.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use outpost_dashboard::model::DecisionPage;
use outpost_decision::crypto::{derive, sha256};
use outpost_decision::request_id;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::publish::Published;
use crate::session::{Sessions, StoreError, record};
use crate::snapshot::Snapshot;

/// Version of the list that is written. Replicas of another one do not hear each other's questions.
const VERSION: u8 = 1;

/// Open questions at most; the oldest gives way.
const MOST: usize = 16;

/// How long questions stay open after the last one.
const OPEN: Duration = Duration::from_secs(30);

/// How long an answer stands.
const ANSWERED: Duration = Duration::from_secs(60);

/// Without an answer by then, nobody has it: two beats of everybody.
const PATIENCE: Duration = Duration::from_secs(12);

/// After that, how long it is not asked again.
const SETTLED: Duration = Duration::from_secs(60);

/// Ids remembered at most.
const REMEMBERED: usize = 256;

/// How often one question is looked up here: a second time, for a decision that is written down a
/// moment after its page was sent.
const LOOKS: u8 = 2;

/// Bytes of a value that are read at most.
const LONGEST: usize = 256 << 10;

/// How often a write is tried anew when another replica was quicker.
const TRIES: usize = 5;

/// What the others say of a decision.
#[derive(Clone, Debug, PartialEq)]
pub enum FleetDecision {
    /// One of them has it.
    Found(Box<DecisionPage>),
    /// They are being asked; look again in a moment.
    Asking,
    /// None has it, or there are no others.
    Nobody,
    /// The store that they are asked through is away; says why.
    Away(String),
}

/// What is asked and answered, through the store of `sessions`.
pub struct Questions {
    sessions: Sessions,
    snapshot: Published<Snapshot>,
    key: [u8; 32],
    /// When an id was first asked for here.
    asked: Mutex<HashMap<String, Instant>>,
    /// When an id was answered from here.
    answered: Mutex<HashMap<String, Instant>>,
    /// How often each open question was looked up here in vain.
    missed: Mutex<HashMap<String, u8>>,
}

#[derive(Default, Serialize, Deserialize)]
struct Open {
    v: u8,
    ids: Vec<String>,
}

impl Questions {
    /// Questions among the replicas that hold `token`.
    #[must_use]
    pub fn new(sessions: Sessions, snapshot: Published<Snapshot>, token: &SecretString) -> Self {
        Self {
            sessions,
            snapshot,
            key: derive(token.expose_secret().as_bytes(), "outpost fleet answers: key"),
            asked: Mutex::default(),
            answered: Mutex::default(),
            missed: Mutex::default(),
        }
    }

    /// Asks the others for the decision with this id, or looks whether one of them has answered.
    pub async fn ask(&self, id: &str) -> FleetDecision {
        let Some(area) = self.area().filter(|_| is_id(id)) else { return FleetDecision::Nobody };
        match self.answer(&area, id).await {
            Ok(Some(page)) => return FleetDecision::Found(Box::new(page)),
            Ok(None) => {}
            Err(error) => return FleetDecision::Away(error.to_string()),
        }
        let since = first(&self.asked, id, SETTLED);
        if since.elapsed() >= PATIENCE {
            return FleetDecision::Nobody;
        }
        match self.open(&area, id).await {
            Ok(()) => FleetDecision::Asking,
            Err(error) => {
                lock(&self.asked).remove(id);
                FleetDecision::Away(error.to_string())
            }
        }
    }

    /// Answers what others ask, from what `find` knows: it is given all ids that are to be looked
    /// up and gives each one's decision in its place. What is not known here is not looked up again
    /// while the question stands. Whether there are open questions.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn answer_others(
        &self,
        find: impl Fn(&[&str]) -> Vec<Option<DecisionPage>>,
    ) -> Result<bool, StoreError> {
        let Some(area) = self.area() else { return Ok(false) };
        let values = self.sessions.values();
        let Some(written) = values.read(&list(&area), clock::now()).await? else {
            lock(&self.missed).clear();
            return Ok(false);
        };
        let open = read(&written);
        let ids = self.to_look_up(&open);
        let found = if ids.is_empty() { Vec::new() } else { find(&ids) };
        for (id, page) in ids.into_iter().zip(found) {
            let Some(page) = page else {
                *lock(&self.missed).entry(id.to_owned()).or_default() += 1;
                continue;
            };
            let name = answer_name(&area, id);
            // What cannot be written or sealed is not answered: whoever asks learns of nobody.
            let Ok(page) = serde_json::to_vec(&page) else { continue };
            let Ok(sealed) = record::seal(&self.key, name.as_bytes(), page) else { continue };
            values.write(&name, Some(sealed.into()), Some(ANSWERED), clock::now()).await?;
            first(&self.answered, id, OPEN);
        }
        Ok(!open.ids.is_empty())
    }

    /// The open questions that are neither answered from here nor known to be none of ours.
    fn to_look_up<'o>(&self, open: &'o Open) -> Vec<&'o str> {
        let (answered, mut missed) = (lock(&self.answered), lock(&self.missed));
        missed.retain(|id, _| open.ids.contains(id));
        let is_answered = |id: &str| answered.get(id).is_some_and(|at| at.elapsed() < OPEN);
        let is_missed = |id: &str| missed.get(id).is_some_and(|looks| *looks >= LOOKS);
        let ids = open.ids.iter().map(String::as_str);
        ids.filter(|id| !is_answered(id) && !is_missed(id)).collect()
    }

    /// Where the replicas of this outpost meet, if there can be others.
    fn area(&self) -> Option<String> {
        let uuid = self.snapshot.load().outpost.uuid.clone();
        (self.sessions.is_shared() && !uuid.is_empty()).then(|| format!("fleet/{uuid}"))
    }

    async fn answer(&self, area: &str, id: &str) -> Result<Option<DecisionPage>, StoreError> {
        let name = answer_name(area, id);
        let sealed = self.sessions.values().read(&name, clock::now()).await?;
        Ok(sealed.filter(|sealed| sealed.len() <= LONGEST).and_then(|sealed| {
            // One that does not open is of somebody with another token, or for another id.
            let page = record::open(&self.key, name.as_bytes(), &sealed).ok()?;
            serde_json::from_slice(&page).ok()
        }))
    }

    /// Puts an id among the open questions.
    async fn open(&self, area: &str, id: &str) -> Result<(), StoreError> {
        let (values, name) = (self.sessions.values(), list(area));
        for _ in 0..TRIES {
            let now = clock::now();
            let written = values.read(&name, now).await?;
            let mut open = written.as_deref().map(read).unwrap_or_default();
            if open.ids.iter().any(|other| other == id) {
                return Ok(());
            }
            open.ids.push(id.to_owned());
            open.ids.drain(..open.ids.len().saturating_sub(MOST));
            open.v = VERSION;
            let next = serde_json::to_vec(&open).unwrap_or_default();
            let next = Some(Bytes::from(next));
            if values.swap(&name, written.as_deref(), next, Some(OPEN), now).await? {
                return Ok(());
            }
        }
        // Others were quicker every time; the next look asks again.
        Ok(())
    }
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions").finish_non_exhaustive()
    }
}

fn list(area: &str) -> String {
    format!("{area}/asked")
}

fn answer_name(area: &str, id: &str) -> String {
    format!("{area}/answer/{}", hex::encode(&sha256(id.as_bytes())[..16]))
}

/// The ids in a list; none where it is not ours. Whoever can write to the store can write
/// anything.
fn read(written: &[u8]) -> Open {
    let mut open: Open = Some(written)
        .filter(|written| written.len() <= LONGEST)
        .and_then(|written| serde_json::from_slice(written).ok())
        .filter(|open: &Open| open.v == VERSION)
        .unwrap_or_default();
    open.ids.retain(|id| is_id(id));
    open.ids.truncate(MOST);
    open
}

fn is_id(id: &str) -> bool {
    request_id::accept(std::iter::once(id.as_bytes())).is_some()
}

/// When `id` was first met here, not longer than `memory` ago.
fn first(met: &Mutex<HashMap<String, Instant>>, id: &str, memory: Duration) -> Instant {
    let mut met = lock(met);
    met.retain(|_, at| at.elapsed() < memory);
    if met.len() >= REMEMBERED && !met.contains_key(id) {
        met.clear();
    }
    *met.entry(id.to_owned()).or_insert_with(Instant::now)
}

fn lock<T>(met: &Mutex<HashMap<String, T>>) -> MutexGuard<'_, HashMap<String, T>> {
    met.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
