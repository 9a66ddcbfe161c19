//! The link to one server: a connection that all commands share, and who keeps it.
//!
//! A server that is away costs nobody any time: once a command has failed for want of an answer,
//! all others fail at once, while one task connects anew.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, Pipeline, Value};
use outpost_decision::backoff::Backoff;
use outpost_decision::time::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::dial::{Dialed, Dialer, Driver};
use super::failure::Failure;
use super::lane::{FIELDS, NoAnswer};
use super::lanes::Lanes;
use super::options::{RedisAddress, RedisLogin};
use super::sentinel::Sentinels;
use super::wire::Values;
use crate::{clock, randomness};

/// Waits between attempts to connect; the first one comes at once.
const BACKOFF: Backoff =
    Backoff { shortest: Duration::from_millis(50), longest: Duration::from_secs(1) };

/// A connection that has lasted for so long was a good one: the next attempt comes at once.
const STEADY: Duration = Duration::from_secs(1);

/// Between two questions to Sentinels whether the master is still the same: one that was cut off
/// from them goes on as if it were.
const STILL_MASTER: Duration = Duration::from_secs(1);

/// Which server a link leads to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// This one.
    Server(RedisAddress),
    /// The one that Sentinels say is the master.
    Master(Arc<Sentinels>),
}

/// How links are made.
#[derive(Clone)]
pub(super) struct LinkParts {
    pub(super) runtime: Handle,
    pub(super) dialer: Dialer,
    pub(super) login: RedisLogin,
    pub(super) database: i64,
    pub(super) timeout: Duration,
}

/// How a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The first attempt to connect is under way.
    Connecting,
    /// Commands are answered.
    Up {
        /// Since when.
        since: Timestamp,
    },
    /// Nobody can be asked.
    Down {
        /// Since when.
        since: Timestamp,
        /// Why; holds no secrets.
        reason: String,
    },
}

/// What commands need of a standing connection.
#[derive(Clone)]
pub(super) struct Connected {
    connection: MultiplexedConnection,
    pub(super) server: RedisAddress,
    /// Where it has been found.
    pub(super) peer: SocketAddr,
    /// Tells this connection from those before and after it.
    pub(super) number: u64,
}

#[derive(Clone)]
enum State {
    /// An attempt is under way that may well succeed at once: worth a wait.
    Connecting,
    Up(Connected, Timestamp),
    Down(Timestamp, String),
}

/// The link. Its connection closes and its task ends when it is dropped.
pub(super) struct Link {
    state: Arc<watch::Sender<State>>,
    parts: LinkParts,
    lanes: Lanes,
    keeper: AbortHandle,
}

impl Link {
    /// A link that begins to connect.
    pub(super) fn new(parts: LinkParts, target: Target) -> Self {
        let state = Arc::new(watch::Sender::new(State::Connecting));
        let keeper = Keeper { state: Arc::clone(&state), parts: parts.clone(), target };
        let keeper = parts.runtime.spawn(keeper.run()).abort_handle();
        Self { state, parts, lanes: Lanes::default(), keeper }
    }

    /// How it is.
    pub(super) fn reach(&self) -> Reach {
        match &*self.state.borrow() {
            State::Connecting => Reach::Connecting,
            State::Up(_, since) => Reach::Up { since: *since },
            State::Down(since, reason) => Reach::Down { since: *since, reason: reason.clone() },
        }
    }

    /// The connection, if there is one or will be in a moment.
    pub(super) async fn connected(&self) -> Result<Connected, Failure> {
        let mut watched = self.state.subscribe();
        let settled = watched.wait_for(|state| !matches!(state, State::Connecting));
        match tokio::time::timeout(self.parts.timeout, settled).await {
            Ok(Ok(state)) => match &*state {
                State::Up(connected, _) => Ok(connected.clone()),
                State::Down(_, reason) => Err(Failure::Link(reason.clone())),
                State::Connecting => Err(Failure::Link("connecting".to_owned())),
            },
            Ok(Err(_)) => Err(Failure::Link("the store has been closed".to_owned())),
            Err(_) => Err(Failure::Link("still connecting".to_owned())),
        }
    }

