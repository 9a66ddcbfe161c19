//! The websocket actor: carries out what the link machine decides (contract 4).
//!
//! Whom to connect to comes from the published snapshot, so that a link rebuilt after a panic
//! finds it again by itself. The version core expects is learned after the first ack of each
//! connection, since core may have been upgraded meanwhile, and since core tells it beside an
//! instance that has said hello only.

use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, SpawnHandle,
    WrapFuture,
};
use outpost_decision::coverage::Hearing;
use outpost_decision::link::{
    ConnectFailure, DownCause, Effect, Event, Link, LinkState, LinkTiming, RefreshReason,
};
use outpost_decision::time::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::handle::Tell;
use super::supervisor::Shutdown;
use super::{CoreSessionEnded, Refresh, RefreshCause};
use crate::authentik::CoreApi;
use crate::authentik::connection::CoreConnection;
use crate::authentik::rest::{RestClient, RestLimits};
use crate::authentik::websocket::{Destination, Heard, Say, WebsocketClient};
use crate::clock;
use crate::limits::LimitFigures;
use crate::publish::{Published, Publisher};
use crate::snapshot::Snapshot;
pub use crate::status::link::LinkStatus;
use crate::status::link::describe;

/// How long an ending link waits for its close frame to be answered.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long until a message that found nobody is offered again.
const OFFER_AGAIN: Duration = Duration::from_secs(1);

/// What this process tells core about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceIdentity {
    /// Random uuid of this process.
    pub uuid: String,
    /// Name of the machine.
    pub hostname: String,
    /// Our own version.
    pub build: String,
}

/// What a link is made of. Cloned for each incarnation.
#[derive(Clone, Debug)]
pub struct CoreLinkParts {
    /// How core is reached.
    pub connection: CoreConnection,
    /// The intervals.
    pub timing: LinkTiming,
    /// Who we are.
    pub instance: InstanceIdentity,
    /// Tells whom to connect to: `outpost.uuid`, once it is known, and when it changes.
    pub snapshot: Published<Snapshot>,
    /// Who refreshes.
    pub refresh: Arc<dyn Tell<Refresh>>,
    /// Who ends sessions.
    pub session_ends: Arc<dyn Tell<CoreSessionEnded>>,
    /// Where the link's state is published. Outlives incarnations, and the counters with it.
    pub status: Arc<Publisher<LinkStatus>>,
    /// Uniformly random words for the waits: [`crate::randomness::word`].
    pub random: fn() -> u32,
    /// How much of the answers of core's API is taken.
    pub rest_limits: RestLimits,
    /// Largest message, and largest frame, of core's, in bytes.
    pub message_bytes: usize,
    /// Where larger ones are counted.
    pub limits: LimitFigures,
}

/// The actor.
pub struct CoreLink {
    parts: CoreLinkParts,
    machine: Link,
    status: LinkStatus,
    began: Instant,
    websocket: Rc<WebsocketClient>,
    rest: Rc<RestClient>,
    outpost: String,
    socket: Option<Socket>,
    /// Counts connections up, so that what an abandoned one still says is told apart.
    epoch: u64,
    tick: Option<SpawnHandle>,
    /// When the hellos were sent that core has not acknowledged on this connection, oldest first.
    hellos: VecDeque<Timestamp>,
    /// Session ends that found nobody.
    undelivered: VecDeque<CoreSessionEnded>,
    /// Whether they are about to be offered again.
    offering: bool,
}

/// The connection that is open or being opened.
struct Socket {
    say: mpsc::Sender<Say>,
    task: JoinHandle<()>,
}

impl CoreLink {
    /// A link on the calling thread.
    #[must_use]
    pub fn new(parts: CoreLinkParts) -> Self {
        let before = parts.status.load();
        let mut machine = Link::new(parts.timing);
        machine.count_on(before.counters);
        Self {
            machine,
            status: LinkStatus {
                state: LinkState::Idle,
                since: clock::now(),
                hearing: None,
                ..(*before).clone()
            },
            began: Instant::now(),
            websocket: Rc::new(WebsocketClient::new(
                parts.connection.clone(),
                parts.message_bytes,
                parts.limits.clone(),
            )),
            rest: Rc::new(RestClient::new(parts.connection.clone(), parts.rest_limits)),
            outpost: String::new(),
            socket: None,
            epoch: 0,
            tick: None,
            hellos: VecDeque::new(),
            undelivered: VecDeque::new(),
            offering: false,
            parts,
        }
    }

