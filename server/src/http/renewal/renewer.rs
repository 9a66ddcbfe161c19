//! How a session is renewed: once across all replicas, and never back to life.
//!
//! One task of this process, under a lease that keeps the other replicas away, reads the session
//! anew, redeems its refresh token, verifies what comes, and keeps the next version of the
//! session if the one it began from still stands. Every way it can end leaves the session as
//! good as it was: what fails is tried again after a pause, what core refuses for good costs the
//! session its refresh token, and it ends with its access token. Only when core says that the
//! session it hung on is over does it end at once.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use outpost_decision::claims::Claims;
use outpost_decision::lifetime;
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;
use outpost_decision::token::{self, TokenError};
use secrecy::{ExposeSecret, SecretString};

use super::super::tokens::{self, CheckError, Said};
use super::{Wanted, WantedRenewals, is_due};
use crate::keys::KeyRequests;
use crate::oidc::{OidcClient, OidcError, TokenAnswer};
use crate::session::flights::Flights;
use crate::session::lease::{Lease, LeaseWatch};
use crate::session::{Replaced, Selection, Session, SessionId, SessionKey, Sessions, StoreError};
use crate::trace::Scope;
use crate::{clock, randomness};

/// Lifetime of the lease on a renewal. Also how long the other replicas let a renewal be that has
/// failed, since its lease is left to lapse.
const LEASE: Duration = Duration::from_secs(15);

/// Renewals of this replica at the same time, so that a slow core does not pile them up.
const AT_ONCE: usize = 64;

/// How often a write is tried that the store does not take, and the pause between two tries. The
/// refresh token in the session is used up by then: it is worth waiting for the store.
const WRITES: u32 = 30;
const WRITE_PAUSE: Duration = Duration::from_millis(500);

/// How often what has run out is dropped.
const SWEEP: Duration = Duration::from_secs(60);

/// Carries out renewals, on the thread it was made on.
pub struct Renewer {
    wanted: WantedRenewals,
    parts: Parts,
    flights: Flights<SessionKey, ()>,
}

#[derive(Clone)]
struct Parts {
    oidc: Rc<OidcClient>,
    keys: KeyRequests,
    sessions: Sessions,
    before: i64,
}

/// What became of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The session has a new token.
    Renewed,
    /// There was nothing to do any more: somebody else has renewed it, or it cannot be renewed.
    Settled,
    /// Another replica is at it.
    Elsewhere,
    /// The session has ended meanwhile, or ends because core's has. It stays so.
    Over,
    /// Core does not renew it: it ends with its token.
    Refused,
    /// Core or the store is away: to be tried again.
    Later,
}

impl Outcome {
    /// Seconds until somebody may ask again. Not nothing for what is settled, either: requests
    /// that began earlier still hold the session as it was.
    fn pause(self) -> i64 {
        match self {
            Self::Renewed | Self::Settled | Self::Over | Self::Refused => 5,
            Self::Elsewhere => 2,
            Self::Later => 15 + i64::from(randomness::word() % 6),
        }
    }
}

impl Renewer {
    /// What carries out `wanted`.
    #[must_use]
    pub fn new(
        wanted: WantedRenewals,
        oidc: OidcClient,
        keys: KeyRequests,
        sessions: Sessions,
    ) -> Self {
        let parts = Parts { oidc: Rc::new(oidc), keys, sessions, before: wanted.before };
        Self { wanted, parts, flights: Flights::default() }
    }

    /// Works until nobody can ask any more.
    pub async fn run(mut self) {
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                wanted = self.wanted.queue.recv() => match wanted {
                    Some(wanted) => self.begin(wanted),
                    None => return,
                },
                _ = sweep.tick() => self.wanted.pauses.sweep(clock::now()),
            }
        }
    }

    fn begin(&self, wanted: Wanted) {
        let (key, pauses) = (wanted.id.key(), self.wanted.pauses.clone());
        if self.flights.len() >= AT_ONCE {
            pauses.set(key, clock::now().plus(1));
            return;
        }
        let (parts, under_way) = (self.parts.within(&wanted.scope), self.wanted.under_way.clone());
        self.flights.begin(key, || {
            under_way.track_future(async move {
                let outcome = parts.renew(&wanted.id, &wanted.provider).await;
                tracing::debug!(provider = %wanted.provider.name, ?outcome, "a session's renewal");
                pauses.set(key, clock::now().plus(outcome.pause()));
            })
        });
    }
}

