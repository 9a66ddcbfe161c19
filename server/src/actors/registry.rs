//! Fetches the configuration from core, tells one actor per provider, and publishes the whole.
//!
//! Requests read the published [`Snapshot`](crate::snapshot::Snapshot) and never wait for
//! anybody in here. Whatever goes wrong leaves in effect what is loaded: core away, a record
//! that does not compile, a provider actor that dies, this actor that dies. Where core is away
//! from the start, what it said last is served from the session store (`last_good`, `restore`).

mod book;
mod certificates;
pub mod compiler;
mod embedded;
mod last_good;
mod options;
mod parts;
mod restore;
mod roster;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, ArbiterHandle, AsyncContext, Context, Handler,
    SpawnHandle, WrapFuture,
};
use outpost_decision::time::Timestamp;
use tokio::sync::Mutex;

use self::book::{Answers, Book};
use self::restore::Restoring;
use self::roster::Roster;
use super::handle::ActorHandle;
use super::supervisor::{Shutdown, Supervisor};
use super::{Refresh, RefreshCause, SessionsChanged};
use crate::authentik::{ApiError, CoreApi};
use crate::session::providers_of;
use crate::status::RegistryStatus;
use crate::{clock, randomness};

pub use self::parts::{RegistryParts, RegistryReaders, RegistrySettings};

/// Starts the registry on `arbiter`. `core` makes a client of core on the arbiter's thread; it is
/// called again for each incarnation. The first refresh begins at once and is tried for ever.
pub fn start<F>(
    parts: RegistryParts,
    supervisor: &Supervisor,
    arbiter: &ArbiterHandle,
    core: F,
) -> ActorHandle<RegistryActor>
where
    F: Fn() -> Rc<dyn CoreApi> + Send + 'static,
{
    supervisor.supervise("registry", arbiter, move || RegistryActor::new(parts.clone(), core()))
}

/// The actor. Supervised: a new incarnation begins with a refresh, and with what is routed.
pub struct RegistryActor {
    parts: RegistryParts,
    core: Rc<dyn CoreApi>,
    roster: Rc<RefCell<Roster>>,
    /// Held while answers take effect.
    book: Rc<Mutex<Book>>,
    /// There is one at a time.
    refreshing: bool,
    restoring: Restoring,
    /// Somebody asked while a refresh ran.
    again: Option<RefreshCause>,
    timer: Option<SpawnHandle>,
    status: RegistryStatus,
    /// The last sweep of sessions failed, and that was said.
    sweep_failed: bool,
}

impl RegistryActor {
    /// An incarnation of the actor.
    #[must_use]
    pub fn new(parts: RegistryParts, core: Rc<dyn CoreApi>) -> Self {
        let roster = Rc::new(RefCell::new(Roster::default()));
        let book = Book::new(parts.clone(), Rc::clone(&roster));
        let status = (*parts.status.load()).clone();
        Self {
            parts,
            core,
            roster,
            book: Rc::new(Mutex::new(book)),
            refreshing: false,
            restoring: Restoring::default(),
            again: None,
            timer: None,
            status,
            sweep_failed: false,
        }
    }

    fn refresh(&mut self, cause: RefreshCause, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.refreshing, true) {
            self.again.get_or_insert(cause);
            return;
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        tracing::debug!(?cause, "refreshing");
        self.status.last_attempt = Some(clock::now());
        let core = Rc::clone(&self.core);
        let book = Rc::clone(&self.book);
        let parts = self.parts.clone();
        let job = async move {
            let mut answers = book::ask(&*core, parts.settings.core_timeout).await?;
            let mut book = book.lock().await;
            let interval = book.apply(&*core, &mut answers).await;
            let kept =
                parts.last_good.as_ref().map(|_| book.to_keep(&answers, &parts.status.load()));
            Ok((answers, kept, interval))
        };
        ctx.spawn(job.into_actor(self).map(|outcome, actor, ctx| {
            actor.refreshing = false;
            let wait = match outcome {
                Ok((answers, said, interval)) => {
                    actor.succeeded(answers);
                    if let Some(said) = said {
                        actor.keep(said, ctx);
                    }
                    interval
                }
                Err(error) => actor.failed(error, ctx),
            };
            actor.status.refreshes += 1;
            actor.status.generation = actor.parts.snapshot.load().generation;
            actor.status.next_attempt = Some(in_a_while(wait));
            actor.parts.status.publish(actor.status.clone());
            match actor.again.take() {
                Some(cause) => actor.refresh(cause, ctx),
                None => {
                    let next = Refresh { cause: RefreshCause::Interval };
                    actor.timer = Some(ctx.notify_later(next, wait));
                }
            }
        }));
    }