    fn happen(&mut self, event: &Event, ctx: &mut Context<Self>) {
        let effects = self.machine.step(event, self.began.elapsed(), (self.parts.random)());
        for effect in effects {
            self.carry_out(effect, ctx);
        }
        self.status.attempt = self.machine.attempt();
        self.status.counters = self.machine.counters();
        self.parts.status.publish(self.status.clone());
    }

    fn carry_out(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        match effect {
            Effect::Connect { attempt } => self.connect(attempt, ctx),
            Effect::SendHello => {
                let now = clock::now();
                self.status.last_hello = Some(now);
                self.hellos.push_back(now);
                self.say(Say::Text(self.hello()));
            }
            Effect::Close(code) => {
                self.epoch += 1;
                self.say(Say::Close(code));
            }
            Effect::RequestRefresh(reason) => self.request_refresh(reason),
            Effect::EndSession(sid) => {
                self.undelivered.push_back(CoreSessionEnded { sid });
                if !self.offering {
                    self.deliver(ctx);
                }
            }
            Effect::ReportState(state) => self.report(state, ctx),
            Effect::ScheduleTick(at) => {
                if let Some(earlier) = self.tick.take() {
                    ctx.cancel_future(earlier);
                }
                let wait = at.saturating_sub(self.began.elapsed());
                self.tick = Some(ctx.run_later(wait, |link, ctx| {
                    link.tick = None;
                    link.happen(&Event::Tick, ctx);
                }));
            }
        }
    }

    fn connect(&mut self, attempt: u32, ctx: &mut Context<Self>) {
        self.epoch += 1;
        self.hellos.clear();
        let epoch = self.epoch;
        let destination = Destination {
            outpost: self.outpost.clone(),
            instance: self.parts.instance.uuid.clone(),
            attempt,
        };
        // A hello that finds no room is lost, and missing acks then end the connection.
        let (say, orders) = mpsc::channel(8);
        let (websocket, link) = (Rc::clone(&self.websocket), ctx.address());
        let task = actix::spawn(async move {
            let hear = |heard| link.do_send(FromSocket { epoch, heard });
            websocket.run(&destination, orders, hear).await;
        });
        self.socket = Some(Socket { say, task });
    }

    fn say(&self, order: Say) {
        if let Some(socket) = &self.socket {
            let _ = socket.say.try_send(order);
        }
    }

    fn hello(&self) -> String {
        let instance = &self.parts.instance;
        json!({
            "instruction": 1,
            "args": {
                "version": self.status.version,
                "buildHash": instance.build,
                "uuid": instance.uuid,
                "hostname": instance.hostname,
                "golangVersion": concat!("rust", env!("CARGO_PKG_RUST_VERSION")),
                "opensslEnabled": false,
                "opensslVersion": "",
                "fipsEnabled": false,
            }
        })
        .to_string()
    }

    fn request_refresh(&self, reason: RefreshReason) {
        let cause = match reason {
            RefreshReason::Trigger => RefreshCause::Trigger,
            RefreshReason::Reconnected => RefreshCause::Reconnected,
        };
        if self.parts.refresh.tell(Refresh { cause }).is_err() {
            // A registry that is being rebuilt refreshes when it starts.
            tracing::debug!(?cause, "nobody takes the refresh");
        }
    }

    /// Core answers hellos in order, and what it said before an answer comes before it: whatever
    /// it said until the hello was *sent* has arrived. When the answer came says less.
    fn acknowledged(&mut self) {
        self.status.last_ack = Some(clock::now());
        if let (Some(sent), Some(hearing)) = (self.hellos.pop_front(), &mut self.status.hearing) {
            hearing.until = hearing.until.max(sent);
        }
    }

    /// Hands session ends on; those that find nobody are offered again.
    fn deliver(&mut self, ctx: &mut Context<Self>) {
        while let Some(ended) = self.undelivered.front() {
            if self.parts.session_ends.tell(ended.clone()).is_err() {
                self.offering = true;
                ctx.run_later(OFFER_AGAIN, |link, ctx| {
                    link.offering = false;
                    link.deliver(ctx);
                });
                return;
            }
            self.undelivered.pop_front();
        }
    }

