//! Sessions in doubt after a gap of the link to core: asked about before they are believed again.
//!
//! What is in doubt, and when its turn is, says [`outpost_decision::coverage`]. Core is asked once
//! per session, in this process by single flight and among replicas by a lease, at most so many
//! times a second and at the same time. A session whose turn has come waits a moment for the
//! answer and is then served as it is; one whose time is over is served with an answer only.
//! Requests whose session is not in doubt never come here further than a comparison.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outpost_decision::coverage::{Coverage, Due, Pace, due};
use outpost_decision::decision::Reason;
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::exchange::Exchange;
use super::{Gateway, credentials::LiveSession, tokens};
use crate::clock;
use crate::oidc::{OidcClient, OidcError};
use crate::ops::metrics::{Metrics, RecheckOutcome};
use crate::publish::Published;
use crate::session::flights::Flights;
use crate::session::lease::Lease;
use crate::session::{Replaced, Selection, Session, SessionId, SessionKey, Sessions, StoreError};

/// Questions to core under way at the same time.
const AT_ONCE: usize = 16;

/// Checks that wait or are under way; more are not begun.
const QUEUE: usize = 500;

/// How long a request whose session may go on unchecked waits for its check.
const SHORT_WAIT: Duration = Duration::from_secs(1);

/// How long a request whose session must be checked waits.
const LONG_WAIT: Duration = Duration::from_secs(5);

/// After core did not answer in time, requests that need not wait do not wait for this long.
const TROUBLE: Duration = Duration::from_secs(2);

/// Lifetime of the lease; extended while the check lasts.
const LEASE: Duration = Duration::from_secs(10);

/// How often to look whether another replica has finished, and how long in all.
const OTHER_REPLICA: (Duration, usize) = (Duration::from_millis(200), 25);

/// What all workers share of it.
#[derive(Debug)]
pub struct Rechecks {
    coverage: Published<Option<Coverage>>,
    pace: Pace,
    flights: Flights<SessionKey, Outcome>,
    at_once: Semaphore,
    next: Mutex<Instant>,
    trouble_until: Mutex<Instant>,
    metrics: Arc<Metrics>,
}

/// What became of a check.
#[derive(Debug)]
enum Outcome {
    /// Core vouches for it.
    Vouched(Arc<Session>),
    /// It is over.
    Ended,
    /// Nobody can tell.
    Unknown,
}

/// Why a session is not to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Core has ended it, and now we have.
    Ended,
    /// It cannot be told in time.
    Unavailable(Reason),
}

impl Rechecks {
    /// Checks as `coverage` says, at `pace`.
    #[must_use]
    pub fn new(coverage: Published<Option<Coverage>>, pace: Pace, metrics: Arc<Metrics>) -> Self {
        let now = Instant::now();
        Self {
            coverage,
            pace,
            flights: Flights::default(),
            at_once: Semaphore::new(AT_ONCE),
            next: Mutex::new(now),
            trouble_until: Mutex::new(now),
            metrics,
        }
    }

    /// Sessions that core vouched for before this moment are in doubt. Read it *before* core is
    /// asked for something that vouches for a session: nothing after that is lost.
    #[must_use]
    pub fn doubts_before(&self) -> Timestamp {
        self.coverage.load().as_ref().as_ref().map_or(Timestamp(0), |known| known.recheck_before)
    }

    /// What is known of core's news; right after the start, waits for the store to tell.
    async fn known(&self) -> Option<Arc<Option<Coverage>>> {
        let known = self.coverage.load_full();
        if known.is_some() {
            return Some(known);
        }
        let known = self.coverage.wait_for(Option::is_some);
        tokio::time::timeout(SHORT_WAIT, known).await.ok().flatten()
    }