    fn succeeded(&mut self, answers: Answers) {
        if self.status.last_error.take().is_some() {
            tracing::info!("core answers again");
        }
        self.status.failures = 0;
        self.status.last_success = Some(clock::now());
        self.confirmed();
        self.take_over(answers);
    }

    /// What core said about the outpost as a whole. What it did not say this time stays.
    fn take_over(&mut self, answers: Answers) {
        if let Some(global) = answers.global {
            self.status.global = global;
        }
        if answers.expected_version.is_some() {
            self.status.expected_version = answers.expected_version;
        }
    }

    /// Says so once per change of state, not per attempt.
    fn failed(&mut self, error: ApiError, ctx: &mut Context<Self>) -> Duration {
        let wait = self.parts.settings.retry.delay(self.status.failures, randomness::word());
        self.status.failures = self.status.failures.saturating_add(1);
        if !self.status.last_error.as_ref().is_some_and(|last| same_kind(last, &error)) {
            let taken_back = error.is_refusal() && self.status.last_known_good.is_some();
            let loaded = self.parts.snapshot.load().is_loaded() && !taken_back;
            tracing::warn!(
                %error,
                "the configuration cannot be fetched; {}, and it is tried again and again",
                if loaded { "what is loaded stays in effect" } else { "nothing is served yet" }
            );
        }
        self.restore_unless_refused(&error, ctx);
        self.status.last_error = Some(error);
        wait
    }

    fn sweep(&mut self, ctx: &mut Context<Self>) {
        let sessions = self.parts.sessions.clone();
        let sweep = async move { sessions.sweep(clock::now()).await };
        ctx.spawn(sweep.into_actor(self).map(|swept, actor, _| match swept {
            Ok(ended) => {
                actor.sweep_failed = false;
                for provider in providers_of(&ended) {
                    actor.tell(SessionsChanged { provider });
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut actor.sweep_failed, true) {
                    tracing::warn!(%error, "sessions that have run out cannot be dropped");
                }
            }
        }));
    }

    fn tell(&self, message: SessionsChanged) {
        if let Some(entry) = self.roster.borrow().get(message.provider) {
            // An actor that is being rebuilt counts when it starts.
            let _ = entry.actor.do_send(message);
        }
    }
}

/// Whether it would be said in the same words, give or take a detail of the network.
fn same_kind(a: &ApiError, b: &ApiError) -> bool {
    match (a, b) {
        (ApiError::Unreachable(_), ApiError::Unreachable(_)) => true,
        _ => a == b,
    }
}

fn in_a_while(wait: Duration) -> Timestamp {
    clock::now().plus(i64::try_from(wait.as_secs()).unwrap_or(i64::MAX))
}

impl Actor for RegistryActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.refresh(RefreshCause::Start, ctx);
        self.restore_soon(ctx);
        ctx.run_interval(self.parts.settings.sweep_interval, |actor, ctx| actor.sweep(ctx));
    }
}

impl Handler<Refresh> for RegistryActor {
    type Result = ();

    fn handle(&mut self, message: Refresh, ctx: &mut Context<Self>) {
        self.refresh(message.cause, ctx);
    }
}

/// Passed on to the provider's actor.
impl Handler<SessionsChanged> for RegistryActor {
    type Result = ();

    fn handle(&mut self, message: SessionsChanged, _: &mut Context<Self>) {
        self.tell(message);
    }
}

impl Handler<Shutdown> for RegistryActor {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
