//! The websocket link to core as a state machine without IO (contract 4).
//!
//! Whoever drives it feeds [`Event`]s with the time and a random word, and carries out the
//! [`Effect`]s that come back, in order. Time is a [`Duration`] since any fixed moment.
//!
//! Triggers are coalesced here while a refresh waits for its random offset. What happens to a
//! trigger during a *running* refresh is the registry's business: it alone knows of refreshes
//! that others asked for.

use std::time::Duration;

use crate::backoff::{Backoff, part_of};

mod frame;

/// Close code of a link that ends on purpose (RFC 6455, 7.4.1).
pub const CLOSE_NORMAL: u16 = 1000;
/// Close code towards a peer that stopped answering (RFC 6455, 7.4.1).
pub const CLOSE_GOING_AWAY: u16 = 1001;

/// The link's intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkTiming {
    /// Between hellos. Core forgets an instance after 15 s.
    pub hello_every: Duration,
    /// Hellos in a row without an ack that make the peer count as dead.
    pub hellos_without_ack: u32,
    /// The waits before reconnecting.
    pub backoff: Backoff,
    /// A refresh that core triggers waits a random part of this (`core.refresh_jitter`).
    pub refresh_jitter: Duration,
}

impl Default for LinkTiming {
    fn default() -> Self {
        Self {
            hello_every: Duration::from_secs(10),
            hellos_without_ack: 2,
            backoff: Backoff::default(),
            refresh_jitter: Duration::from_secs(10),
        }
    }
}

/// What happens to the link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is known where to connect to. While running: connect anew, the place has changed.
    Start,
    /// The connection asked for stands.
    Connected,
    /// The connection asked for could not be made.
    ConnectFailed(ConnectFailure),
    /// A text frame from core.
    Frame(String),
    /// A text frame that came on a connection closed by [`Effect::Close`]: a session end in it
    /// counts, an ack does not.
    LateFrame(String),
    /// Core closed the connection, or it broke: then there is no code.
    PeerClosed(Option<u16>),
    /// What the hello says has changed: core is told at once.
    HelloChanged,
    /// The time of [`Effect::ScheduleTick`] has come. Early and needless ticks do no harm.
    Tick,
    /// The program ends.
    Stop,
}

/// Why a connection could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectFailure {
    /// Core answered, but not with an upgrade. 403: token, outpost or path.
    Refused(u16),
    /// No answer.
    Unreachable,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a connection. There is never another one open or being opened.
    Connect {
        /// How many connections in a row have failed before this one.
        attempt: u32,
    },
    /// Send a hello.
    SendHello,
    /// Close the connection, or give up opening it, without waiting. Nothing more of it counts.
    Close(u16),
    /// Ask for a refresh.
    RequestRefresh(RefreshReason),
    /// End the sessions that hang on this session of core.
    EndSession(String),
    /// The state has changed. Comes once per change, never per retry.
    ReportState(LinkState),
    /// Wake the link at this time. Replaces the time asked for before.
    ScheduleTick(Duration),
}

/// Why the link wants a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefreshReason {
    /// Core said so.
    Trigger,
    /// The link is up; a trigger may have been missed while it was not.
    Reconnected,
}

/// What the link says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// Does not know yet where to connect to.
    Idle,
    /// Connects for the first time.
    Connecting,
    /// Core acknowledges hellos.
    Up,
    /// Not connected; retrying forever.
    Down(DownCause),
    /// Ended on purpose.
    Stopped,
}

/// Why the link is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DownCause {
    /// Core refused the connection with this status.
    Refused(u16),
    /// Core could not be reached.
    Unreachable,
    /// Core closed the connection with this code, or it broke.
    Closed(Option<u16>),
    /// Core did not acknowledge hellos.
    NoAck,
}