    /// Waits for a turn to ask core: a place among those at it, and the time.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let place = self.at_once.acquire().await.ok()?;
        let rate = u32::try_from(self.pace.rate).unwrap_or(u32::MAX).max(1);
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = (*next).max(Instant::now());
            *next = at + Duration::from_secs(1) / rate;
            at
        };
        tokio::time::sleep_until(at).await;
        Some(place)
    }

    fn is_troubled(&self) -> bool {
        Instant::now() < *self.trouble_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) {
        let until = Instant::now() + TROUBLE;
        *self.trouble_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

/// A live session as it may be served: as it is, or checked with core first.
///
/// # Errors
/// See [`Doubt`].
pub async fn settle(
    exchange: &Exchange<'_>,
    provider: &Arc<Provider>,
    live: LiveSession,
) -> Result<LiveSession, Doubt> {
    let rechecks = &exchange.gateway().rechecks;
    // What nearly no request comes to is kept out of the way of all others: a future is as large as the
    // largest of what it may wait for.
    let mut known = rechecks.coverage.load_full();
    if known.is_none() {
        let store_away = Doubt::Unavailable(Reason::StoreUnavailable);
        known = Box::pin(rechecks.known()).await.ok_or(store_away)?;
    }
    match known.as_ref() {
        Some(coverage) if coverage.doubts(live.session.about.verified) => {
            Box::pin(check(exchange, provider, live, coverage)).await
        }
        _ => Ok(live),
    }
}

/// A session in doubt as it may be served.
async fn check(
    exchange: &Exchange<'_>,
    provider: &Arc<Provider>,
    live: LiveSession,
    coverage: &Coverage,
) -> Result<LiveSession, Doubt> {
    let rechecks = &exchange.gateway().rechecks;
    let key = live.id.key();
    let turn = due(&key.0, live.session.about.verified, coverage, exchange.now, rechecks.pace);
    let must = match turn {
        Due::Fine | Due::Later => return Ok(live),
        Due::Now => false,
        Due::Overdue => true,
    };
    if rechecks.flights.len() >= QUEUE {
        rechecks.metrics.rechecks().checked(RecheckOutcome::TurnedAway);
        return unchecked(live, must);
    }
    let check = Check {
        oidc: exchange.oidc(),
        gateway: Arc::clone(&exchange.worker.gateway),
        provider: Arc::clone(provider),
        id: live.id.clone(),
        doubts_before: coverage.recheck_before,
    };
    if !must && rechecks.is_troubled() {
        rechecks.flights.begin(key, move || check.run());
        return Ok(live);
    }
    let patience = if must { LONG_WAIT } else { SHORT_WAIT };
    let checked = rechecks.flights.join(key, move || check.run());
    match tokio::time::timeout(patience, checked).await.as_deref() {
        Ok(Outcome::Vouched(session)) => Ok(LiveSession { session: Arc::clone(session), ..live }),
        Ok(Outcome::Ended) => Err(Doubt::Ended),
        Ok(Outcome::Unknown) => unchecked(live, must),
        Err(_) => {
            rechecks.trouble();
            unchecked(live, must)
        }
    }
}

fn unchecked(live: LiveSession, must: bool) -> Result<LiveSession, Doubt> {
    if must { Err(Doubt::Unavailable(Reason::CoreUnavailable)) } else { Ok(live) }
}

/// Everything a check needs: it runs as a task of its own and outlives the request.
#[derive(Clone)]
struct Check {
    oidc: Rc<OidcClient>,
    gateway: Arc<Gateway>,
    provider: Arc<Provider>,
    id: SessionId,
    doubts_before: Timestamp,
}

/// What core says of a session.
enum Said {
    Active,
    Over(&'static str),
    Nothing(String),
}

impl Check {
    async fn run(self) -> Outcome {
        let rechecks = &self.gateway.rechecks;
        let _waiting = rechecks.metrics.rechecks().begun();
        let Some(place) = rechecks.turn().await else { return Outcome::Unknown };
        let lease = format!("recheck/{}", self.id.key());
        let held = Lease::while_held(self.sessions(), &lease, LEASE, |_| self.check()).await;
        drop(place);
        let outcome = match held {
            Ok(Some(held)) => held.output,
            Ok(None) => return self.by_another_replica().await,
            Err(error) => Err(error),
        };
        outcome.unwrap_or_else(|error| {
            rechecks.metrics.rechecks().checked(RecheckOutcome::StoreAway);
            tracing::debug!(%error, "a session could not be checked with core");
            Outcome::Unknown
        })
    }

    fn sessions(&self) -> &Sessions {
        &self.gateway.sessions
    }

    /// The session as it stands in the store, and whether it is still in doubt.
    async fn standing(&self) -> Result<Option<(Arc<Session>, bool)>, StoreError> {
        let session = self.sessions().reread(&self.id, clock::now()).await?;
        Ok(session.map(|session| {
            let doubted = session.about.verified < self.doubts_before;
            (session, doubted)
        }))
    }

    async fn check(&self) -> Result<Outcome, StoreError> {
        let metrics = self.gateway.rechecks.metrics.rechecks();
        let session = match self.standing().await? {
            None => return Ok(Outcome::Ended),
            Some((session, false)) => return Ok(Outcome::Vouched(session)),
            Some((session, true)) => session,
        };
        match self.ask_core(&session).await {
            Said::Active => {
                metrics.checked(RecheckOutcome::Active);
                self.vouch(session).await
            }
            Said::Over(why) => {
                metrics.checked(RecheckOutcome::Ended);
                tracing::info!(
                    provider = %self.provider.name,
                    why,
                    "a session was ended when it was checked with core"
                );
                self.sessions().end(&Selection::Key(self.id.key())).await?;
                Ok(Outcome::Ended)
            }
            Said::Nothing(error) => {
                metrics.checked(RecheckOutcome::CoreAway);
                tracing::warn!(
                    provider = %self.provider.name,
                    error,
                    "a session could not be checked with core; it is tried again when it is used"
                );
                self.gateway.rechecks.trouble();
                Ok(Outcome::Unknown)
            }
        }
    }

    async fn ask_core(&self, session: &Session) -> Said {
        match tokens::introspect(&self.oidc, &self.provider, &session.token).await {
            Ok(tokens::Said::Active(claims)) if claims.sub == session.about.sub => Said::Active,
            Ok(tokens::Said::Active(_)) => {
                Said::Nothing("core says the token is of another user".to_owned())
            }
            Ok(tokens::Said::Over(_)) => Said::Over("core says its token is not active"),
            Ok(tokens::Said::Odd(error)) => Said::Nothing(error.to_string()),
            // Nobody can vouch for it, ever.
            Err(OidcError::NoEndpoint(_)) => {
                Said::Over("the provider has no introspection endpoint")
            }
            Err(error) => Said::Nothing(error.to_string()),
        }
    }

    /// Notes that core has vouched for it just now.
    async fn vouch(&self, session: Arc<Session>) -> Result<Outcome, StoreError> {
        let now = clock::now();
        let verified = now.max(self.doubts_before);
        match self.sessions().replace(&self.id, vouched_for(&session, verified), now).await? {
            Replaced::Kept => Ok(Outcome::Vouched(Arc::new(vouched_for(&session, verified)))),
            Replaced::Gone => Ok(Outcome::Ended),
            // Renewed meanwhile: what stands may be as good.
            Replaced::Outdated => Ok(match self.standing().await? {
                None => Outcome::Ended,
                Some((session, false)) => Outcome::Vouched(session),
                Some((_, true)) => Outcome::Unknown,
            }),
        }
    }

    /// Another replica is at it: what it finds stands in the store then.
    async fn by_another_replica(&self) -> Outcome {
        let (pause, looks) = OTHER_REPLICA;
        for _ in 0..looks {
            tokio::time::sleep(pause).await;
            match self.standing().await {
                Ok(None) => return Outcome::Ended,
                Ok(Some((session, false))) => return Outcome::Vouched(session),
                Ok(Some((_, true))) => {}
                Err(_) => return Outcome::Unknown,
            }
        }
        Outcome::Unknown
    }
}

/// The next version of a session, which core vouched for at `verified`.
fn vouched_for(session: &Session, verified: Timestamp) -> Session {
    let mut next = session.next_version();
    next.about.verified = verified;
    next
}
