//! Hears what other replicas end, through the log of the store that all share.
//!
//! What is heard takes effect in [`Sessions`] at once; the providers' actors are told that there
//! is something to count. While the log cannot be read, the replica's cache is not believed: that
//! is [`crate::session::currency`]'s business, and needs nobody to notice anything here.

use std::sync::Arc;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use outpost_decision::backoff::Backoff;

use super::SessionsChanged;
use super::handle::Tell;
use super::supervisor::Shutdown;
use crate::randomness;
use crate::session::follow::Follower;
use crate::session::{Sessions, providers_of};

/// The actor. Supervised: a new incarnation doubts all that is cached and begins anew.
#[derive(Clone, Debug)]
pub struct RevocationLogActor {
    sessions: Sessions,
    changed: Arc<dyn Tell<SessionsChanged>>,
    backoff: Backoff,
}

impl RevocationLogActor {
    /// Follows the log of `sessions`' store, tells `changed`, waits by `backoff` while the store
    /// is away.
    #[must_use]
    pub fn new(
        sessions: Sessions,
        changed: Arc<dyn Tell<SessionsChanged>>,
        backoff: Backoff,
    ) -> Self {
        Self { sessions, changed, backoff }
    }
}

impl Actor for RevocationLogActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(follower) = Follower::new(&self.sessions) {
            let work = follow(follower, Arc::clone(&self.changed), self.backoff);
            ctx.spawn(work.into_actor(self));
        }
    }
}

impl Handler<Shutdown> for RevocationLogActor {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// Looks at the log, forever.
async fn follow(mut follower: Follower, changed: Arc<dyn Tell<SessionsChanged>>, backoff: Backoff) {
    let mut failures = 0;
    loop {
        match follower.step().await {
            Ok(ended) => {
                if std::mem::take(&mut failures) > 0 {
                    tracing::info!("the session store is back");
                }
                for provider in providers_of(&ended) {
                    // Not delivered: the new incarnation counts anew.
                    let _ = changed.tell(SessionsChanged { provider });
                }
            }
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(
                        %error,
                        "what other replicas end cannot be heard; nothing cached is believed"
                    );
                }
                tokio::time::sleep(backoff.delay(failures, randomness::word())).await;
                failures = failures.saturating_add(1);
            }
        }
    }
}
