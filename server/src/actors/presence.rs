//! Says to the other replicas of this outpost how this one is doing, and hears how they are.
//!
//! They meet in the store that they share ([`roll`]): every few seconds each writes its entry,
//! reads those of the others, and looks what they ask ([`questions`](crate::ops::questions)): three
//! commands in all. Nothing that serves requests waits for any of it. While the store is away, each
//! replica is alone and says why.

mod roll;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::fut::{ActorFutureExt, WrapFuture};
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, SpawnHandle};
use outpost_dashboard::model::{DecisionPage, Fleet, Replica};
use outpost_decision::compile;
use outpost_decision::time::Timestamp;

use self::roll::{Beat, Roll, Unreadable, Watch};
use super::supervisor::Shutdown;
use crate::drain::Drain;
use crate::ops::activity::{Activity, Pulse};
use crate::ops::questions::Questions;
use crate::ops::readiness::Readiness;
use crate::publish::{Published, Publisher};
use crate::session::Sessions;
use crate::snapshot::Snapshot;
use crate::status::RegistryStatus;
use crate::status::link::LinkStatus;
use crate::{clock, randomness};

/// Between two beats, on average.
const BEAT_EVERY: Duration = Duration::from_secs(5);

/// By how much that differs: replicas that start together do not go on together.
const JITTER: Duration = Duration::from_secs(1);

/// Between two looks at what others ask, while somebody asks.
const LISTEN_EVERY: Duration = Duration::from_secs(1);

/// How long the roll stands when nobody writes it any more.
const LIFETIME: Duration = Duration::from_secs(120);

/// How often a write is tried anew when another replica was quicker.
const TRIES: usize = 6;

/// Longest pause before such a try.
const PAUSE: Duration = Duration::from_millis(60);

/// How long the last word may take.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Finds the decisions with these ids in the journal of this replica, each in its id's place.
pub type Finder = dyn Fn(&[&str]) -> Vec<Option<DecisionPage>> + Send + Sync;

/// What the actor is made of. Cloned for each incarnation.
#[derive(Clone)]
pub struct PresenceParts {
    /// Our uuid, new with each start.
    pub instance: String,
    /// Name of our machine.
    pub hostname: String,
    /// When we started.
    pub started: Timestamp,
    /// Where the replicas meet.
    pub sessions: Sessions,
    /// The configuration in effect.
    pub snapshot: Published<Snapshot>,
    /// How refreshing goes.
    pub status: Published<RegistryStatus>,
    /// The link to core.
    pub link: Published<LinkStatus>,
    /// Whether traffic should come.
    pub readiness: Readiness,
    /// The end of the program.
    pub drain: Drain,
    /// What traffic looks like from here.
    pub activity: Arc<Activity>,
    /// What the others ask.
    pub questions: Arc<Questions>,
    /// What is known here of the decisions with some ids.
    pub decisions: Arc<Finder>,
    /// Where the fleet is published.
    pub fleet: Arc<Publisher<Fleet>>,
}

impl fmt::Debug for PresenceParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresenceParts").field("instance", &self.instance).finish_non_exhaustive()
    }
}

/// The actor. Supervised.
#[derive(Debug)]
pub struct PresenceActor {
    parts: PresenceParts,
    following: Option<SpawnHandle>,
}

impl PresenceActor {
    /// An incarnation.
    #[must_use]
    pub fn new(parts: PresenceParts) -> Self {
        Self { parts, following: None }
    }
}

impl Actor for PresenceActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let presence = Presence::new(self.parts.clone());
        self.following = Some(ctx.spawn(presence.follow().into_actor(self)));
    }
}

impl Handler<Shutdown> for PresenceActor {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) {
        if let Some(following) = self.following.take() {
            ctx.cancel_future(following);
        }
        let parts = self.parts.clone();
        let last = async move { tokio::time::timeout(LAST_WORD, leave(&parts)).await };
        ctx.spawn(last.into_actor(self).map(|left, _, ctx| {
            if !matches!(left, Ok(Ok(()))) {
                tracing::debug!("other replicas were not told that this one ends");
            }
            ctx.stop();
        }));
    }
}

/// What one incarnation remembers.
struct Presence {
    parts: PresenceParts,
    watch: Watch,
    beats: u64,
    /// The fingerprint of the configuration of this generation.
    configuration: (u64, String),
    troubled: bool,
}

/// What wakes it before its time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    generation: u64,
    leaving: bool,
}

impl Presence {
    fn new(parts: PresenceParts) -> Self {
        Self {
            parts,
            watch: Watch::default(),
            // Another incarnation has begun at another number.
            beats: u64::from(randomness::word()),
            configuration: (0, String::new()),
            troubled: false,
        }
    }

    /// Beats, forever; answers what others ask in between.
    async fn follow(mut self) {
        loop {
            let told = self.told();
            self.beat().await;
            let next = Instant::now() + (BEAT_EVERY - JITTER / 2) + a_part_of(JITTER);
            loop {
                let pause = next.saturating_duration_since(Instant::now());
                let pause = if self.answer().await { pause.min(LISTEN_EVERY) } else { pause };
                if self.is_woken(told, pause).await || Instant::now() >= next {
                    break;
                }
            }
        }
    }

    /// Answers what others ask. Whether somebody asks.
    async fn answer(&self) -> bool {
        let answered = self.parts.questions.answer_others(|ids| (self.parts.decisions)(ids)).await;
        // A store that is away has been told of.
        answered.unwrap_or_default()
    }

