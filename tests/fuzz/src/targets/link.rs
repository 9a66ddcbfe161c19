//! Lines: text frames from core, one after the other. Lines that begin with `!` are something else
//! that happens to the link: see [`event`].

use std::time::Duration;

use outpost_decision::link::{ConnectFailure, Effect, Event, Link, LinkState, LinkTiming};
use serde_json::Value;

use super::Target;

pub(super) const TARGET: Target = Target {
    name: "link",
    asserts: "a session ends only where core says so and names it, a refresh is asked for only when \
              one is due, at most one connection is open, and every frame is counted once",
    check,
};

fn event(line: &str) -> (Event, u64) {
    match line {
        "!start" => (Event::Start, 1),
        "!connected" => (Event::Connected, 1),
        "!refused" => (Event::ConnectFailed(ConnectFailure::Refused(403)), 1),
        "!unreachable" => (Event::ConnectFailed(ConnectFailure::Unreachable), 1),
        "!closed" => (Event::PeerClosed(Some(1012)), 1),
        "!broke" => (Event::PeerClosed(None), 1),
        "!changed" => (Event::HelloChanged, 1),
        "!tick" => (Event::Tick, 10),
        "!later" => (Event::Tick, 1000),
        "!stop" => (Event::Stop, 1),
        _ => match line.strip_prefix("!late ") {
            Some(frame) => (Event::LateFrame(frame.to_owned()), 1),
            None => (Event::Frame(line.to_owned()), 1),
        },
    }
}

/// The one connection that there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    None,
    Opening,
    Open,
}

fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut link = Link::new(LinkTiming::default());
    let mut now = Duration::ZERO;
    let mut connection = Connection::None;
    let mut stopped = false;
    for line in text.split('\n').take(200) {
        let (event, seconds) = event(line);
        now += Duration::from_secs(seconds);
        connection = match (&event, connection) {
            (Event::Connected, Connection::Opening) => Connection::Open,
            (Event::ConnectFailed(_), Connection::Opening) => Connection::None,
            (Event::PeerClosed(_), Connection::Open) => Connection::None,
            (_, as_it_was) => as_it_was,
        };
        let before = frames_counted(&link);
        let effects = link.step(&event, now, 7);
        for effect in &effects {
            assert!(
                !stopped || matches!(effect, Effect::EndSession(_)),
                "after the end: {effect:?}"
            );
            match effect {
                Effect::Connect { .. } => {
                    assert_eq!(connection, Connection::None, "a second connection");
                    connection = Connection::Opening;
                }
                Effect::Close(_) => {
                    assert_ne!(connection, Connection::None, "nothing to close");
                    connection = Connection::None;
                }
                Effect::SendHello => assert_eq!(connection, Connection::Open),
                Effect::RequestRefresh(_) => assert_eq!(event, Event::Tick),
                _ => {}
            }
        }
        let counted = frames_counted(&link) - before;
        match &event {
            Event::Frame(text) => {
                assert_eq!(counted, 1, "{text}");
                judge_frame(text, &effects);
            }
            Event::LateFrame(text) => {
                assert!(counted <= 1, "{text}");
                judge_frame(text, &effects);
            }
            _ => assert_eq!((counted, ended(&effects)), (0, vec![])),
        }
        stopped |= event == Event::Stop;
        assert_eq!(stopped, link.state() == LinkState::Stopped);
    }
    let seen = link.counters();
    assert!(seen.refreshes <= seen.triggers + seen.connects);
    assert!(seen.closed + seen.dead <= seen.connects);
}

fn frames_counted(link: &Link) -> u64 {
    let seen = link.counters();
    seen.acks
        + seen.triggers
        + seen.provider_specific
        + seen.session_ends
        + seen.unknown
        + seen.malformed
}

fn ended(effects: &[Effect]) -> Vec<&str> {
    let sids = effects.iter().filter_map(|effect| match effect {
        Effect::EndSession(sid) => Some(sid.as_str()),
        _ => None,
    });
    sids.collect()
}

/// Frames end sessions, and at most have something done later.
fn judge_frame(text: &str, effects: &[Effect]) {
    let named = named_session(text);
    let ended = ended(effects);
    // What names a field twice is no frame.
    let is_odd = text.contains("\\u")
        || text.matches("\"instruction\"").count() > 1
        || text.matches("\"args\"").count() > 1;
    match ended.as_slice() {
        [] => assert!(named.is_none() || is_odd, "{text} ends nothing"),
        [sid] => assert_eq!(named.as_deref(), Some(*sid), "{text}"),
        _ => panic!("{text} ends {ended:?}"),
    }
    let may_come = |effect: &Effect| {
        matches!(effect, Effect::EndSession(_) | Effect::ReportState(_) | Effect::ScheduleTick(_))
    };
    assert!(effects.iter().all(may_come), "{text}: {effects:?}");
}

/// The session that a frame ends, read the plain way.
fn named_session(text: &str) -> Option<String> {
    let frame: Value = serde_json::from_str(text).ok()?;
    let sid = frame.get("args")?.get("session_id")?.as_str()?;
    (frame.get("instruction")?.as_i64() == Some(4) && !sid.is_empty()).then(|| sid.to_owned())
}
