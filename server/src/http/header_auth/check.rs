//! Asking about one header: the other replicas first, then core.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use outpost_decision::claims::Claims;
use outpost_decision::decision::Reason;
use outpost_decision::lifetime::{self, Lifetime};
use outpost_decision::provider::Provider;
use outpost_decision::time::Timestamp;
use outpost_decision::token;
use secrecy::{ExposeSecret, SecretString};

use super::shared::{self, Place, Shared};
use super::{HeaderCredential, HeaderResult, Refusal, Verdict};
use crate::clock;
use crate::http::tokens;
use crate::keys::KeyRequests;
use crate::limits::{Limit, PerMinute};
use crate::oidc::{OidcClient, OidcError};
use crate::ops::metrics::Metrics;
use crate::session::{
    self, Replaced, Selection, Session, SessionAbout, SessionId, Sessions, StoreError,
};

/// A machine that comes back after longer than this has a new session.
const LONGEST_SHARED: Duration = Duration::from_secs(24 * 60 * 60);

/// Everything one check needs: it runs as a task of its own and outlives the request.
#[derive(Clone)]
pub(super) struct Check {
    pub(super) oidc: Rc<OidcClient>,
    pub(super) keys: KeyRequests,
    pub(super) sessions: Sessions,
    pub(super) provider: Arc<Provider>,
    pub(super) credential: HeaderCredential,
    pub(super) place: Place,
    pub(super) now: Timestamp,
    /// The time to note for what core accepts: from before it is asked.
    pub(super) verified: Timestamp,
    pub(super) client_address: std::net::IpAddr,
    /// Credentials of clients that core has refused.
    pub(super) failures: Arc<PerMinute>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) user_agent: String,
    pub(super) accepted: Duration,
    pub(super) rejected: Duration,
    pub(super) lifetime: Lifetime,
}