    /// One beat: writes, reads and publishes.
    async fn beat(&mut self) {
        let shared = self.parts.sessions.is_shared();
        let uuid = self.parts.snapshot.load().outpost.uuid.clone();
        let own = self.own();
        let this = Replica { this: true, ..own.replica.clone() };
        // Before core has said which outpost this is, nobody knows whom it belongs to.
        let met = if shared && !uuid.is_empty() {
            self.meet(&name(&uuid), &own).await
        } else {
            Ok(vec![])
        };
        let (others, error) = match met {
            Ok(others) => (others, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        if error.is_some() != std::mem::replace(&mut self.troubled, error.is_some()) {
            match &error {
                Some(error) => tracing::warn!(error, "the other replicas cannot be heard"),
                None => tracing::info!("the other replicas can be heard again"),
            }
        }
        let replicas = std::iter::once(this).chain(others).collect();
        self.parts.fleet.publish(Fleet { shared, replicas, error });
    }

    /// Writes our entry, and gives the others.
    async fn meet(&mut self, name: &str, own: &Beat) -> Result<Vec<Replica>, String> {
        let values = self.parts.sessions.values();
        let mut others = Vec::new();
        for _ in 0..TRIES {
            let now = clock::now();
            let written = values.read(name, now).await.map_err(|error| error.to_string())?;
            let roll = read(written.as_deref())?;
            let gone: HashSet<String>;
            (others, gone) = self.watch.look(&roll, &own.replica.instance, Instant::now(), now);
            let next = roll.with(own, &gone);
            let swapped = values.swap(name, written.as_deref(), next, Some(LIFETIME), now).await;
            if swapped.map_err(|error| error.to_string())? {
                break;
            }
            tokio::time::sleep(a_part_of(PAUSE)).await;
        }
        // Whoever was too slow every time has heard the others, and is heard with the next beat.
        Ok(others)
    }

    /// How this replica is doing.
    fn own(&mut self) -> Beat {
        let parts = &self.parts;
        let (snapshot, status) = (parts.snapshot.load(), parts.status.load());
        if self.configuration.0 != snapshot.generation {
            let print = compile::configuration(snapshot.ruleset.providers());
            self.configuration = (snapshot.generation, print);
        }
        self.beats = self.beats.wrapping_add(1);
        let Pulse { requests_per_second, errors_last_minute } = parts.activity.pulse(clock::now());
        Beat {
            beat: self.beats,
            replica: Replica {
                instance: parts.instance.clone(),
                hostname: parts.hostname.clone(),
                this: false,
                version: crate::VERSION.to_owned(),
                started: parts.started.0,
                seen: clock::now().0,
                requests_per_second,
                errors_last_minute,
                cached_sessions: parts.sessions.cached(),
                generation: snapshot.generation,
                configuration: self.configuration.1.clone(),
                refreshed: status.last_success.or(status.last_known_good).map(|at| at.0),
                core_connected: parts.link.load().is_up(),
                ready: parts.readiness.report().ready,
                draining: parts.drain.phase().is_ending(),
            },
        }
    }

    fn told(&self) -> Told {
        Told {
            generation: self.parts.snapshot.load().generation,
            leaving: self.parts.drain.phase().is_ending(),
        }
    }

    /// Waits for `pause`, or until there is something to tell: the end of the program at once,
    /// another configuration almost. Whether there is.
    async fn is_woken(&self, told: Told, pause: Duration) -> bool {
        let Self { parts, .. } = self;
        let leaving = async {
            if told.leaving {
                std::future::pending::<()>().await;
            }
            parts.drain.leaving().await;
        };
        let configured = async {
            let changed = parts.snapshot.wait_for(|now| now.generation != told.generation).await;
            if changed.is_none() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(a_part_of(PAUSE)).await;
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => false,
            () = leaving => true,
            () = configured => true,
        }
    }
}

/// Takes our entry off the roll.
async fn leave(parts: &PresenceParts) -> Result<(), String> {
    let uuid = parts.snapshot.load().outpost.uuid.clone();
    if !parts.sessions.is_shared() || uuid.is_empty() {
        return Ok(());
    }
    let (values, name) = (parts.sessions.values(), name(&uuid));
    loop {
        let now = clock::now();
        let written = values.read(&name, now).await.map_err(|error| error.to_string())?;
        let Some(standing) = &written else { return Ok(()) };
        let next = read(Some(standing))?.without(&parts.instance);
        let swapped = values.swap(&name, Some(standing), next, Some(LIFETIME), now).await;
        if swapped.map_err(|error| error.to_string())? {
            return Ok(());
        }
        tokio::time::sleep(a_part_of(PAUSE)).await;
    }
}

/// Where the roll of an outpost lies among the shared values.
fn name(uuid: &str) -> String {
    format!("fleet/{uuid}")
}

fn read(written: Option<&[u8]>) -> Result<Roll, String> {
    match written.map(Roll::read) {
        None => Ok(Roll::default()),
        Some(Ok(roll)) => Ok(roll),
        Some(Err(Unreadable::Garbage)) => {
            tracing::error!("the list of replicas was overwritten by somebody");
            Ok(Roll::default())
        }
        // Newer replicas look after it.
        Some(Err(Unreadable::Newer)) => {
            Err("a newer outpost among them keeps the list in another form".to_owned())
        }
    }
}

fn a_part_of(longest: Duration) -> Duration {
    longest.mul_f64(f64::from(randomness::word()) / f64::from(u32::MAX))
}
