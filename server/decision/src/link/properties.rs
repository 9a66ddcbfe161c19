//! Whatever happens in whatever order, these hold.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
struct Happening {
    /// Milliseconds after the one before.
    after: u64,
    event: Event,
    random: u32,
}

fn frames() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(r#"{"instruction": 0, "args": {}}"#.to_owned()),
        2 => Just(r#"{"instruction": 2, "args": {}}"#.to_owned()),
        1 => Just(r#"{"instruction": 3, "args": {}}"#.to_owned()),
        2 => "[0-9a-f]{1,8}".prop_map(|sid| session_end(&sid)),
        1 => any::<i64>().prop_map(|number| format!(r#"{{"instruction": {number}}}"#)),
        1 => ".{0,20}",
    ]
}

fn session_end(sid: &str) -> String {
    format!(r#"{{"instruction": 4, "args": {{"session_id": "{sid}"}}}}"#)
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => Just(Event::Start),
        6 => Just(Event::Connected),
        2 => prop_oneof![
            Just(ConnectFailure::Unreachable),
            any::<u16>().prop_map(ConnectFailure::Refused)
        ].prop_map(Event::ConnectFailed),
        10 => frames().prop_map(Event::Frame),
        1 => frames().prop_map(Event::LateFrame),
        2 => any::<Option<u16>>().prop_map(Event::PeerClosed),
        1 => Just(Event::HelloChanged),
        1 => Just(Event::Tick),
    ]
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let happening = (0_u64..30_000, events(), any::<u32>())
        .prop_map(|(after, event, random)| Happening { after, event, random });
    (prop::collection::vec(happening, 0..120), any::<bool>()).prop_map(|(mut all, stops)| {
        let start = Happening { after: 0, event: Event::Start, random: 0 };
        all.insert(0, start);
        if stops {
            let middle = all.len() / 2;
            let stop = Happening { after: 0, event: Event::Stop, random: 0 };
            all.insert(middle.max(1), stop);
        }
        all
    })
}

/// What a driver of the link sees.
#[derive(Default)]
struct Model {
    now: Duration,
    tick_at: Option<Duration>,
    /// A connection is open or being opened.
    busy: bool,
    last_hello: Option<Duration>,
    last_attempt: Option<u32>,
    /// Core acknowledged, or the place changed, since the last attempt.
    forgiven: bool,
    state: Option<LinkState>,
    ended: Vec<String>,
    expected_ends: Vec<String>,
    refreshes: u64,
    wants_refresh_by: Option<Duration>,
    stopped: bool,
}

impl Model {
    fn happen(&mut self, link: &mut Link, event: &Event, random: u32) {
        let was_busy = self.busy;
        match event {
            Event::Start if !self.stopped => self.forgiven = true,
            Event::ConnectFailed(_) if was_busy && self.last_hello.is_none() => self.busy = false,
            Event::PeerClosed(_) if self.last_hello.is_some() => {
                self.busy = false;
                self.last_hello = None;
            }
            Event::Frame(text) => match frame::read(text) {
                frame::Instruction::SessionEnd(sid) => self.expected_ends.push(sid),
                frame::Instruction::Ack if self.last_hello.is_some() => self.forgiven = true,
                frame::Instruction::Trigger if !self.stopped => {
                    let latest = self.now + link.timing.refresh_jitter;
                    self.wants_refresh_by.get_or_insert(latest);
                }
                _ => {}
            },
            Event::LateFrame(text) => match frame::read(text) {
                frame::Instruction::SessionEnd(sid) => self.expected_ends.push(sid),
                frame::Instruction::Trigger if !self.stopped => {
                    let latest = self.now + link.timing.refresh_jitter;
                    self.wants_refresh_by.get_or_insert(latest);
                }
                _ => {}
            },
            Event::Stop => {
                self.stopped = true;
                self.wants_refresh_by = None;
            }
            Event::Tick => self.tick_at = None,
            _ => {}
        }
        for effect in link.step(event, self.now, random) {
            self.carry_out(effect);
        }
        self.check(link);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Connect { attempt } => {
                assert!(!self.busy, "at most one connection");
                assert!(!self.stopped);
                match self.last_attempt {
                    Some(last) if !std::mem::take(&mut self.forgiven) => {
                        assert_eq!(attempt, last.saturating_add(1), "attempts count up");
                    }
                    _ => assert!(attempt <= 1, "a success starts the count over"),
                }
                self.last_attempt = Some(attempt);
                self.busy = true;
            }
            Effect::SendHello => {
                assert!(self.busy, "hellos go to an open connection");
                self.last_hello = Some(self.now);
            }
            Effect::Close(_) => {
                assert!(self.busy, "there is something to close");
                self.busy = false;
                self.last_hello = None;
            }
            Effect::RequestRefresh(_) => {
                self.refreshes += 1;
                self.wants_refresh_by = None;
            }
            Effect::EndSession(sid) => self.ended.push(sid),
            Effect::ReportState(state) => {
                assert_ne!(self.state, Some(state), "once per change");
                self.state = Some(state);
            }
            Effect::ScheduleTick(at) => {
                assert!(at >= self.now, "not in the past");
                self.tick_at = Some(at);
            }
        }
    }

    fn check(&self, link: &Link) {
        if let Some(last) = self.last_hello {
            assert!(self.now - last <= link.timing.hello_every, "a hello at least each interval");
        }
        assert_eq!(self.ended, self.expected_ends, "no session end is lost");
        if let Some(by) = self.wants_refresh_by {
            assert!(self.now <= by, "a trigger is followed by a refresh in time");
        }
        if self.stopped {
            assert!(!self.busy);
        } else {
            assert!(self.busy || self.tick_at.is_some(), "never stuck");
        }
    }

    /// Lets time pass as a driver would: ticks come when asked for.
    fn pass(&mut self, link: &mut Link, milliseconds: u64, random: u32) {
        let until = self.now + Duration::from_millis(milliseconds);
        while let Some(at) = self.tick_at.filter(|at| *at <= until) {
            self.now = at;
            self.happen(link, &Event::Tick, random);
        }
        self.now = until;
    }
}

proptest! {
    #[test]
    fn invariants_hold_in_any_order(happenings in happenings()) {
        let mut link = Link::new(LinkTiming::default());
        let mut model = Model::default();
        for Happening { after, event, random } in &happenings {
            model.pass(&mut link, *after, *random);
            model.happen(&mut link, event, *random);
        }
        // Long enough for everything pending to come about.
        model.pass(&mut link, 30_000, 0);
        prop_assert!(model.wants_refresh_by.is_none());
        prop_assert_eq!(model.refreshes, link.counters().refreshes);
        prop_assert_eq!(model.ended.len() as u64, link.counters().session_ends);
        prop_assert_eq!(model.state, Some(link.state()));
    }
}