    fn report(&mut self, state: LinkState, ctx: &mut Context<Self>) {
        let before = std::mem::replace(&mut self.status.state, state);
        self.status.since = clock::now();
        self.status.hearing = (state == LinkState::Up).then(|| Hearing {
            connection: format!(
                "{}/{}",
                self.parts.instance.uuid,
                self.machine.counters().connects
            ),
            since: self.status.since,
            until: self.status.since,
        });
        match state {
            LinkState::Idle => {}
            LinkState::Connecting => tracing::info!(outpost = self.outpost, "connecting to core"),
            LinkState::Up => {
                self.status.last_error = None;
                tracing::info!(outpost = self.outpost, "the websocket to core is up");
                self.learn_version(ctx);
            }
            LinkState::Down(cause) => {
                if cause == DownCause::NoAck {
                    self.status.last_error = Some(describe(cause));
                }
                let error = self.status.last_error.as_deref();
                // Another cause of what is known is news only where somebody may have to act.
                let known = matches!(before, LinkState::Down(_));
                if known && !matches!(cause, DownCause::Refused(_)) {
                    tracing::debug!(error, "the websocket to core stays down");
                } else {
                    tracing::warn!(
                        error,
                        "the websocket to core is down; retrying, serving goes on"
                    );
                }
            }
            LinkState::Stopped => tracing::info!("the websocket to core is closed"),
        }
    }

    fn learn_version(&self, ctx: &mut Context<Self>) {
        let (rest, outpost, epoch) = (Rc::clone(&self.rest), self.outpost.clone(), self.epoch);
        let asked = async move { rest.expected_version(&outpost).await };
        ctx.spawn(asked.into_actor(self).map(move |answer, link, ctx| match answer {
            Ok(Some(version)) if epoch == link.epoch && version != link.status.version => {
                link.status.version = version;
                link.happen(&Event::HelloChanged, ctx);
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the version core expects is not known"),
        }));
    }

    /// Follows the outpost's uuid for as long as there is somebody to publish it.
    fn follow_identity(&self, ctx: &mut Context<Self>) {
        let snapshot = self.parts.snapshot.clone();
        let known = self.outpost.clone();
        let changed = async move {
            let new = |snapshot: &Snapshot| {
                !snapshot.outpost.uuid.is_empty() && snapshot.outpost.uuid != known
            };
            snapshot.wait_for(new).await.map(|snapshot| snapshot.outpost.uuid.clone())
        };
        ctx.spawn(changed.into_actor(self).map(|uuid, link, ctx| {
            if let Some(uuid) = uuid {
                link.outpost = uuid;
                link.happen(&Event::Start, ctx);
                link.follow_identity(ctx);
            }
        }));
    }
}

impl Actor for CoreLink {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.follow_identity(ctx);
    }
}

/// What the connection of an epoch tells.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct FromSocket {
    epoch: u64,
    heard: Heard,
}

impl Handler<FromSocket> for CoreLink {
    type Result = ();

    fn handle(&mut self, FromSocket { epoch, heard }: FromSocket, ctx: &mut Self::Context) {
        let event = match heard {
            Heard::Text(text) if epoch != self.epoch => Event::LateFrame(text),
            _ if epoch != self.epoch => return,
            Heard::Text(text) => Event::Frame(text),
            Heard::Opened => Event::Connected,
            Heard::Refused(status) => {
                self.status.last_error = Some(describe(DownCause::Refused(status)));
                Event::ConnectFailed(ConnectFailure::Refused(status))
            }
            Heard::Unreachable(error) => {
                tracing::debug!(error, attempt = self.status.attempt, "core cannot be reached");
                self.status.last_error = Some(error);
                Event::ConnectFailed(ConnectFailure::Unreachable)
            }
            Heard::Closed(code) => {
                self.status.last_error = Some(describe(DownCause::Closed(code)));
                Event::PeerClosed(code)
            }
        };
        let acks = self.machine.counters().acks;
        self.happen(&event, ctx);
        if self.machine.counters().acks > acks {
            self.acknowledged();
            self.parts.status.publish(self.status.clone());
        }
    }
}

impl Handler<Shutdown> for CoreLink {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) {
        self.happen(&Event::Stop, ctx);
        let Some(socket) = self.socket.take() else { return ctx.stop() };
        let farewell = tokio::time::timeout(FAREWELL, socket.task);
        ctx.wait(farewell.into_actor(self).map(|_, _, ctx| ctx.stop()));
    }
}

impl fmt::Debug for CoreLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoreLink").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