impl Parts {
    /// The same, for a renewal that a request has asked for.
    fn within(&self, scope: &Scope) -> Self {
        let mut parts = self.clone();
        if !scope.is_empty() {
            parts.oidc = Rc::new(self.oidc.within(scope));
        }
        parts
    }

    async fn renew(&self, id: &SessionId, provider: &Provider) -> Outcome {
        let name = format!("renew/{}", id.key());
        let lease = match Lease::acquire(&self.sessions, &name, LEASE, clock::now()).await {
            Ok(Some(lease)) => lease,
            Ok(None) => return Outcome::Elsewhere,
            Err(error) => return away(&error),
        };
        let outcome = lease.hold(self.renew_alone(id, provider, lease.watch())).await.output;
        if outcome != Outcome::Later {
            lease.release(clock::now()).await;
        }
        outcome
    }

    async fn renew_alone(&self, id: &SessionId, provider: &Provider, ours: LeaseWatch) -> Outcome {
        let now = clock::now();
        let old = match self.read(id).await {
            Ok(Some(old)) => old,
            Ok(None) => return Outcome::Over,
            Err(error) => return away(&error),
        };
        let Some(redeemed) = old.refresh_token.clone() else { return Outcome::Settled };
        // What the store says counts, not what the request saw: another may have been here.
        if !is_due(&old, provider, self.before, now) {
            return Outcome::Settled;
        }
        if !ours.is_ours() {
            return Outcome::Later;
        }
        match self.oidc.refresh(provider, &redeemed).await {
            Ok(answer) => self.take(id, provider, Redeemed { old, redeemed, now }, answer).await,
            Err(OidcError::Refused { error, description }) if error == "invalid_grant" => {
                tracing::info!(
                    provider = %provider.name, %description,
                    "core does not renew a session; it ends with its token"
                );
                self.give_up(id, &Redeemed { old, redeemed, now }).await
            }
            Err(error) => {
                tracing::warn!(provider = %provider.name, %error, "a session was not renewed yet");
                Outcome::Later
            }
        }
    }

    /// Judges what core gave for a refresh token.
    async fn take(
        &self,
        id: &SessionId,
        provider: &Provider,
        from: Redeemed,
        answer: TokenAnswer,
    ) -> Outcome {
        let access_token = answer.access_token.expose_secret();
        let checked = tokens::check(&self.keys, provider, clock::now(), |expect| {
            token::verify(access_token, expect)
        })
        .await;
        let claims = match checked {
            Ok(claims) => claims,
            Err(CheckError::Unavailable(error)) => {
                // The token may be good. Its refresh token is not wasted on the next try.
                tracing::warn!(provider = %provider.name, %error, "a renewal could not be checked");
                let kept = self.write(id, &from, |next| keep_refresh_token(next, &answer)).await;
                return if kept == Outcome::Renewed { Outcome::Later } else { kept };
            }
            Err(CheckError::Rejected(error)) => {
                tracing::error!(provider = %provider.name, %error, "a renewed token was refused");
                return self.give_up(id, &from).await;
            }
        };
        match relation(&from.old, &claims) {
            Relation::Same => {
                let change = |next: &mut Session| renew(next, &claims, &answer, from.now);
                self.write(id, &from, change).await
            }
            Relation::Orphaned(sid) => self.orphaned(id, provider, &from, sid).await,
            Relation::Other => {
                tracing::error!(
                    provider = %provider.name,
                    "core renewed a session with a token of another user or session"
                );
                self.give_up(id, &from).await
            }
        }
    }

    /// The new token belongs to no session of core. Core keeps refresh tokens when the session
    /// ends in which they were given, so that this one may be over without our having been told.
    /// The old access token tells: that one goes with its session.
    async fn orphaned(
        &self,
        id: &SessionId,
        provider: &Provider,
        from: &Redeemed,
        sid: &str,
    ) -> Outcome {
        let said = tokens::introspect(&self.oidc, provider, &from.old.token).await;
        // A token that has run out by now says nothing about the session it came from.
        if !matches!(said, Ok(Said::Over(TokenError::Inactive))) {
            return self.give_up(id, from).await;
        }
        tracing::info!(provider = %provider.name, "core's session is over, and so are its sessions");
        match self.sessions.end(&Selection::CoreSession(sid.to_owned())).await {
            Ok(_) => Outcome::Over,
            Err(error) => {
                tracing::error!(%error, "sessions of an ended session of core were not ended");
                Outcome::Later
            }
        }
    }

