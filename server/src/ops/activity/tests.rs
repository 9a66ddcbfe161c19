use std::time::Duration;

use outpost_dashboard::model::TrafficColumn;
use outpost_decision::decision::{Action, Decision, Reason};
use outpost_decision::skip::SkipRules;

use super::*;
use crate::ops::event::Decided;
use crate::ops::finish::tests::event;
use crate::snapshot::testing;

/// A round moment: the beginning of a column and of a minute.
const NOON: i64 = 1_800_000_000;

fn provider(pk: i64, skip: &str) -> Arc<Provider> {
    testing::provider(pk, &format!("p{pk}"), |it| it.skip = SkipRules::compile(skip).0)
}

fn decided(action: Action, rule: Option<usize>) -> Option<Decided> {
    let (reason, steps) = (Reason::Session, Vec::new());
    Some(Decided::from(Decision { action, reason, rule, dialect: None, steps }))
}

/// A request that was let through at a provider, and took no time worth speaking of.
fn request(at: i64, provider: &Arc<Provider>) -> RequestEvent {
    RequestEvent {
        at: Timestamp(at),
        duration: Duration::from_millis(1),
        provider: Some(Arc::clone(provider)),
        decided: decided(Action::Allow, None),
        status: 200,
        ..event()
    }
}

fn seen(traffic: &Traffic) -> Vec<TrafficColumn> {
    traffic.columns.iter().copied().filter(|column| column.total() > 0).collect()
}

#[test]
fn requests_stand_in_the_column_they_ended_in_by_what_became_of_them() {
    let (activity, one) = (Activity::default(), provider(1, ""));
    activity.configure(&[Arc::clone(&one)]);
    for (at, lasts, action, failure, status) in [
        (NOON, 0, Action::Allow, None, 200),
        (NOON + 9, 0, Action::Skip, None, 404),
        (NOON + 9, 1, Action::Challenge, None, 401),
        (NOON + 19, 0, Action::Deny, None, 403),
        (NOON + 19, 0, Action::Allow, Some("upstream_unreachable"), 502),
        (NOON + 19, 0, Action::Unavailable, None, 503),
    ] {
        activity.record(&RequestEvent {
            duration: Duration::from_secs(lasts),
            decided: decided(action, None),
            failure,
            status,
            ..request(at, &one)
        });
    }
    let expected = [
        TrafficColumn { at: NOON, allowed: 2, ..TrafficColumn::default() },
        TrafficColumn { at: NOON + 10, allowed: 0, sign_in: 1, denied: 1, failed: 2 },
    ];
    let now = Timestamp(NOON + 20);
    assert_eq!(seen(&activity.traffic(now)), expected);
    assert_eq!(seen(&activity.provider(1).unwrap().traffic(now)), expected);
}

#[test]
fn fifteen_minutes_are_told_of_without_gaps_and_what_is_older_is_forgotten() {
    let (activity, one) = (Activity::default(), provider(1, ""));
    activity.configure(&[Arc::clone(&one)]);
    activity.record(&request(NOON, &one));
    let traffic = activity.traffic(Timestamp(NOON + WINDOW - 1));
    assert_eq!((traffic.step, traffic.columns.len()), (10, 90));
    assert_eq!(traffic.columns.first().map(|column| (column.at, column.allowed)), Some((NOON, 1)));
    assert!(traffic.columns.is_sorted_by(|left, right| left.at + 10 == right.at));
    assert_eq!(seen(&activity.traffic(Timestamp(NOON + WINDOW))), []);
    // The very same place of the ring, one round later: the count begins anew.
    let later = NOON + 96 * 10;
    activity.record(&request(later, &one));
    assert_eq!(
        seen(&activity.traffic(Timestamp(later))),
        [TrafficColumn { at: later, allowed: 1, ..TrafficColumn::default() }]
    );
    // And what comes far too late counts nowhere, rather than as something new.
    activity.record(&request(NOON, &one));
    assert_eq!(requests(&activity.traffic(Timestamp(later))), 1);
}

#[test]
fn a_day_of_quiet_leaves_nothing_behind() {
    let (activity, one) = (Activity::default(), provider(1, ""));
    activity.configure(&[Arc::clone(&one)]);
    activity.record(&request(NOON, &one));
    let now = Timestamp(NOON + 86_400);
    let of_one = activity.provider(1).unwrap();
    assert_eq!((requests(&activity.traffic(now)), of_one.speed(now)), (0, None));
    assert_eq!((activity.pulse(now), of_one.requests_per_second(now)), (Pulse::default(), 0.0));
}

#[test]
fn rates_are_over_as_long_as_was_counted() {
    let (activity, one) = (Activity::default(), provider(1, ""));
    activity.configure(&[Arc::clone(&one)]);
    for second in 0..120 {
        for _ in 0..3 {
            activity.record(&request(NOON + second, &one));
        }
    }
    // At any second, however far the column has come.
    for second in 70..120 {
        let recorded = Activity::default();
        recorded.configure(&[Arc::clone(&one)]);
        for at in 0..=second {
            recorded.record(&request(NOON + at, &one));
        }
        let now = Timestamp(NOON + second);
        assert!((recorded.pulse(now).requests_per_second - 1.0).abs() < 1e-9, "{second}");
        let of_one = recorded.provider(1).unwrap().requests_per_second(now);
        assert!((of_one - 1.0).abs() < 1e-9, "{second}");
    }
    assert!((activity.pulse(Timestamp(NOON + 119)).requests_per_second - 3.0).abs() < 1e-9);
}

