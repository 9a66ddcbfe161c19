//! Keeps, together with the other replicas, what is known of the news that core tells: until when
//! it has been heard, and which sessions are in doubt since nobody heard it
//! ([`outpost_decision::coverage`]).
//!
//! The value lies in the store that the replicas share and is written by compare-and-set; requests
//! read what is published here. While the store is away, what was seen last stands.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use bytes::Bytes;
use outpost_decision::coverage::{self, CLOCKS_DIFFER, Coverage, Hearing, Progress, Unreadable};
use outpost_decision::time::Timestamp;

use super::supervisor::Shutdown;
use crate::clock;
use crate::publish::{Published, Publisher};
use crate::session::{Sessions, StoreError};
use crate::status::link::LinkStatus;

/// Where it lies among the shared values.
const NAME: &str = "coverage";

/// How often a replica looks at what the others have written, and tries again what failed.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// How often a write is tried anew at once when another replica was quicker.
const TRIES: usize = 5;

/// What the actor is made of. Cloned for each incarnation.
#[derive(Clone, Debug)]
pub struct CoverageParts {
    /// What our own connection hears.
    pub link: Published<LinkStatus>,
    /// Where the replicas meet.
    pub sessions: Sessions,
    /// Where it is published; `None` until the store has been read.
    pub coverage: Arc<Publisher<Option<Coverage>>>,
    /// How long to wait for other replicas to prove that they have heard what we have not:
    /// [`patience`].
    pub patience: Duration,
}

/// How long to wait for another replica that may have heard what we have not. Nobody else can
/// when this process has its store for itself; else time for its hellos, and for clocks that
/// differ.
#[must_use]
pub fn patience(shared: bool, hello_every: Duration) -> Duration {
    if !shared {
        return Duration::ZERO;
    }
    let clocks = Duration::from_secs(CLOCKS_DIFFER.unsigned_abs());
    (hello_every.mul_f64(2.5) + clocks).max(LOOK_EVERY + clocks)
}

/// The actor.
#[derive(Debug)]
pub struct CoverageActor {
    parts: CoverageParts,
}

impl CoverageActor {
    /// An incarnation.
    #[must_use]
    pub fn new(parts: CoverageParts) -> Self {
        Self { parts }
    }
}

impl Actor for CoverageActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(follow(self.parts.clone()).into_actor(self));
    }
}

impl Handler<Shutdown> for CoverageActor {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// Adds whatever our connection hears, forever.
async fn follow(parts: CoverageParts) {
    let mut troubled = false;
    loop {
        let hearing = parts.link.load().hearing.clone();
        match look(&parts, hearing.as_ref()).await {
            Ok(()) => troubled = false,
            Err(trouble) => {
                if !std::mem::replace(&mut troubled, true) {
                    tracing::warn!(
                        error = trouble,
                        "what replicas have heard of core cannot be kept up; what was seen last \
                         stands, and it is tried again"
                    );
                }
            }
        }
        let news = parts.link.wait_for(|link| link.hearing != hearing);
        if let Ok(None) = tokio::time::timeout(LOOK_EVERY, news).await {
            // The link has ended for good; other replicas go on.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Reads what the replicas know, adds what our connection has heard, and publishes.
async fn look(parts: &CoverageParts, hearing: Option<&Hearing>) -> Result<(), String> {
    let values = parts.sessions.values();
    for _ in 0..TRIES {
        let now = clock::now();
        let written = values.read(NAME, now).await.map_err(text)?;
        let known = match written.as_deref().map(Coverage::read) {
            None => None,
            Some(Ok(known)) => Some(known),
            Some(Err(Unreadable::Garbage)) => {
                tracing::error!("what replicas have heard of core was overwritten by somebody");
                None
            }
            // Newer replicas look after it, and what they find they act upon.
            Some(Err(Unreadable::Newer)) => {
                publish(parts, Coverage::default());
                return Err("a newer outpost keeps it in another form".to_owned());
            }
        };
        let progress =
            hearing.map(|hearing| coverage::advance(known.as_ref(), hearing, now, parts.patience));
        let next = match progress {
            None | Some(Progress::Waits) => {
                publish(parts, known.unwrap_or_default());
                return Ok(());
            }
            Some(Progress::Covered(next)) => next,
            Some(Progress::Gap(mut next)) => {
                let sessions = parts.sessions.count(None, now).await.map_err(text)?;
                next.sessions = u64::try_from(sessions).unwrap_or(u64::MAX);
                next
            }
        };
        let is_new = known.as_ref() != Some(&next);
        let bytes = Some(Bytes::from(next.write()));
        if !is_new || values.swap(NAME, written.as_deref(), bytes, None, now).await.map_err(text)? {
            if known.is_none_or(|known| known.recheck_before != next.recheck_before) {
                tell(&next, hearing);
            }
            publish(parts, next);
            return Ok(());
        }
    }
    // Whoever was quicker every time has read it, too.
    Ok(())
}

fn publish(parts: &CoverageParts, coverage: Coverage) {
    let current = parts.coverage.load();
    // A store that lost its latest writes must not make sessions believed that were in doubt.
    let older = current
        .as_ref()
        .as_ref()
        .is_some_and(|current| current.recheck_before > coverage.recheck_before);
    if !older && current.as_ref().as_ref() != Some(&coverage) {
        parts.coverage.publish(Some(coverage));
    }
}

fn tell(gap: &Coverage, hearing: Option<&Hearing>) {
    let to = hearing.map_or(Timestamp(0), |hearing| hearing.since);
    match gap.gap_since {
        Some(from) => tracing::warn!(
            from = from.0,
            to = to.0,
            seconds = from.seconds_until(to),
            sessions = gap.sessions,
            "no replica was connected to core for a while, and ends of sessions may have been \
             missed: sessions from before are checked with core when they are used \
             (sessions.recheck_within)"
        ),
        None => tracing::info!(
            to = to.0,
            sessions = gap.sessions,
            "what core said before this outpost connected is not known: sessions from before are \
             checked with core when they are used"
        ),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn text(error: StoreError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
