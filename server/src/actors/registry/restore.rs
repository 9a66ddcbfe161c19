//! Starting without core: when the kept configuration is served, when not, and how it is kept.

use std::rc::Rc;
use std::sync::Arc;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use outpost_decision::time::Timestamp;
use tokio::sync::Mutex;

use super::RegistryActor;
use super::book::{self, Answers, Book};
use super::last_good::contents::{KeptCore, ToKeep};
use super::last_good::{LastGood, NoneKept};
use super::parts::RegistryParts;
use crate::authentik::ApiError;
use crate::session::StoreError;
use crate::{clock, randomness};

/// How far starting without core, and preparing for it, has come.
#[derive(Default)]
pub(super) struct Restoring {
    /// One attempt at a time.
    running: bool,
    /// Attempts that brought nothing.
    failures: u32,
    /// Why the last one brought nothing, as it was said.
    said: Option<NoneKept>,
    /// Core itself says that we are nobody to it: nothing is served that it does not confirm.
    refused: bool,
    /// The store is being written to.
    keeping: bool,
    /// What is to be written next.
    next: Option<ToKeep>,
    /// Writing failed, and that was said.
    keep_failed: bool,
}

enum Restored {
    Served(Box<Answers>, Timestamp),
    /// Core was faster.
    Needless,
    Nothing(NoneKept),
}

impl RegistryActor {
    /// Gives core a moment before what it said last is served.
    pub(super) fn restore_soon(&self, ctx: &mut Context<Self>) {
        if self.parts.last_good.is_some() {
            ctx.run_later(self.parts.settings.start_patience, Self::restore);
        }
    }

    /// A refresh has failed at the start, or later on.
    pub(super) fn restore_unless_refused(&mut self, error: &ApiError, ctx: &mut Context<Self>) {
        if !error.is_refusal() {
            self.restore(ctx);
            return;
        }
        if self.parts.last_good.is_none() || std::mem::replace(&mut self.restoring.refused, true) {
            return;
        }
        if self.status.last_known_good.is_some() || !self.parts.snapshot.load().is_loaded() {
            tracing::warn!("nothing is served of what was kept, because core refuses this outpost");
        }
        self.withdraw(ctx);
    }

    /// Core has answered.
    pub(super) fn confirmed(&mut self) {
        self.restoring.refused = false;
        if self.status.last_known_good.take().is_some() {
            tracing::info!("core's own answer replaces the last known good configuration");
        }
    }

    /// Serves what was kept, if nothing is served; tries again until something is.
    fn restore(&mut self, ctx: &mut Context<Self>) {
        let Some(kept) = self.parts.last_good.clone() else { return };
        let needless = self.restoring.refused || self.parts.snapshot.load().is_loaded();
        if needless || std::mem::replace(&mut self.restoring.running, true) {
            return;
        }
        let job = restored(kept, self.parts.clone(), Rc::clone(&self.book));
        ctx.spawn(job.into_actor(self).map(|restored, actor, ctx| match restored {
            Restored::Served(answers, at) => actor.serving(*answers, at, ctx),
            Restored::Needless => actor.restoring.running = false,
            Restored::Nothing(why) => {
                let wait =
                    actor.parts.settings.retry.delay(actor.restoring.failures, randomness::word());
                actor.restoring.failures = actor.restoring.failures.saturating_add(1);
                actor.say(why);
                ctx.run_later(wait, |actor, ctx| {
                    actor.restoring.running = false;
                    actor.restore(ctx);
                });
            }
        }));
    }

    fn serving(&mut self, answers: Answers, at: Timestamp, ctx: &mut Context<Self>) {
        self.restoring.running = false;
        self.status.last_known_good = Some(at);
        self.take_over(answers);
        self.status.generation = self.parts.snapshot.load().generation;
        self.parts.status.publish(self.status.clone());
        tracing::warn!(
            age_seconds = at.seconds_until(clock::now()),
            "core has not answered yet: what it said last is served, from the session store"
        );
        if self.restoring.refused {
            // Core said so while it was being loaded.
            self.withdraw(ctx);
        }
    }

