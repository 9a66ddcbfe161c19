use super::*;

const ACK: &str = r#"{"instruction": 0, "args": {}}"#;
const TRIGGER: &str = r#"{"instruction": 2, "args": {}}"#;

/// Half of every random range.
const HALF: u32 = 1 << 31;

fn frame(text: &str) -> Event {
    Event::Frame(text.to_owned())
}

fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Drives a link and drops the scheduling noise, which `properties` looks at.
struct Driven(Link);

impl Driven {
    fn new() -> Self {
        Self(Link::new(LinkTiming::default()))
    }

    fn step(&mut self, event: &Event, milliseconds: u64) -> Vec<Effect> {
        let mut effects = self.0.step(event, at(milliseconds), HALF);
        effects.retain(|effect| !matches!(effect, Effect::ScheduleTick(_)));
        effects
    }

    /// Up since 0, with the refresh that follows already asked for at 5000.
    fn up() -> Self {
        let mut link = Self::new();
        link.step(&Event::Start, 0);
        link.step(&Event::Connected, 0);
        link.step(&frame(ACK), 0);
        assert_eq!(
            link.step(&Event::Tick, 5_000),
            [Effect::RequestRefresh(RefreshReason::Reconnected)]
        );
        link
    }
}

#[test]
fn the_first_connection() {
    let mut link = Driven::new();
    assert_eq!(
        link.step(&Event::Start, 0),
        [Effect::ReportState(LinkState::Connecting), Effect::Connect { attempt: 0 }]
    );
    assert_eq!(link.step(&Event::Connected, 10), [Effect::SendHello]);
    assert_eq!(link.step(&frame(ACK), 20), [Effect::ReportState(LinkState::Up)]);
    assert_eq!(
        link.step(&Event::Tick, 5_020),
        [Effect::RequestRefresh(RefreshReason::Reconnected)]
    );
    assert_eq!(link.step(&Event::Tick, 10_009), []);
    assert_eq!(link.step(&Event::Tick, 10_010), [Effect::SendHello]);
}

#[test]
fn two_hellos_without_an_ack_are_a_dead_peer() {
    let mut link = Driven::up();
    assert_eq!(link.step(&Event::Tick, 10_000), [Effect::SendHello]);
    assert_eq!(link.step(&Event::Tick, 20_000), [Effect::SendHello]);
    assert_eq!(
        link.step(&Event::Tick, 30_000),
        [Effect::Close(CLOSE_GOING_AWAY), Effect::ReportState(LinkState::Down(DownCause::NoAck))]
    );
    assert_eq!(link.0.counters().dead, 1);
    // What the dead connection still says does not count as a sign of life.
    assert_eq!(link.step(&frame(ACK), 30_100), []);
    assert_eq!(link.step(&Event::PeerClosed(Some(1000)), 30_200), []);
    assert_eq!(link.step(&Event::Tick, 31_500), [Effect::Connect { attempt: 1 }]);
}

#[test]
fn a_late_ack_is_enough() {
    let mut link = Driven::up();
    link.step(&Event::Tick, 10_000);
    link.step(&Event::Tick, 20_000);
    assert_eq!(link.step(&frame(ACK), 29_999), []);
    assert_eq!(link.step(&Event::Tick, 30_000), [Effect::SendHello]);
}

#[test]
fn every_close_is_followed_by_a_reconnect() {
    for code in [Some(1000), Some(1012), Some(1006), None] {
        let mut link = Driven::up();
        assert_eq!(
            link.step(&Event::PeerClosed(code), 6_000),
            [Effect::ReportState(LinkState::Down(DownCause::Closed(code)))]
        );
        assert_eq!(link.step(&Event::Tick, 7_499), []);
        assert_eq!(link.step(&Event::Tick, 7_500), [Effect::Connect { attempt: 1 }]);
        link.step(&Event::Connected, 7_500);
        assert_eq!(link.step(&frame(ACK), 7_500), [Effect::ReportState(LinkState::Up)]);
        assert_eq!(
            link.step(&Event::Tick, 12_500),
            [Effect::RequestRefresh(RefreshReason::Reconnected)]
        );
        assert_eq!(link.0.attempt(), 0);
    }
}

