//! Rebuilds actors that die in a panic, and ends them in order.
//!
//! A panic ends an actix actor for good, `actix::Supervisor` or not. Here each actor is driven by
//! a task that owns the factory it is built from: when the actor's future panics (in a handler,
//! in `started()`, in a future it spawned), the task says so, waits, builds another one and
//! publishes its address. The new one reloads truth in `started()`. An actor that ends without a
//! panic has ended on purpose and is not rebuilt.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Arbiter, ArbiterHandle, Context, Handler, Message};
use futures_util::FutureExt;
use outpost_decision::backoff::Backoff;
use tokio::sync::watch;

use super::handle::{ActorHandle, Stage};
use crate::publish::{Publisher, published};
use crate::randomness;
use life::{Life, panic_text};

mod life;

/// Tells a supervised actor to end: finish what cannot be left, then `ctx.stop()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Shutdown;

/// What can be supervised: an actor that knows how to end.
pub trait Supervisable: Actor<Context = Context<Self>> + Handler<Shutdown> {}

impl<A: Actor<Context = Context<A>> + Handler<Shutdown>> Supervisable for A {}

/// How eagerly what has died is rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildPolicy {
    /// The waits before rebuilding what dies again and again.
    pub backoff: Backoff,
    /// An actor that lived this long was healthy: the waits start over.
    pub healthy_after: Duration,
}

impl Default for RebuildPolicy {
    fn default() -> Self {
        Self {
            backoff: Backoff {
                shortest: Duration::from_millis(100),
                longest: Duration::from_secs(30),
            },
            healthy_after: Duration::from_secs(60),
        }
    }
}

/// What a supervised actor is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorState {
    /// Not started yet.
    Starting,
    /// Takes messages.
    Running,
    /// Died in a panic; another one is about to be built.
    Rebuilding,
}

/// A supervised actor as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorReport {
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: ActorState,
    /// How often it has been rebuilt.
    pub rebuilt: u64,
    /// What the last panic said.
    pub last_panic: Option<String>,
}

/// Starts actors, rebuilds them, ends them. Cheap to clone; every clone is the same supervisor.
#[derive(Clone, Debug)]
pub struct Supervisor {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    policy: RebuildPolicy,
    children: Mutex<Children>,
    /// Wakes whoever waits for children to end.
    ended: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Children {
    closed: bool,
    next: u64,
    rebuilt: u64,
    live: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    report: ActorReport,
    stage: watch::Sender<Stage>,
}

impl Supervisor {
    /// A supervisor without actors.
    #[must_use]
    pub fn new(policy: RebuildPolicy) -> Self {
        Self {
            shared: Arc::new(Shared {
                policy,
                children: Mutex::default(),
                ended: watch::Sender::new(0),
            }),
        }
    }

    /// Builds an actor on the arbiter and keeps it alive: whenever it dies in a panic, `factory`
    /// builds the next. The factory runs on the arbiter's thread, so what it makes need not be
    /// `Send`. After [`Supervisor::shutdown`] nothing is built any more.
    pub fn supervise<A, F>(
        &self,
        name: impl Into<String>,
        arbiter: &ArbiterHandle,
        factory: F,
    ) -> ActorHandle<A>
    where
        A: Supervisable,
        Context<A>: ToEnvelope<A, Shutdown>,
        F: FnMut() -> A + Send + 'static,
    {
        let name = name.into();
        let (publisher, reader) = published(None);
        let child = Child::register(&self.shared, &name);
        let handle = ActorHandle::new(Arc::from(name.as_str()), reader, child.stage.clone());
        let policy = self.shared.policy;
        let arbiter_lives = arbiter.spawn_fn(move || {
            actix::spawn(keep_alive(child, policy, factory, publisher));
        });
        if !arbiter_lives {
            tracing::error!(actor = name, "the actor's arbiter has ended; it will not run");
        }
        handle
    }

    /// Every actor that has not ended for good.
    #[must_use]
    pub fn report(&self) -> Vec<ActorReport> {
        self.shared.lock().live.values().map(|entry| entry.report.clone()).collect()
    }

    /// How often an actor was rebuilt, over all actors that ever were.
    #[must_use]
    pub fn rebuilt(&self) -> u64 {
        self.shared.lock().rebuilt
    }

    /// Ends all actors: each is told [`Shutdown`] and has until `limit` to end by itself; then it
    /// is dropped. Returns the names of those that had to be dropped.
    pub async fn shutdown(&self, limit: Duration) -> Vec<String> {
        self.shared.lock().closed = true;
        self.shared.advance(Stage::End);
        if tokio::time::timeout(limit, self.all_ended()).await.is_ok() {
            return Vec::new();
        }
        let late: Vec<String> = self.report().into_iter().map(|actor| actor.name).collect();
        tracing::warn!(actors = ?late, "actors did not end in time and are dropped");
        self.shared.advance(Stage::Drop);
        late
    }

    /// Waits until no actor is left.
    async fn all_ended(&self) {
        let mut ended = self.shared.ended.subscribe();
        while !self.shared.lock().live.is_empty() {
            if ended.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new(RebuildPolicy::default())
    }
}

/// A thread for actors, apart from those that serve requests. Ends when dropped.
#[derive(Debug)]
pub struct ControlPlane {
    arbiter: Arbiter,
}

impl ControlPlane {
    /// Starts the thread; an actix system must be running.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start() -> std::io::Result<Self> {
        Ok(Self { arbiter: Arbiter::try_new()? })
    }

