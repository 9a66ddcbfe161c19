//! Sessions are renewed with their refresh token before they end, where core gave one.
//!
//! Requests only notice that it is time, and go on with the session as it is: the renewal runs
//! as a task of its own, on a thread of its own, and neither a client that leaves nor core being
//! slow matters to anybody. Who comes after the session's end finds none and signs in again; so a
//! session is renewed while it is in use, and one that nobody used before its end is not.

mod renewer;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use outpost_decision::lifetime;
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

pub use self::renewer::{Outcome, Renewer};
use super::credentials::LiveSession;
use crate::session::{Session, SessionId, SessionKey};
use crate::trace::Scope;

/// Renewals that wait to begin; what is more is asked for again by the next request.
const QUEUE: usize = 1024;

/// Seconds for which nobody asks again for a renewal that was asked for. It is over long before,
/// and then says itself when to look again.
const CLAIM: i64 = 60;

/// Where requests say that a session is to be renewed. Cheap to clone; every clone is the same.
#[derive(Clone, Debug)]
pub struct Renewals {
    /// Seconds before its end; `None`: sessions are not renewed.
    before: Option<i64>,
    wanted: mpsc::Sender<Wanted>,
    pauses: Pauses,
    under_way: TaskTracker,
}

/// A session that is to be renewed.
#[derive(Debug)]
struct Wanted {
    id: SessionId,
    provider: Arc<Provider>,
    /// The request that asked, for traces.
    scope: Scope,
}

impl Renewals {
    /// Renewals `before` the end of a session (`None`: never), and what [`Renewer::new`] needs to
    /// carry them out.
    #[must_use]
    pub fn new(before: Option<Duration>) -> (Self, WantedRenewals) {
        let (wanted, queue) = mpsc::channel(QUEUE);
        let before = before.map(|before| i64::try_from(before.as_secs()).unwrap_or(i64::MAX));
        let renewals =
            Self { before, wanted, pauses: Pauses::default(), under_way: TaskTracker::new() };
        let queue = WantedRenewals {
            queue,
            before: before.unwrap_or(0),
            pauses: renewals.pauses.clone(),
            under_way: renewals.under_way.clone(),
        };
        (renewals, queue)
    }

    /// Whether sessions are renewed at all.
    #[must_use]
    pub const fn are_on(&self) -> bool {
        self.before.is_some()
    }

    /// Asks for a renewal where it is time for one. Never waits.
    pub fn consider(
        &self,
        provider: &Arc<Provider>,
        live: &LiveSession,
        now: Timestamp,
        scope: &Scope,
    ) {
        let Some(before) = self.before else { return };
        if !is_due(&live.session, provider, before, now) {
            return;
        }
        let key = live.id.key();
        if !self.pauses.claim(key, now) {
            return;
        }
        let provider = Arc::clone(provider);
        let wanted = Wanted { id: live.id.clone(), provider, scope: scope.clone() };
        if self.wanted.try_send(wanted).is_err() {
            self.pauses.set(key, now.plus(1));
        }
    }

    /// Waits until no renewal is under way, at most for `limit`: a refresh token that core has
    /// taken and whose successor is not kept is lost.
    pub async fn finish(&self, limit: Duration) {
        self.under_way.close();
        if tokio::time::timeout(limit, self.under_way.wait()).await.is_err() {
            tracing::warn!(renewals = self.under_way.len(), "ending while sessions are renewed");
        }
    }
}

/// The renewals that requests have asked for, for the one who carries them out.
#[derive(Debug)]
pub struct WantedRenewals {
    queue: mpsc::Receiver<Wanted>,
    before: i64,
    pauses: Pauses,
    under_way: TaskTracker,
}

/// Whether it is time to renew a session, and possible.
fn is_due(session: &Session, provider: &Provider, before: i64, now: Timestamp) -> bool {
    let about = &session.about;
    // Tokens do not say how long they were made for in all; core says it of all of a provider's.
    let lifetime = provider.access_token_validity.max(about.verified.seconds_until(about.expires));
    session.refresh_token.is_some()
        && lifetime::is_renewal_due(now, about.expires, about.ends_by, lifetime, before)
}

/// Which sessions not to ask for, and until when.
#[derive(Clone, Debug, Default)]
struct Pauses(Arc<DashMap<SessionKey, Timestamp>>);

impl Pauses {
    /// Takes the right to ask for a session's renewal, unless somebody has it or it pauses.
    fn claim(&self, key: SessionKey, now: Timestamp) -> bool {
        match self.0.entry(key) {
            Entry::Occupied(entry) if *entry.get() > now => false,
            Entry::Occupied(mut entry) => {
                entry.insert(now.plus(CLAIM));
                true
            }
            Entry::Vacant(entry) => {
                entry.insert(now.plus(CLAIM));
                true
            }
        }
    }

    /// Nobody asks again until `until`.
    fn set(&self, key: SessionKey, until: Timestamp) {
        self.0.insert(key, until);
    }

    /// Drops what is over.
    fn sweep(&self, now: Timestamp) {
        self.0.retain(|_, until| *until > now);
    }
}