    /// Has a command done.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Value, Failure> {
        let connected = self.connected().await?;
        let mut connection = connected.connection.clone();
        let asked = command.query_async(&mut connection);
        self.judged(&connected, self.parts.timeout, asked).await
    }

    /// The fields of a hash, where this runtime has a connection of its own that says so.
    ///
    /// # Errors
    /// When the server does not answer. `None`, when the link is to be asked.
    pub(super) async fn read(
        &self,
        hash: &str,
        fields: &[&str; FIELDS],
    ) -> Result<Option<Values<FIELDS>>, Failure> {
        let lane = match &*self.state.borrow() {
            State::Up(connected, _) => self.lanes.beside(connected, &self.parts),
            State::Connecting | State::Down(..) => None,
        };
        let Some(lane) = lane else { return Ok(None) };
        match lane.ask(hash, fields).await {
            // What was told by a server that the link has left meanwhile is not believed.
            Ok(values) => Ok(Some(values).filter(|_| self.is_up(lane.number))),
            Err(NoAnswer::AskLink) => Ok(None),
            Err(NoAnswer::Late) => {
                let reason = format!("no answer in {:?}", self.parts.timeout);
                self.give_up(lane.number, &reason);
                Err(Failure::Link(reason))
            }
        }
    }

    /// Whether this is the link's connection.
    fn is_up(&self, number: u64) -> bool {
        matches!(&*self.state.borrow(), State::Up(connected, _) if connected.number == number)
    }

    /// Has a command done for a slot that is just being moved here.
    pub(super) async fn ask_while_moving(&self, command: &Cmd) -> Result<Value, Failure> {
        let connected = self.connected().await?;
        let mut connection = connected.connection.clone();
        let mut both = Pipeline::with_capacity(2);
        both.cmd("ASKING").ignore().add_command(command.clone());
        let asked = both.query_async(&mut connection);
        let (answer,): (Value,) = self.judged(&connected, self.parts.timeout, asked).await?;
        Ok(answer)
    }

    /// A further connection to the same server, for commands that block.
    pub(super) async fn another(&self, beside: &Connected) -> Result<Blocking, Failure> {
        let parts = self.parts.clone();
        let server = beside.server.clone();
        let dialing = self.parts.runtime.spawn(async move {
            let Dialed { connection, driver, .. } =
                parts.dialer.dial(&server, &parts.login, parts.database).await?;
            let driver = parts.runtime.spawn(driver).abort_handle();
            Ok(Blocking { connection, driver })
        });
        dialing.await.unwrap_or_else(|_| Err(Failure::Link("the store has been closed".to_owned())))
    }

    /// Waits for an answer; without one, this connection is given up.
    async fn judged<T>(
        &self,
        connected: &Connected,
        limit: Duration,
        asked: impl Future<Output = ::redis::RedisResult<T>>,
    ) -> Result<T, Failure> {
        let answer = match tokio::time::timeout(limit, asked).await {
            Ok(answer) => answer.map_err(Failure::from),
            Err(_) => Err(Failure::Link(format!("no answer in {limit:?}"))),
        };
        if let Err(Failure::Link(reason)) = &answer {
            self.give_up(connected.number, reason);
        }
        answer
    }

    /// Says that a connection is of no use, unless another one is in its place already.
    fn give_up(&self, number: u64, reason: &str) {
        self.state.send_if_modified(|state| match state {
            State::Up(connected, _) if connected.number == number => {
                *state = State::Down(clock::now(), reason.to_owned());
                true
            }
            _ => false,
        });
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.reach()).finish()
    }
}

/// A connection of somebody's own, who may wait on it.
pub(super) struct Blocking {
    connection: MultiplexedConnection,
    driver: AbortHandle,
}