    /// Takes back what is served, if it comes from the store.
    fn withdraw(&mut self, ctx: &mut Context<Self>) {
        if self.status.last_known_good.take().is_none() {
            return;
        }
        let book = Rc::clone(&self.book);
        let job = async move { book.lock().await.withdraw() };
        ctx.spawn(job.into_actor(self).map(|(), actor, _| {
            actor.status.generation = 0;
            actor.parts.status.publish(actor.status.clone());
        }));
    }

    /// Says why there is nothing to serve, once as long as it is the same.
    fn say(&mut self, why: NoneKept) {
        let same = match (&self.restoring.said, &why) {
            (Some(NoneKept::Store(_)), NoneKept::Store(_)) => true,
            (said, why) => said.as_ref() == Some(why),
        };
        if same {
            return;
        }
        match &why {
            NoneKept::Store(error) => tracing::warn!(
                %error,
                "core has not answered yet, and what it said last cannot be read; both are tried \
                 again and again"
            ),
            NoneKept::Nothing => tracing::info!(
                "core has not answered yet, and nothing it said before is kept for this token"
            ),
            _ => tracing::warn!(
                reason = %why,
                "core has not answered yet, and what was kept of its last configuration is ignored"
            ),
        }
        self.restoring.said = Some(why);
    }

    /// Keeps what core said for a start without it, if it is not kept already.
    pub(super) fn keep(&mut self, said: ToKeep, ctx: &mut Context<Self>) {
        let Some(kept) = self.parts.last_good.clone() else { return };
        if self.restoring.keeping {
            self.restoring.next = Some(said);
            return;
        }
        self.restoring.keeping = true;
        let limit = self.parts.settings.store_timeout;
        let job = async move {
            let keep = kept.keep(said, clock::now());
            tokio::time::timeout(limit, keep).await.unwrap_or_else(|_| Err(late()))
        };
        ctx.spawn(job.into_actor(self).map(|kept, actor, ctx| {
            actor.restoring.keeping = false;
            match kept {
                Ok(()) => {
                    actor.restoring.keep_failed = false;
                    tracing::debug!("what core said is kept for a start without it");
                    actor.status.kept = Some(clock::now());
                    actor.parts.status.publish(actor.status.clone());
                }
                Err(error) => {
                    if !std::mem::replace(&mut actor.restoring.keep_failed, true) {
                        tracing::warn!(
                            %error,
                            "the configuration cannot be kept for a start without core; it is tried \
                             again at each refresh"
                        );
                    }
                }
            }
            if let Some(next) = actor.restoring.next.take() {
                actor.keep(next, ctx);
            }
        }));
    }
}

/// Loads what was kept and makes it the configuration in effect, as a refresh does.
async fn restored(kept: Arc<LastGood>, parts: RegistryParts, book: Rc<Mutex<Book>>) -> Restored {
    let limit = parts.settings.store_timeout;
    let load = async {
        let kept = tokio::time::timeout(limit, kept.load(clock::now())).await;
        let kept = kept.unwrap_or_else(|_| Err(late().into()))?;
        Ok((kept.at, KeptCore::new(kept.contents)?))
    };
    let (at, core) = match load.await {
        Ok(loaded) => loaded,
        Err(why) => return Restored::Nothing(why),
    };
    // Whoever says what it holds in memory fails at nothing.
    let Ok(mut answers) = book::ask(&core, limit).await else {
        return Restored::Nothing(NoneKept::Malformed);
    };
    answers.kept_at = Some(at);
    let mut book = book.lock().await;
    let refused = parts.status.load().last_error.as_ref().is_some_and(ApiError::is_refusal);
    if refused || parts.snapshot.load().is_loaded() {
        return Restored::Needless;
    }
    book.apply(&core, &mut answers).await;
    Restored::Served(Box::new(answers), at)
}

fn late() -> StoreError {
    StoreError::Unavailable("it does not answer in time".to_owned())
}
