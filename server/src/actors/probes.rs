//! Looks at what is outside the outpost, for the doctor: whether applications take connections,
//! what core's clock says, and which other instances core has heard of.
//!
//! Applications are connected to and asked nothing; core's liveness page is read without a
//! credential. Every minute, and soon after each change of the configuration.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::fut::WrapFuture;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream;
use outpost_decision::provider::{Mode, Provider};
use outpost_decision::time::Timestamp;

use super::supervisor::Shutdown;
use crate::publish::{Published, Publisher};
use crate::snapshot::Snapshot;
use crate::status::probes::{Probes, Unreachable};
use crate::{clock, randomness};

/// Between two rounds, on average.
const EVERY: Duration = Duration::from_secs(60);

/// By how much that differs.
const JITTER: Duration = Duration::from_secs(10);

/// After a change of the configuration.
const SOON: Duration = Duration::from_millis(200);

/// Applications tried at the same time.
const TOGETHER: usize = 8;

/// Most applications tried in a round.
const MOST: usize = 1000;

/// Whom the actor asks. A trait so that it can be tested without sockets.
#[async_trait(?Send)]
pub trait Outside {
    /// Why the application of `provider` takes no connection.
    async fn application(&self, provider: &Provider) -> Result<(), String>;
    /// Core's time, to the second.
    async fn core_time(&self) -> Result<Timestamp, String>;
    /// Other instances of this outpost, by host name.
    async fn instances(&self, outpost: &str) -> Result<Vec<String>, String>;
}

/// What the actor is made of. Cloned for each incarnation.
#[derive(Clone)]
pub struct ProbesParts {
    /// The configuration in effect.
    pub snapshot: Published<Snapshot>,
    /// Whether applications are connected to.
    pub connect: bool,
    /// Where the findings go.
    pub probes: Arc<Publisher<Probes>>,
}

/// The actor. Supervised.
pub struct ProbesActor {
    parts: ProbesParts,
    outside: Rc<dyn Outside>,
}

impl ProbesActor {
    /// An incarnation.
    #[must_use]
    pub fn new(parts: ProbesParts, outside: Rc<dyn Outside>) -> Self {
        Self { parts, outside }
    }
}

impl Actor for ProbesActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(follow(self.parts.clone(), Rc::clone(&self.outside)).into_actor(self));
    }
}

impl Handler<Shutdown> for ProbesActor {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// Looks around, forever.
async fn follow(parts: ProbesParts, outside: Rc<dyn Outside>) {
    loop {
        let generation = parts.snapshot.load().generation;
        if generation > 0 {
            let snapshot = parts.snapshot.load_full();
            parts.probes.publish(round(&snapshot, &*outside, parts.connect).await);
        }
        let part = f64::from(randomness::word()) / f64::from(u32::MAX);
        let pause = EVERY - JITTER / 2 + JITTER.mul_f64(part);
        let news = parts.snapshot.wait_for(|now| now.generation != generation);
        match tokio::time::timeout(pause, news).await {
            Ok(Some(_)) => tokio::time::sleep(SOON).await,
            // Nobody publishes any more: the program ends.
            Ok(None) => tokio::time::sleep(pause).await,
            Err(_) => {}
        }
    }
}

async fn round(snapshot: &Snapshot, outside: &dyn Outside, connect: bool) -> Probes {
    let most = if connect { MOST } else { 0 };
    let proxied: Vec<&Arc<Provider>> = snapshot
        .ruleset
        .providers()
        .iter()
        .filter(|provider| provider.mode == Mode::Proxy && provider.internal.is_some())
        .collect();
    let untried = proxied.len().saturating_sub(most);
    let tried = stream::iter(proxied.into_iter().take(most))
        .map(|provider| async move { (provider, outside.application(provider).await) })
        .buffer_unordered(TOGETHER)
        .filter_map(async |(provider, found)| {
            let internal = provider.internal.as_ref()?.origin().ascii_serialization();
            found.err().map(|cause| (provider.pk, Unreachable { internal, cause }))
        })
        .collect::<BTreeMap<_, _>>();
    let uuid = snapshot.outpost.uuid.as_str();
    let instances =
        async { if uuid.is_empty() { None } else { Some(outside.instances(uuid).await) } };
    let (unreachable, clock, instances) =
        futures_util::future::join3(tried, skew(outside), instances).await;
    Probes { at: Some(clock::now()), unreachable, untried, clock: Some(clock), instances }
}

/// Seconds by which core's clock is ahead of ours.
async fn skew(outside: &dyn Outside) -> Result<i64, String> {
    let (began, before) = (Instant::now(), clock::now());
    let core = outside.core_time().await?;
    let took = i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX);
    // It was said at some moment between question and answer.
    let ahead = core.0.saturating_sub(before.0);
    Ok(if ahead > 0 { ahead.saturating_sub(took).max(0) } else { ahead })
}

#[cfg(test)]
mod tests;
