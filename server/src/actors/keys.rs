//! Fetches the key sets of all providers and publishes them (contract 8).
//!
//! Which key sets are needed is read from the published configuration; when they change is told
//! by requests (an unknown `kid`) and by the clock. Keys of a fetch that fails are kept.

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message};
use actix::{StreamHandler, WrapFuture};
use futures_util::Stream;
use futures_util::stream::unfold;
use outpost_decision::token::KeySet;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::supervisor::Shutdown;
use crate::clock;
use crate::keys::{KeyEndpoint, KeyQueue, KeyRing, KeySource, KnownKeys};
use crate::publish::{Published, Publisher};
use crate::snapshot::Snapshot;

/// How often key sets are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// After a fetch that brought nothing new, no other within this time, whoever asks. One that
    /// brought new keys, and the first, hold nothing up: a key may change again at once.
    pub shortest_interval: Duration,
    /// A key set is fetched anew after this time even if nobody asks: keys that core has
    /// withdrawn must not be believed for ever.
    pub refresh_after: Duration,
    /// A fetch that failed is tried again after this time even if nobody asks.
    pub retry_after: Duration,
    /// A fetch that takes longer has failed.
    pub fetch_timeout: Duration,
    /// How many fetches run at the same time.
    pub concurrency: usize,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            shortest_interval: Duration::from_secs(10),
            refresh_after: Duration::from_secs(15 * 60),
            retry_after: Duration::from_secs(30),
            fetch_timeout: Duration::from_secs(10),
            concurrency: 8,
        }
    }
}

/// What outlives an incarnation of the actor: both ends it holds, and its settings.
#[derive(Clone, Debug)]
pub struct KeyParts {
    /// How often key sets are fetched.
    pub settings: KeySettings,
    /// The configuration that says which key sets are in use.
    pub snapshot: Published<Snapshot>,
    /// Key sets that are in use whatever it says.
    pub also: Vec<KeyEndpoint>,
    /// Where the keys are published.
    pub ring: Arc<Publisher<KeyRing>>,
    /// What requests ask for.
    pub requests: Arc<Mutex<KeyQueue>>,
}

/// The actor. Supervised: a new incarnation starts from the keys published by the one before.
pub struct KeysActor {
    parts: KeyParts,
    source: Rc<dyn KeySource>,
    wanted: HashMap<Url, KeyEndpoint>,
    known: HashMap<Url, Arc<KnownKeys>>,
    waiting: VecDeque<Url>,
    /// In `waiting` or being fetched.
    busy: HashSet<Url>,
    fetching: usize,
}

/// Look for key sets that are due.
#[derive(Message)]
#[rtype(result = "()")]
struct Tick;

/// What the actor waits for.
enum Event {
    /// A request met an unknown `kid`.
    Asked(Url),
    /// Another configuration is in effect.
    Configured(Arc<Snapshot>),
}

impl KeysActor {
    /// An incarnation of the actor.
    #[must_use]
    pub fn new(parts: KeyParts, source: Rc<dyn KeySource>) -> Self {
        let known = parts.ring.load().sets.clone();
        Self {
            parts,
            source,
            wanted: HashMap::new(),
            known,
            waiting: VecDeque::new(),
            busy: HashSet::new(),
            fetching: 0,
        }
    }

    fn configured(&mut self, snapshot: &Snapshot) {
        let providers = snapshot.ruleset.providers();
        self.wanted = providers
            .iter()
            .filter_map(|provider| KeyEndpoint::of(provider))
            .chain(self.parts.also.iter().cloned())
            .map(|endpoint| (endpoint.url.clone(), endpoint))
            .collect();
        let before = self.known.len();
        self.known.retain(|url, _| self.wanted.contains_key(url));
        if self.known.len() != before {
            self.publish();
        }
    }

    /// Queues every key set that is due by the clock.
    fn queue_due(&mut self) {
        let now = Instant::now();
        let due: Vec<Url> =
            self.wanted.keys().filter(|url| self.is_due(url, now)).cloned().collect();
        for url in due {
            self.queue(url);
        }
    }

    fn is_due(&self, url: &Url, now: Instant) -> bool {
        let settings = &self.parts.settings;
        self.known.get(url).is_none_or(|known| {
            let wait =
                if known.error.is_some() { settings.retry_after } else { settings.refresh_after };
            now >= known.tried_at + wait
        })
    }

    /// Queues one key set, unless it is on its way or was fetched a moment ago.
    fn queue(&mut self, url: Url) {
        let too_early = self.known.get(&url).is_some_and(|k| Instant::now() < k.next_allowed);
        if !too_early && self.wanted.contains_key(&url) && self.busy.insert(url.clone()) {
            self.waiting.push_back(url);
        }
    }