#[test]
fn attempts_count_up_and_a_state_is_reported_once() {
    let mut link = Driven::new();
    link.step(&Event::Start, 0);
    let refused = Event::ConnectFailed(ConnectFailure::Refused(403));
    assert_eq!(
        link.step(&refused, 0),
        [Effect::ReportState(LinkState::Down(DownCause::Refused(403)))]
    );
    // Half way between 1 and 2 s, 2 and 4 s, 4 and 8 s.
    for (attempt, time) in [(1, 1_500), (2, 4_500), (3, 10_500)] {
        assert_eq!(link.step(&Event::Tick, time - 1), []);
        assert_eq!(link.step(&Event::Tick, time), [Effect::Connect { attempt }]);
        assert_eq!(link.step(&refused, time), [], "once per change, not per retry");
    }
    // Accepted but never acknowledged is no success: the count goes on.
    assert_eq!(link.step(&Event::Tick, 22_500), [Effect::Connect { attempt: 4 }]);
    link.step(&Event::Connected, 22_500);
    assert_eq!(
        link.step(&Event::PeerClosed(Some(1000)), 22_500),
        [Effect::ReportState(LinkState::Down(DownCause::Closed(Some(1000))))]
    );
    assert_eq!(link.0.attempt(), 5);
}

#[test]
fn a_burst_of_triggers_is_one_refresh() {
    let mut link = Driven::up();
    for time in [6_000, 6_300, 7_000] {
        assert_eq!(link.step(&frame(TRIGGER), time), []);
    }
    assert_eq!(link.step(&Event::Tick, 10_999), [Effect::SendHello]);
    assert_eq!(link.step(&Event::Tick, 11_000), [Effect::RequestRefresh(RefreshReason::Trigger)]);
    link.step(&frame(TRIGGER), 11_001);
    assert_eq!(
        link.step(&Event::Tick, 16_001),
        [Effect::RequestRefresh(RefreshReason::Trigger)],
        "one that comes after is another"
    );
    assert_eq!(link.0.counters().triggers, 4);
}

#[test]
fn a_trigger_outlives_the_connection_it_came_on() {
    let mut link = Driven::up();
    link.step(&frame(TRIGGER), 6_000);
    link.step(&Event::PeerClosed(Some(1012)), 6_001);
    let effects = link.step(&Event::Tick, 11_000);
    assert!(effects.contains(&Effect::RequestRefresh(RefreshReason::Trigger)), "{effects:?}");
}

#[test]
fn what_is_not_for_us_is_counted() {
    let mut link = Driven::up();
    for text in [r#"{"instruction": 3, "args": {}}"#, r#"{"instruction": 42}"#, "nonsense"] {
        assert_eq!(link.step(&frame(text), 6_000), []);
    }
    let counters = link.0.counters();
    assert_eq!((counters.provider_specific, counters.unknown, counters.malformed), (1, 1, 1));
    assert_eq!(link.0.state(), LinkState::Up);
}

#[test]
fn a_session_end_is_passed_on() {
    let mut link = Driven::up();
    let end = frame(r#"{"instruction": 4, "args": {"session_id": "31bc"}}"#);
    assert_eq!(link.step(&end, 6_000), [Effect::EndSession("31bc".into())]);
}

#[test]
fn the_last_words_of_a_closed_connection() {
    let mut link = Driven::up();
    link.step(&Event::Start, 6_000);
    link.step(&Event::Connected, 6_000);
    assert_eq!(link.step(&Event::LateFrame(ACK.into()), 6_001), [], "no sign of the new one");
    let end = r#"{"instruction": 4, "args": {"session_id": "31bc"}}"#;
    assert_eq!(
        link.step(&Event::LateFrame(end.into()), 6_002),
        [Effect::EndSession("31bc".into())]
    );
}

#[test]
fn a_changed_hello_is_told_at_once() {
    let mut link = Driven::up();
    assert_eq!(link.step(&Event::HelloChanged, 6_000), [Effect::SendHello]);
    assert_eq!(link.step(&Event::Tick, 10_000), [], "and the next is counted from there");
    link.step(&Event::PeerClosed(None), 11_000);
    assert_eq!(link.step(&Event::HelloChanged, 11_500), []);
}

#[test]
fn a_place_that_changes_is_connected_to_anew() {
    let mut link = Driven::up();
    assert_eq!(
        link.step(&Event::Start, 6_000),
        [
            Effect::Close(CLOSE_NORMAL),
            Effect::ReportState(LinkState::Connecting),
            Effect::Connect { attempt: 0 }
        ]
    );
}

#[test]
fn stopping_is_final() {
    let mut link = Driven::up();
    link.step(&frame(TRIGGER), 6_000);
    assert_eq!(
        link.step(&Event::Stop, 6_001),
        [Effect::Close(CLOSE_NORMAL), Effect::ReportState(LinkState::Stopped)]
    );
    for event in [Event::Start, Event::Connected, Event::Tick, frame(TRIGGER), frame(ACK)] {
        assert_eq!(link.step(&event, 60_000), []);
    }
}