/// What has been seen, since the machine was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Connections made.
    pub connects: u64,
    /// Connections that could not be made.
    pub connect_failures: u64,
    /// Connections that core closed or that broke.
    pub closed: u64,
    /// Connections given up for want of acks.
    pub dead: u64,
    /// Hellos sent.
    pub hellos: u64,
    /// Acks received (instruction 0).
    pub acks: u64,
    /// Triggers received (instruction 2).
    pub triggers: u64,
    /// Refreshes asked for.
    pub refreshes: u64,
    /// Provider specific messages, ignored (instruction 3).
    pub provider_specific: u64,
    /// Session ends received (instruction 4).
    pub session_ends: u64,
    /// Instructions nobody knows.
    pub unknown: u64,
    /// Frames that make no sense.
    pub malformed: u64,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Link {
    timing: LinkTiming,
    phase: Phase,
    state: LinkState,
    /// The number of the connection under way; 0 again once core has acknowledged one.
    attempt: u32,
    refresh: Option<(Duration, RefreshReason)>,
    scheduled: Option<Duration>,
    counters: LinkCounters,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Idle,
    Connecting,
    Connected { next_hello: Duration, unacknowledged: u32, acknowledged: bool },
    Waiting { until: Duration },
    Stopped,
}

impl Link {
    /// A link that waits for [`Event::Start`].
    #[must_use]
    pub fn new(timing: LinkTiming) -> Self {
        Self {
            timing,
            phase: Phase::Idle,
            state: LinkState::Idle,
            attempt: 0,
            refresh: None,
            scheduled: None,
            counters: LinkCounters::default(),
        }
    }

    /// Counts on from what a machine before this one had seen.
    pub fn count_on(&mut self, counters: LinkCounters) {
        self.counters = counters;
    }

    /// The state last reported.
    #[must_use]
    pub fn state(&self) -> LinkState {
        self.state
    }

    /// What has been seen.
    #[must_use]
    pub fn counters(&self) -> LinkCounters {
        self.counters
    }