#[test]
fn errors_of_the_last_minute_are_those() {
    let (activity, one) = (Activity::default(), provider(1, ""));
    let fail = |at| {
        activity.record(&RequestEvent {
            decided: decided(Action::Unavailable, None),
            ..request(at, &one)
        });
    };
    fail(NOON - 200);
    fail(NOON - 30);
    fail(NOON);
    assert_eq!(activity.pulse(Timestamp(NOON)).errors_last_minute, 2);
}

#[test]
fn half_are_under_the_median_and_one_in_a_hundred_is_over_the_last() {
    let (activity, one) = (Activity::default(), provider(1, ""));
    activity.configure(&[Arc::clone(&one)]);
    for millis in 1..=1000 {
        let answered = Duration::from_millis(millis);
        // What streams on after its answer began says nothing about how fast it was.
        let duration = Duration::from_secs(1);
        activity.record(&RequestEvent { answered, duration, ..request(NOON, &one) });
    }
    let websocket =
        RequestEvent { answered: Duration::from_secs(90), status: 101, ..request(NOON, &one) };
    (0..500).for_each(|_| activity.record(&websocket));
    let speed = activity.provider(1).unwrap().speed(Timestamp(NOON + 60)).unwrap();
    assert!((speed.p50 / 500.0 - 1.0).abs() < 0.04, "{speed:?}");
    assert!((speed.p99 / 990.0 - 1.0).abs() < 0.04, "{speed:?}");
    assert_eq!(activity.provider(1).unwrap().speed(Timestamp(NOON + WINDOW + 60)), None);
}

#[test]
fn a_single_request_is_its_own_median() {
    let histogram = Histogram::default();
    histogram.add(Timestamp(NOON), Duration::from_millis(250));
    let speed = histogram.speed(Timestamp(NOON)).unwrap();
    assert!((speed.p50 - 250.0).abs() < 10.0 && (speed.p99 - speed.p50).abs() < 1e-9, "{speed:?}");
}

#[test]
fn what_is_not_decided_does_not_count() {
    let activity = Activity::default();
    activity.record(&RequestEvent { decided: None, ..event() });
    assert_eq!(requests(&activity.traffic(event().at)), 0);
    activity.record(&RequestEvent {
        decided: None,
        failure: Some("panic"),
        status: 500,
        ..event()
    });
    assert_eq!(failed(&activity.traffic(event().at)), 1);
}

#[test]
fn a_provider_that_is_gone_is_forgotten_and_one_that_is_unknown_makes_nothing() {
    let (activity, one, two) = (Activity::default(), provider(1, ""), provider(2, ""));
    activity.configure(&[Arc::clone(&one), Arc::clone(&two)]);
    activity.record(&request(NOON, &one));
    activity.configure(&[Arc::clone(&two)]);
    activity.record(&request(NOON, &one));
    assert!(activity.provider(1).is_none());
    assert_eq!(requests(&activity.traffic(Timestamp(NOON))), 2, "in all they count");
    activity.configure(&[one, two]);
    assert_eq!(requests(&activity.provider(1).unwrap().traffic(Timestamp(NOON))), 0);
}

#[test]
fn matches_of_a_skip_rule_follow_it_through_changes_of_the_configuration() {
    let (activity, before) = (Activity::default(), provider(1, "^/public\n^/assets\n^/old"));
    activity.configure(&[Arc::clone(&before)]);
    let skip = |line, provider: &Arc<Provider>| {
        let decided = decided(Action::Skip, Some(line));
        activity.record(&RequestEvent { decided, ..request(NOON, provider) });
    };
    (0..3).for_each(|_| skip(2, &before));
    skip(3, &before);
    skip(7, &before);
    let matches = |line| activity.provider(1).unwrap().matches(line);
    assert_eq!((1..=4).map(matches).collect::<Vec<_>>(), [0, 3, 1, 0]);

    let after = provider(1, "^/assets\n\n^/public\n^/new");
    activity.configure(&[Arc::clone(&after)]);
    skip(1, &after);
    assert_eq!((1..=4).map(matches).collect::<Vec<_>>(), [4, 0, 0, 0]);
    assert_eq!(requests(&activity.provider(1).unwrap().traffic(Timestamp(NOON))), 6);
}

#[test]
fn many_threads_lose_no_count() {
    let (activity, one) = (Activity::default(), provider(1, "^/x"));
    activity.configure(&[Arc::clone(&one)]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..2000 {
                    activity.record(&request(NOON + number / 100, &one));
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..100 {
                activity.configure(&[Arc::clone(&one)]);
            }
        });
    });
    let now = Timestamp(NOON + 20);
    let of_one = activity.provider(1).unwrap();
    assert_eq!(requests(&of_one.traffic(now)), 8000);
    assert_eq!(requests(&activity.traffic(now)), 8000);
}

#[test]
fn the_store_tells_of_its_speed_and_its_last_failure() {
    let store = StoreActivity::default();
    let now = Timestamp(NOON);
    assert_eq!(
        (store.operations(now), store.speed(now), store.last_failure()),
        ((0, 0), None, None)
    );
    store.answered(now, Duration::from_millis(2), false);
    store.answered(now, Duration::from_secs(5), true);
    store.failed(now.plus(1), "gone".to_owned());
    store.failed(now.plus(2), "gone for good".to_owned());
    assert_eq!(store.operations(now.plus(3)), (4, 2));
    let speed = store.speed(now.plus(3)).unwrap();
    assert!((speed.p99 / 2.0 - 1.0).abs() < 0.04, "{speed:?}");
    assert_eq!(store.last_failure(), Some((NOON + 2, "gone for good".to_owned())));
    assert_eq!(store.operations(now.plus(WINDOW + 10)), (0, 0));
}