impl Check {
    /// Asks, and tells the other replicas.
    pub(super) async fn run(self) -> HeaderResult {
        let shared = self.place.read(&self.sessions, self.now).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "results of header authentication cannot be shared");
            None
        });
        let mut standing = None;
        match shared {
            Some(Shared::Rejected { message, until }) if until > self.now => {
                return HeaderResult {
                    verdict: Verdict::Rejected(Refusal::Plain, message),
                    keep: self.left(until),
                };
            }
            Some(Shared::Accepted { id, until }) => {
                standing = self.standing(&id).await;
                if let Some((id, _)) = &standing
                    && until > self.now
                {
                    let verdict = Verdict::Accepted { id: id.clone() };
                    return HeaderResult { verdict, keep: self.left(until) };
                }
            }
            _ => {}
        }
        // Here, where nobody can leave in the middle of it, and before core is asked, so that many
        // guesses at once are as many as one after the other. Whoever was let in with it before is
        // not guessing.
        let counts = standing.is_none();
        if counts && self.failures.spend(self.client_address, self.now).is_err() {
            self.metrics.limits().reached(Limit::HeaderAuthFailures);
            return HeaderResult {
                verdict: Verdict::Unavailable(Reason::TooManyFailures),
                keep: Duration::ZERO,
            };
        }
        let answer = self.ask_core().await;
        if counts && !matches!(answer, Err(Verdict::Rejected(Refusal::Plain, _))) {
            self.failures.refund(self.client_address);
        }
        match answer {
            Ok((claims, token)) => self.accept(standing, claims, token).await,
            Err(verdict) => self.reject(standing, verdict).await,
        }
    }

    /// The session that this header had, if it still stands.
    async fn standing(&self, id: &str) -> Option<(SessionId, Arc<Session>)> {
        let id = shared::session_id(id)?;
        let session = self.sessions.get(&id, self.now).await.ok()??;
        (session.about.provider == self.provider.pk).then_some((id, session))
    }

    async fn accept(
        &self,
        standing: Option<(SessionId, Arc<Session>)>,
        claims: Claims,
        token: SecretString,
    ) -> HeaderResult {
        let now = clock::now();
        let expires = Timestamp(claims.exp);
        let keep = self.accepted.min(seconds(now.seconds_until(expires)));
        let session = self.session(claims, token, now);
        let verdict = match self.keep(standing, session, now).await {
            Ok(Some(id)) => {
                let until = now.plus(whole_seconds(keep));
                // For as long as the session: whoever asks core again finds it and keeps it.
                let lasting = seconds(now.seconds_until(expires)).min(LONGEST_SHARED);
                self.place.write(&self.sessions, &Shared::accepted(&id, until), lasting, now).await;
                Verdict::Accepted { id }
            }
            // Ended as it began: the next request asks core what is true now.
            Ok(None) => Verdict::Unavailable(Reason::SessionUnknown),
            Err(error) => {
                tracing::error!(%error, "a session of header authentication was not kept");
                Verdict::Unavailable(Reason::StoreUnavailable)
            }
        };
        HeaderResult { verdict, keep }
    }

    async fn reject(
        &self,
        standing: Option<(SessionId, Arc<Session>)>,
        verdict: Verdict,
    ) -> HeaderResult {
        if let Verdict::Rejected(refusal, message) = &verdict {
            if let Some((id, _)) = standing
                && *refusal == Refusal::Plain
                && let Err(error) = self.sessions.end(&Selection::Key(id.key())).await
            {
                tracing::warn!(%error, "the session of a header that core refuses by now goes on");
            }
            let until = self.now.plus(whole_seconds(self.rejected));
            let shared = Shared::Rejected { message: message.clone(), until };
            self.place.write(&self.sessions, &shared, self.rejected, self.now).await;
        }
        HeaderResult { verdict, keep: self.rejected }
    }

    /// Keeps the session: however often a machine comes without a cookie, and to however many
    /// replicas, it has one. `None` when it was revoked as it began.
    async fn keep(
        &self,
        standing: Option<(SessionId, Arc<Session>)>,
        session: Session,
        now: Timestamp,
    ) -> Result<Option<SessionId>, StoreError> {
        if let Some((id, before)) = standing
            && before.about.sub == session.about.sub
            && before.about.sid == session.about.sid
        {
            let about = SessionAbout {
                created: before.about.created,
                expires: lifetime::renewed(session.about.expires, before.about.ends_by),
                ends_by: before.about.ends_by,
                ..session.about.clone()
            };
            let mut next = before.next_version();
            next.about = about;
            next.claims = session.claims.clone();
            next.token = session.token.clone();
            next.refresh_token = None;
            match self.sessions.replace(&id, next, now).await? {
                // Somebody else was quicker and has asked core as well.
                Replaced::Kept | Replaced::Outdated => return Ok(Some(id)),
                Replaced::Gone => {}
            }
        }
        let id = SessionId::random()?;
        Ok(self.sessions.begin(&id, session, now).await?.map(|_| id))
    }

    fn session(&self, claims: Claims, token: SecretString, now: Timestamp) -> Session {
        let span = self.lifetime.begin(now, Timestamp(claims.exp));
        Session {
            about: SessionAbout {
                provider: self.provider.pk,
                sub: claims.sub.clone(),
                user: claims.preferred_username.clone(),
                sid: claims.session_id().map(ToOwned::to_owned),
                origin: session::Origin::Header,
                created: self.now,
                expires: span.expires,
                ends_by: span.ends_by,
                idle_seconds: span.idle_seconds,
                verified: self.verified,
                client_address: Some(self.client_address),
                user_agent: self.user_agent.as_str().into(),
            },
            claims,
            token,
            refresh_token: None,
            generation: 0,
        }
    }

    fn left(&self, until: Timestamp) -> Duration {
        seconds(self.now.seconds_until(until))
    }

    async fn ask_core(&self) -> Result<(Claims, SecretString), Verdict> {
        match &self.credential {
            HeaderCredential::Bearer(token) => {
                let said = tokens::introspect(&self.oidc, &self.provider, token).await;
                let (refusal, error) = match said.map_err(refused)? {
                    tokens::Said::Active(claims) => return Ok((*claims, token.clone())),
                    tokens::Said::Over(error) => (Refusal::Plain, error),
                    tokens::Said::Odd(error) => (Refusal::Odd, error),
                };
                Err(Verdict::Rejected(refusal, error.to_string()))
            }
            HeaderCredential::Basic { user, password } => {
                let answer = self
                    .oidc
                    .client_credentials(&self.provider, user, password)
                    .await
                    .map_err(refused)?;
                let token = answer.access_token.expose_secret();
                let claims = tokens::check(&self.keys, &self.provider, clock::now(), |expect| {
                    token::verify(token, expect)
                })
                .await
                .map_err(|error| match error {
                    tokens::CheckError::Rejected(error) => {
                        Verdict::Rejected(Refusal::Odd, error.to_string())
                    }
                    tokens::CheckError::Unavailable(_) => {
                        Verdict::Unavailable(Reason::CoreUnavailable)
                    }
                })?;
                Ok((claims, answer.access_token))
            }
        }
    }
}

const fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs())
}

fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn refused(error: OidcError) -> Verdict {
    match error {
        OidcError::Refused { .. } => Verdict::Rejected(Refusal::Plain, error.to_string()),
        OidcError::TooLarge(_) => Verdict::Rejected(Refusal::Odd, error.to_string()),
        _ => {
            tracing::warn!(%error, "core could not check an Authorization header");
            Verdict::Unavailable(Reason::CoreUnavailable)
        }
    }
}