    /// How many connections in a row have failed.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Takes an event that happens at `now`; `random` is a uniformly random word. Events that
    /// have no meaning in the present phase are ignored.
    pub fn step(&mut self, event: &Event, now: Duration, random: u32) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Start => self.start(&mut effects),
            Event::Connected => self.connected(now, &mut effects),
            Event::ConnectFailed(failure) => {
                if matches!(self.phase, Phase::Connecting) {
                    self.counters.connect_failures += 1;
                    let cause = match failure {
                        ConnectFailure::Refused(status) => DownCause::Refused(*status),
                        ConnectFailure::Unreachable => DownCause::Unreachable,
                    };
                    self.wait(cause, now, random, &mut effects);
                }
            }
            Event::Frame(text) => self.frame(frame::read(text), now, random, &mut effects),
            Event::LateFrame(text) => match frame::read(text) {
                frame::Instruction::Ack => {}
                other => self.frame(other, now, random, &mut effects),
            },
            Event::PeerClosed(code) => {
                if matches!(self.phase, Phase::Connected { .. }) {
                    self.counters.closed += 1;
                    self.wait(DownCause::Closed(*code), now, random, &mut effects);
                }
            }
            Event::HelloChanged => self.hello(now, &mut effects),
            Event::Tick => self.tick(now, random, &mut effects),
            Event::Stop => self.stop(&mut effects),
        }
        self.schedule(&mut effects);
        effects
    }

    fn start(&mut self, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Stopped => return,
            Phase::Connecting | Phase::Connected { .. } => {
                effects.push(Effect::Close(CLOSE_NORMAL))
            }
            Phase::Idle | Phase::Waiting { .. } => {}
        }
        self.attempt = 0;
        self.report(LinkState::Connecting, effects);
        self.connect(effects);
    }

    fn connect(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Connecting;
        effects.push(Effect::Connect { attempt: self.attempt });
    }

    fn connected(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if !matches!(self.phase, Phase::Connecting) {
            return;
        }
        self.counters.connects += 1;
        self.phase = Phase::Connected { next_hello: now, unacknowledged: 0, acknowledged: false };
        self.hello(now, effects);
    }

    fn hello(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if let Phase::Connected { next_hello, unacknowledged, .. } = &mut self.phase {
            *next_hello = now.saturating_add(self.timing.hello_every);
            *unacknowledged += 1;
            self.counters.hellos += 1;
            effects.push(Effect::SendHello);
        }
    }

    fn wait(&mut self, cause: DownCause, now: Duration, random: u32, effects: &mut Vec<Effect>) {
        let delay = self.timing.backoff.delay(self.attempt, random);
        self.attempt = self.attempt.saturating_add(1);
        self.phase = Phase::Waiting { until: now.saturating_add(delay) };
        self.report(LinkState::Down(cause), effects);
    }

    fn frame(
        &mut self,
        frame: frame::Instruction,
        now: Duration,
        random: u32,
        effects: &mut Vec<Effect>,
    ) {
        match frame {
            frame::Instruction::Ack => {
                self.counters.acks += 1;
                self.acknowledged(now, random, effects);
            }
            frame::Instruction::Trigger => {
                self.counters.triggers += 1;
                self.refresh_later(RefreshReason::Trigger, now, random);
            }
            frame::Instruction::ProviderSpecific => self.counters.provider_specific += 1,
            // Whatever the phase: a session that has ended has ended.
            frame::Instruction::SessionEnd(sid) => {
                self.counters.session_ends += 1;
                effects.push(Effect::EndSession(sid));
            }
            frame::Instruction::Unknown => self.counters.unknown += 1,
            frame::Instruction::Malformed => self.counters.malformed += 1,
        }
    }

    fn acknowledged(&mut self, now: Duration, random: u32, effects: &mut Vec<Effect>) {
        let Phase::Connected { unacknowledged, acknowledged, .. } = &mut self.phase else {
            return;
        };
        *unacknowledged = 0;
        if !std::mem::replace(acknowledged, true) {
            self.attempt = 0;
            self.report(LinkState::Up, effects);
            self.refresh_later(RefreshReason::Reconnected, now, random);
        }
    }

    /// A burst is one refresh: the first one's time stands.
    fn refresh_later(&mut self, reason: RefreshReason, now: Duration, random: u32) {
        if self.refresh.is_none() && !matches!(self.phase, Phase::Stopped) {
            let at = now.saturating_add(part_of(self.timing.refresh_jitter, random));
            self.refresh = Some((at, reason));
        }
    }

    fn tick(&mut self, now: Duration, random: u32, effects: &mut Vec<Effect>) {
        self.scheduled = None;
        if let Some((at, reason)) = self.refresh
            && at <= now
        {
            self.refresh = None;
            self.counters.refreshes += 1;
            effects.push(Effect::RequestRefresh(reason));
        }
        match self.phase {
            Phase::Connected { next_hello, unacknowledged, .. } if next_hello <= now => {
                if unacknowledged >= self.timing.hellos_without_ack {
                    self.counters.dead += 1;
                    effects.push(Effect::Close(CLOSE_GOING_AWAY));
                    self.wait(DownCause::NoAck, now, random, effects);
                } else {
                    self.hello(now, effects);
                }
            }
            Phase::Waiting { until } if until <= now => self.connect(effects),
            _ => {}
        }
    }

    fn stop(&mut self, effects: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Connecting | Phase::Connected { .. }) {
            effects.push(Effect::Close(CLOSE_NORMAL));
        }
        self.phase = Phase::Stopped;
        self.refresh = None;
        self.report(LinkState::Stopped, effects);
    }

    fn report(&mut self, state: LinkState, effects: &mut Vec<Effect>) {
        if self.state != state {
            self.state = state;
            effects.push(Effect::ReportState(state));
        }
    }

    fn schedule(&mut self, effects: &mut Vec<Effect>) {
        let phase = match self.phase {
            Phase::Connected { next_hello, .. } => Some(next_hello),
            Phase::Waiting { until } => Some(until),
            Phase::Idle | Phase::Connecting | Phase::Stopped => None,
        };
        let refresh = self.refresh.map(|(at, _)| at);
        let next = phase.into_iter().chain(refresh).min();
        if next != self.scheduled {
            self.scheduled = next;
            effects.extend(next.map(Effect::ScheduleTick));
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