    /// Takes the refresh token from the session, so that nobody tries again; unless another has
    /// renewed the session meanwhile.
    async fn give_up(&self, id: &SessionId, from: &Redeemed) -> Outcome {
        let kept = self.write(id, from, |next| next.refresh_token = None).await;
        if kept == Outcome::Renewed { Outcome::Refused } else { kept }
    }

    /// Keeps the next version of the session as `change` makes it, whatever else somebody changes
    /// at the same time, but only as long as the session stands with the refresh token that was
    /// redeemed: what came of that is then worth more than what stands.
    async fn write(
        &self,
        id: &SessionId,
        from: &Redeemed,
        change: impl Fn(&mut Session),
    ) -> Outcome {
        let mut standing = Arc::clone(&from.old);
        for _ in 0..WRITES {
            let mut next = standing.next_version();
            change(&mut next);
            let written = self.sessions.replace(id, next, clock::now()).await;
            let found = match written {
                Ok(Replaced::Kept) => return Outcome::Renewed,
                Ok(Replaced::Gone) => return Outcome::Over,
                Ok(Replaced::Outdated) => self.read(id).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(None) => return Outcome::Over,
                Ok(Some(found)) if !from.is_redeemed_of(&found) => return Outcome::Settled,
                Ok(Some(found)) => standing = found,
                Err(error) => {
                    tracing::warn!(%error, "what a renewal brought is not kept yet");
                    tokio::time::sleep(WRITE_PAUSE).await;
                }
            }
        }
        tracing::error!(
            "what a renewal brought could not be kept: the session ends with its token"
        );
        Outcome::Later
    }

    async fn read(&self, id: &SessionId) -> Result<Option<Arc<Session>>, StoreError> {
        self.sessions.reread(id, clock::now()).await
    }
}

/// What a renewal began from.
struct Redeemed {
    old: Arc<Session>,
    redeemed: SecretString,
    /// Before core was asked: core has vouched for the session then or later.
    now: Timestamp,
}

impl Redeemed {
    fn is_redeemed_of(&self, session: &Session) -> bool {
        let token = session.refresh_token.as_ref().map(ExposeSecret::expose_secret);
        token == Some(self.redeemed.expose_secret())
    }
}

/// How the claims of a renewed token relate to the session.
#[derive(Debug, PartialEq, Eq)]
enum Relation<'a> {
    /// Same user, same session of core.
    Same,
    /// Same user, but no session of core where there was this one.
    Orphaned(&'a str),
    /// Another user or another session.
    Other,
}

fn relation<'a>(old: &'a Session, new: &Claims) -> Relation<'a> {
    if old.about.sub != new.sub {
        return Relation::Other;
    }
    match (old.about.sid.as_deref(), new.session_id()) {
        (Some(sid), None) => Relation::Orphaned(sid),
        (old, new) if old == new => Relation::Same,
        _ => Relation::Other,
    }
}

/// Takes over what a renewal brought.
fn renew(next: &mut Session, claims: &Claims, answer: &TokenAnswer, verified: Timestamp) {
    next.about.user.clone_from(&claims.preferred_username);
    next.about.expires = lifetime::renewed(Timestamp(claims.exp), next.about.ends_by);
    next.about.verified = next.about.verified.max(verified);
    next.claims = claims.clone();
    next.token = answer.access_token.clone();
    keep_refresh_token(next, answer);
}

/// Core does not always give a new refresh token; then the old one stays good.
fn keep_refresh_token(next: &mut Session, answer: &TokenAnswer) {
    if let Some(refresh_token) = &answer.refresh_token {
        next.refresh_token = Some(refresh_token.clone());
    }
}

fn away(error: &StoreError) -> Outcome {
    tracing::warn!(%error, "a session was not renewed yet");
    Outcome::Later
}