    fn fetch_queued(&mut self, ctx: &mut Context<Self>) {
        while self.fetching < self.parts.settings.concurrency.max(1) {
            let Some(url) = self.waiting.pop_front() else { return };
            let Some(endpoint) = self.wanted.get(&url).cloned() else {
                self.busy.remove(&url);
                continue;
            };
            self.fetching += 1;
            let source = Rc::clone(&self.source);
            let limit = self.parts.settings.fetch_timeout;
            let fetch = async move {
                let fetched = tokio::time::timeout(limit, source.fetch(&endpoint)).await;
                fetched.unwrap_or_else(|_| Err("core did not answer in time".into()))
            };
            ctx.spawn(fetch.into_actor(self).map(move |outcome, actor, ctx| {
                actor.fetching -= 1;
                actor.busy.remove(&url);
                actor.fetched(url, outcome);
                actor.fetch_queued(ctx);
            }));
        }
    }

    fn fetched(&mut self, url: Url, outcome: Result<KeySet, String>) {
        if !self.wanted.contains_key(&url) {
            return;
        }
        let before = self.known.get(&url);
        let failed_before = before.is_some_and(|known| known.error.is_some());
        let attempts = before.map_or(0, |known| known.attempts) + 1;
        let tried_at = Instant::now();
        let pause = self.parts.settings.shortest_interval;
        let known = match outcome {
            Ok(keys) => {
                if failed_before {
                    tracing::info!(url = %url, "the key set can be fetched again");
                }
                let old = before.and_then(|known| known.keys.as_ref());
                let is_news = old.is_none_or(|old| !old.has_same_ids(&keys));
                KnownKeys {
                    keys: Some(Arc::new(keys)),
                    fetched_at: Some(clock::now()),
                    attempts,
                    error: None,
                    tried_at,
                    next_allowed: if is_news { tried_at } else { tried_at + pause },
                }
            }
            Err(error) => {
                if !failed_before {
                    tracing::warn!(
                        url = %url,
                        error,
                        "a key set cannot be fetched; keys seen before stay in effect"
                    );
                }
                KnownKeys {
                    keys: before.and_then(|known| known.keys.clone()),
                    fetched_at: before.and_then(|known| known.fetched_at),
                    attempts,
                    error: Some(error),
                    tried_at,
                    next_allowed: tried_at + pause,
                }
            }
        };
        self.known.insert(url, Arc::new(known));
        self.publish();
    }

    fn publish(&self) {
        self.parts.ring.publish(KeyRing { sets: self.known.clone() });
    }
}

impl Actor for KeysActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.add_stream(asked(Arc::clone(&self.parts.requests)));
        ctx.add_stream(configured(self.parts.snapshot.clone()));
        let pause = self.parts.settings.retry_after.min(self.parts.settings.refresh_after) / 2;
        ctx.run_interval(pause.max(Duration::from_millis(10)), |_, ctx| ctx.notify(Tick));
    }
}

impl StreamHandler<Event> for KeysActor {
    fn handle(&mut self, event: Event, ctx: &mut Context<Self>) {
        match event {
            Event::Asked(url) => self.queue(url),
            Event::Configured(snapshot) => {
                self.configured(&snapshot);
                self.queue_due();
            }
        }
        self.fetch_queued(ctx);
    }

    /// A stream that ends (its writer is gone: the program ends) does not end the actor.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl Handler<Tick> for KeysActor {
    type Result = ();

    fn handle(&mut self, _: Tick, ctx: &mut Context<Self>) {
        self.queue_due();
        self.fetch_queued(ctx);
    }
}

impl Handler<Shutdown> for KeysActor {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// What requests ask for. The queue outlives the incarnation that reads it.
fn asked(requests: Arc<Mutex<KeyQueue>>) -> impl Stream<Item = Event> {
    unfold(requests, |requests| async {
        let url = requests.lock().await.recv().await?;
        Some((Event::Asked(url), requests))
    })
}

/// The configuration in effect, then every other one.
fn configured(snapshot: Published<Snapshot>) -> impl Stream<Item = Event> {
    unfold((snapshot, None), |(reader, seen)| async move {
        let snapshot = reader.wait_for(|now| seen != Some(now.generation)).await?;
        let seen = Some(snapshot.generation);
        Some((Event::Configured(snapshot), (reader, seen)))
    })
}

#[cfg(test)]
mod tests;