    /// Starts one that lets the threads which serve requests go first, where all of them want the same
    /// processor: to read the configuration of a thousand providers takes some tenths of a second, and no
    /// request is to wait for it.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn giving_way() -> std::io::Result<Self> {
        let plane = Self::start()?;
        plane.arbiter.spawn_fn(give_way);
        Ok(plane)
    }

    /// Where to start actors.
    #[must_use]
    pub fn handle(&self) -> ArbiterHandle {
        self.arbiter.handle()
    }
}

/// Steps less important than the threads that serve requests by which this one counts.
#[cfg(target_os = "linux")]
const LESS: i32 = 10;

/// Makes this thread less important. Where that is forbidden it stays as it is.
#[cfg(target_os = "linux")]
fn give_way() {
    use rustix::process::{getpriority_process, setpriority_process};

    // Linux means the thread that asks by "this process".
    let lowered =
        getpriority_process(None).and_then(|nice| setpriority_process(None, (nice + LESS).min(19)));
    if let Err(error) = lowered {
        tracing::debug!(%error, "the thread of the actors is as important as those that serve");
    }
}

/// Other systems have no such thing for a thread.
#[cfg(not(target_os = "linux"))]
const fn give_way() {}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.arbiter.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Children> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, stage: Stage) {
        for entry in self.lock().live.values() {
            entry.stage.send_replace(stage);
        }
    }
}

/// One supervised actor's entry; removed when its task ends for whatever reason.
#[derive(Debug)]
struct Child {
    id: u64,
    name: String,
    stage: watch::Sender<Stage>,
    shared: Arc<Shared>,
}

impl Child {
    fn register(shared: &Arc<Shared>, name: &str) -> Self {
        let mut children = shared.lock();
        let id = children.next;
        children.next += 1;
        let stage = watch::Sender::new(if children.closed { Stage::End } else { Stage::Live });
        let report = ActorReport {
            name: name.to_owned(),
            state: ActorState::Starting,
            rebuilt: 0,
            last_panic: None,
        };
        children.live.insert(id, Entry { report, stage: stage.clone() });
        Self { id, name: name.to_owned(), stage, shared: Arc::clone(shared) }
    }

    fn running(&self) {
        if let Some(entry) = self.shared.lock().live.get_mut(&self.id) {
            entry.report.state = ActorState::Running;
        }
    }

    fn died(&self, panic: String) {
        if let Some(entry) = self.shared.lock().live.get_mut(&self.id) {
            entry.report.state = ActorState::Rebuilding;
            entry.report.last_panic = Some(panic);
        }
    }

    fn rebuilt(&self) {
        let mut children = self.shared.lock();
        children.rebuilt += 1;
        if let Some(entry) = children.live.get_mut(&self.id) {
            entry.report.rebuilt += 1;
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.shared.lock().live.remove(&self.id);
        self.shared.ended.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Builds incarnation after incarnation until one ends without a panic or all is to end.
async fn keep_alive<A, F>(
    child: Child,
    policy: RebuildPolicy,
    mut factory: F,
    publisher: Publisher<Option<Addr<A>>>,
) where
    A: Supervisable,
    Context<A>: ToEnvelope<A, Shutdown>,
    F: FnMut() -> A + Send + 'static,
{
    let mut stage = child.stage.subscribe();
    let mut failures = 0;
    while *stage.borrow() == Stage::Live {
        let built = Instant::now();
        let outcome = live_once(&child, &publisher, &mut factory, &mut stage).await;
        publisher.publish(None);
        let Err(panic) = outcome else { break };
        if built.elapsed() >= policy.healthy_after {
            failures = 0;
        }
        let wait = policy.backoff.delay(failures, randomness::word());
        failures = failures.saturating_add(1);
        tracing::error!(
            actor = child.name,
            panic,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "an actor died in a panic and is being rebuilt; this is a bug, please report it"
        );
        child.died(panic);
        tokio::select! {
            () = tokio::time::sleep(wait) => child.rebuilt(),
            _ = stage.wait_for(|stage| *stage >= Stage::End) => break,
        }
    }
    // The report goes first: whoever waits for the handle to end finds the actor gone from it.
    drop(child);
    drop(publisher);
}

/// One incarnation, from factory to end; the error is what a panic said.
async fn live_once<A, F>(
    child: &Child,
    publisher: &Publisher<Option<Addr<A>>>,
    factory: &mut F,
    stage: &mut watch::Receiver<Stage>,
) -> Result<(), String>
where
    A: Supervisable,
    Context<A>: ToEnvelope<A, Shutdown>,
    F: FnMut() -> A,
{
    let actor = catch_unwind(AssertUnwindSafe(factory)).map_err(|panic| panic_text(&*panic))?;
    let context = Context::new();
    let mut life = Life::new(context.into_future(actor));
    // `started()` runs in the first poll: an address is only given out once that went well.
    let addr = life.address();
    if let Poll::Ready(outcome) = poll_fn(|cx| Poll::Ready(life.poll_unpin(cx))).await {
        return outcome;
    }
    publisher.publish(addr.clone());
    child.running();
    tokio::select! {
        biased;
        outcome = &mut life => return outcome,
        _ = stage.wait_for(|stage| *stage >= Stage::End) => {}
    }
    if let Some(addr) = addr {
        addr.do_send(Shutdown);
    }
    tokio::select! {
        biased;
        outcome = &mut life => outcome,
        _ = stage.wait_for(|stage| *stage == Stage::Drop) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
