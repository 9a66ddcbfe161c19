//! How actors are reached: by handles that outlive any one incarnation.
//!
//! An `Addr` points at one incarnation. Once that has died, `do_send` to it is silently lost. A
//! handle follows the supervisor's rebuilds and says when nobody was there.

use std::fmt;
use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use thiserror::Error;
use tokio::sync::watch;

use crate::publish::Published;

/// Nobody was there to take a message. Whoever must not lose it keeps it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the actor is being rebuilt or has ended")]
pub struct NotDelivered;

/// Somebody who takes messages of a kind, wherever they live by now.
///
/// Delivered means: in the mailbox of a live actor. An actor that then dies in a panic takes its
/// mailbox with it, so whatever must never be lost is kept outside of mailboxes.
pub trait Tell<M>: fmt::Debug + Send + Sync {
    /// Hands the message over without waiting.
    ///
    /// # Errors
    /// When nobody is there; the message is gone.
    fn tell(&self, message: M) -> Result<(), NotDelivered>;
}

/// How far a supervised actor's life may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It lives, and is rebuilt when it dies.
    Live,
    /// It is to end by itself.
    End,
    /// It did not, and is dropped.
    Drop,
}

/// A supervised actor, whichever incarnation of it lives.
pub struct ActorHandle<A: Actor<Context = Context<A>>> {
    name: Arc<str>,
    current: Published<Option<Addr<A>>>,
    stage: watch::Sender<Stage>,
}

impl<A: Actor<Context = Context<A>>> ActorHandle<A> {
    pub(super) fn new(
        name: Arc<str>,
        current: Published<Option<Addr<A>>>,
        stage: watch::Sender<Stage>,
    ) -> Self {
        Self { name, current, stage }
    }

    /// What the actor is called in logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The incarnation that lives, if one does. Not to be kept: it may die.
    #[must_use]
    pub fn addr(&self) -> Option<Addr<A>> {
        let current = self.current.load();
        current.as_ref().as_ref().filter(|addr| addr.connected()).cloned()
    }

    /// Hands a message to the incarnation that lives. Like actix' `do_send` it does not respect
    /// the mailbox's capacity; unlike it, it says when nobody was there.
    ///
    /// # Errors
    /// When the actor is being rebuilt or has ended.
    pub fn do_send<M>(&self, message: M) -> Result<(), NotDelivered>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        Context<A>: ToEnvelope<A, M>,
    {
        self.addr().ok_or(NotDelivered)?.do_send(message);
        Ok(())
    }

    /// Hands a message over and waits for the answer. Dropping the future cancels the message:
    /// not for what must not die with a client's connection.
    ///
    /// # Errors
    /// When nobody was there, or the actor died before it answered.
    pub async fn ask<M>(&self, message: M) -> Result<M::Result, NotDelivered>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        Context<A>: ToEnvelope<A, M>,
    {
        self.addr().ok_or(NotDelivered)?.send(message).await.map_err(|_| NotDelivered)
    }

    /// Waits until an incarnation has started and gives its address; `None` when the actor has
    /// ended for good.
    pub async fn started(&self) -> Option<Addr<A>> {
        let live = |current: &Option<Addr<A>>| current.as_ref().is_some_and(Addr::connected);
        self.current.wait_for(live).await.and_then(|current| (*current).clone())
    }

    /// Ends the actor for good, even while it is being rebuilt: it is told
    /// [`super::supervisor::Shutdown`] and may take its time.
    pub fn end(&self) {
        self.stage.send_if_modified(|stage| {
            let later = *stage < Stage::End;
            *stage = (*stage).max(Stage::End);
            later
        });
    }

    /// Waits until the actor has ended for good.
    pub async fn ended(&self) {
        let _ = self.current.wait_for(|_| false).await;
    }
}

impl<A: Actor<Context = Context<A>>> Clone for ActorHandle<A> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            current: self.current.clone(),
            stage: self.stage.clone(),
        }
    }
}

impl<A: Actor<Context = Context<A>>> fmt::Debug for ActorHandle<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorHandle").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<A, M> Tell<M> for ActorHandle<A>
where
    A: Actor<Context = Context<A>> + Handler<M>,
    Context<A>: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn tell(&self, message: M) -> Result<(), NotDelivered> {
        self.do_send(message)
    }
}

impl<M> Tell<M> for Recipient<M>
where
    M: Message + Send + fmt::Debug + 'static,
    M::Result: Send,
{
    fn tell(&self, message: M) -> Result<(), NotDelivered> {
        if !self.connected() {
            return Err(NotDelivered);
        }
        self.do_send(message);
        Ok(())
    }
}