impl Blocking {
    /// Has a command done that may take until `limit`. After a failure, and when the wait is
    /// abandoned, this must be dropped: a late answer would be taken for the next one's.
    pub(super) async fn ask(&self, command: &Cmd, limit: Duration) -> Result<Value, Failure> {
        let mut connection = self.connection.clone();
        match tokio::time::timeout(limit, command.query_async(&mut connection)).await {
            Ok(answer) => answer.map_err(Failure::from),
            Err(_) => Err(Failure::Link(format!("no answer in {limit:?}"))),
        }
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Connects, and connects anew.
struct Keeper {
    state: Arc<watch::Sender<State>>,
    parts: LinkParts,
    target: Target,
}

impl Keeper {
    async fn run(self) {
        let (mut failures, mut number) = (0, 0);
        loop {
            match self.connect().await {
                Ok((Dialed { connection, driver, peer }, server)) => {
                    number += 1;
                    let begun = Instant::now();
                    tracing::info!(%server, "connected to the session store");
                    let connected = Connected { connection, server: server.clone(), peer, number };
                    self.state.send_replace(State::Up(connected, clock::now()));
                    let closed = self.while_it_lasts(number, &server, driver).await;
                    self.report();
                    if begun.elapsed() >= STEADY {
                        failures = 0;
                        if closed {
                            // A server that restarts, or closes what is idle: commands wait for
                            // the one attempt that tells which.
                            self.state.send_replace(State::Connecting);
                        }
                        continue;
                    }
                }
                Err(failure) => self.failed(failure),
            }
            tokio::time::sleep(BACKOFF.delay(failures, randomness::word())).await;
            failures = failures.saturating_add(1);
        }
    }

    /// Moves the connection until it closes by itself (`true`) or is given up.
    async fn while_it_lasts(&self, number: u64, server: &RedisAddress, driver: Driver) -> bool {
        let mut watched = self.state.subscribe();
        let given_up = watched.wait_for(
            |state| !matches!(state, State::Up(connected, _) if connected.number == number),
        );
        tokio::select! {
            _ = given_up => false,
            () = self.until_deposed(server) => {
                let reason = format!("{server} is the master no longer");
                self.state.send_replace(State::Down(clock::now(), reason));
                true
            }
            () = driver => {
                let reason = "the server closed the connection".to_owned();
                self.state.send_replace(State::Down(clock::now(), reason));
                true
            }
        }
    }

    /// Waits until Sentinels name another master. That they are away changes nothing.
    async fn until_deposed(&self, server: &RedisAddress) {
        let Target::Master(sentinels) = &self.target else { return std::future::pending().await };
        loop {
            tokio::time::sleep(STILL_MASTER).await;
            let named = sentinels.master(&self.parts.dialer).await;
            if named.is_ok_and(|named| named != *server) {
                return;
            }
        }
    }

    fn report(&self) {
        if let State::Down(_, reason) = &*self.state.borrow() {
            tracing::warn!(%reason, "the link to the session store is down");
        }
    }

    /// Notes a failed attempt; says so when it is the first of its kind.
    fn failed(&self, failure: Failure) {
        let reason = match failure {
            Failure::Link(reason) | Failure::Refused(reason) => reason,
            other => format!("{other:?}"),
        };
        self.state.send_if_modified(|state| {
            let since = match state {
                State::Down(since, before) if *before == reason => return false,
                State::Down(since, _) => *since,
                _ => clock::now(),
            };
            tracing::warn!(%reason, "the session store cannot be reached");
            *state = State::Down(since, reason.clone());
            true
        });
    }

    async fn connect(&self) -> Result<(Dialed, RedisAddress), Failure> {
        let LinkParts { dialer, login, database, .. } = &self.parts;
        let (mut dialed, server) = match &self.target {
            Target::Server(server) => {
                let dialed = dialer.dial(server, login, *database).await;
                (dialed.map_err(|failure| at(server, failure))?, server.clone())
            }
            Target::Master(sentinels) => sentinels.connect(dialer, login, *database).await?,
        };
        match ask_driven(&mut dialed, &::redis::cmd("PING"), self.parts.timeout).await {
            // A user who may not ask this may still do what we need.
            Ok(_) | Err(Failure::Refused(_)) => Ok((dialed, server)),
            Err(failure) => Err(at(&server, failure)),
        }
    }
}

fn at(server: &RedisAddress, failure: Failure) -> Failure {
    match failure {
        Failure::Link(reason) | Failure::Refused(reason) => {
            Failure::Link(format!("{server}: {reason}"))
        }
        other => other,
    }
}

/// Asks on a connection that nobody moves yet.
pub(super) async fn ask_driven(
    dialed: &mut Dialed,
    command: &Cmd,
    limit: Duration,
) -> Result<Value, Failure> {
    let Dialed { connection, driver, .. } = dialed;
    let asked = async {
        tokio::select! {
            answer = command.query_async(connection) => answer.map_err(Failure::from),
            () = driver => Err(Failure::Link("the server closed the connection".to_owned())),
        }
    };
    tokio::time::timeout(limit, asked)
        .await
        .unwrap_or_else(|_| Err(Failure::Link(format!("no answer in {limit:?}"))))
}
