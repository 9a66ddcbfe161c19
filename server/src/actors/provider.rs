//! One provider: its configuration and its sessions.
//!
//! The actor writes; requests read what it publishes, through the registry's snapshot. Every
//! provider has an actor of its own, so that whatever goes wrong with one (a record that does
//! not compile, a panic) stays with it.

use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, MessageResult,
    ResponseActFuture, WrapFuture,
};
use outpost_decision::compile::CompileContext;
use outpost_decision::finding::{Finding, Severity};
use outpost_decision::wire::ProviderRecord;

use super::SessionsChanged;
use super::registry::compiler::Compiler;
use super::supervisor::Shutdown;
use crate::clock;
use crate::publish::Publisher;
use crate::session::{Selection, Sessions, StoreError};
use crate::status::ProviderState;

/// Another configuration, from core. The answer is the state that follows from it.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Arc<ProviderState>")]
pub struct Reconfigure {
    /// The record.
    pub record: Arc<ProviderRecord>,
    /// What else the compiler needs to know.
    pub context: Arc<CompileContext>,
}

/// Core sent a record that cannot be read: the last good version stays in effect.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Arc<ProviderState>")]
pub struct Unreadable {
    /// What is wrong with it.
    pub error: String,
}

/// End all sessions of this provider; the answer is how many there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[rtype(result = "Result<usize, StoreError>")]
pub struct EndAll;

/// What outlives an incarnation of the actor.
#[derive(Clone, Debug)]
pub struct ProviderParts {
    /// Its state: the last good version survives a panic in here.
    pub state: Arc<Publisher<ProviderState>>,
    /// The compiler.
    pub compiler: Arc<dyn Compiler>,
    /// All sessions of this replica.
    pub sessions: Sessions,
    /// How often sessions are counted when nobody told of a change: other replicas sign people
    /// in and out, too.
    pub count_interval: Duration,
}

/// The actor. Supervised: a new incarnation starts from the state published by the one before.
#[derive(Debug)]
pub struct ProviderActor {
    parts: ProviderParts,
    state: ProviderState,
    counting: Counting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counting {
    Idle,
    Running,
    /// Something changed while counting: count once more.
    Stale,
}

impl ProviderActor {
    /// An incarnation of the actor.
    #[must_use]
    pub fn new(parts: ProviderParts) -> Self {
        let state = (*parts.state.load()).clone();
        Self { parts, state, counting: Counting::Idle }
    }

    fn publish(&self) -> Arc<ProviderState> {
        self.parts.state.publish(self.state.clone());
        self.parts.state.load()
    }

    fn count(&mut self, ctx: &mut Context<Self>) {
        if self.counting != Counting::Idle {
            self.counting = Counting::Stale;
            return;
        }
        self.counting = Counting::Running;
        let (sessions, pk) = (self.parts.sessions.clone(), self.state.pk);
        let count = async move { sessions.count(Some(pk), clock::now()).await };
        ctx.spawn(count.into_actor(self).map(|counted, actor, ctx| {
            let live = counted.ok();
            if live != actor.state.sessions.live {
                actor.state.sessions.live = live;
                actor.publish();
            }
            let stale = actor.counting == Counting::Stale;
            actor.counting = Counting::Idle;
            if stale {
                actor.count(ctx);
            }
        }));
    }

    /// The finding that stands beside the cause when an older version is served.
    fn not_in_effect(&self) -> Finding {
        let (message, remedy) = if self.state.provider.is_some() {
            (
                "the configuration in core is not in effect; the last good one still is",
                "Correct what the other findings name; it takes effect at the next refresh.",
            )
        } else {
            (
                "the provider is not served: there is no usable configuration of it",
                "Correct what the other findings name; it is served from the next refresh on.",
            )
        };
        Finding::new(Severity::Error, "provider_not_in_effect", message, remedy)
    }
}

impl Actor for ProviderActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.count(ctx);
        ctx.run_interval(self.parts.count_interval, |actor, ctx| actor.count(ctx));
    }
}

impl Handler<Reconfigure> for ProviderActor {
    type Result = MessageResult<Reconfigure>;

    fn handle(&mut self, message: Reconfigure, _: &mut Context<Self>) -> Self::Result {
        let Reconfigure { record, context } = message;
        self.state.name.clone_from(&record.name);
        match self.parts.compiler.compile(&record, &context) {
            Ok(compiled) => {
                self.state.provider = Some(Arc::new(compiled.provider));
                self.state.up_to_date = true;
                self.state.findings = compiled.findings;
            }
            Err(findings) => {
                self.state.up_to_date = false;
                self.state.findings = findings;
                self.state.findings.push(self.not_in_effect());
            }
        }
        MessageResult(self.publish())
    }
}

impl Handler<Unreadable> for ProviderActor {
    type Result = MessageResult<Unreadable>;

    fn handle(&mut self, message: Unreadable, _: &mut Context<Self>) -> Self::Result {
        self.state.up_to_date = false;
        self.state.findings = vec![unreadable_finding(&message.error), self.not_in_effect()];
        MessageResult(self.publish())
    }
}

/// The finding about a record that cannot be read.
pub(super) fn unreadable_finding(error: &str) -> Finding {
    Finding::new(
        Severity::Error,
        "provider_unreadable",
        format!("core's record of the provider cannot be read: {error}"),
        "Save the provider once more in core; check that core's version is supported.",
    )
}

impl Handler<EndAll> for ProviderActor {
    type Result = ResponseActFuture<Self, Result<usize, StoreError>>;

    fn handle(&mut self, _: EndAll, _: &mut Context<Self>) -> Self::Result {
        let (sessions, pk) = (self.parts.sessions.clone(), self.state.pk);
        let end = async move { sessions.end(&Selection::Provider(pk)).await };
        Box::pin(end.into_actor(self).map(|ended, actor, ctx| {
            let ended = ended?.len();
            actor.state.sessions.ended += u64::try_from(ended).unwrap_or(u64::MAX);
            actor.publish();
            actor.count(ctx);
            Ok(ended)
        }))
    }
}

impl Handler<SessionsChanged> for ProviderActor {
    type Result = ();

    fn handle(&mut self, _: SessionsChanged, ctx: &mut Context<Self>) {
        self.count(ctx);
    }
}

impl Handler<Shutdown> for ProviderActor {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
