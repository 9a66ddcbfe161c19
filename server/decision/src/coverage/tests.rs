//! Tables: single steps.

use super::*;

const PATIENCE: Duration = Duration::from_secs(28);
const ALONE: Duration = Duration::ZERO;

fn hearing(connection: &str, since: i64, until: i64) -> Hearing {
    Hearing { connection: connection.to_owned(), since: Timestamp(since), until: Timestamp(until) }
}

fn covered(connection: &str, until: i64) -> Coverage {
    Coverage {
        covered_until: Timestamp(until),
        recheck_before: Timestamp(103),
        declared_at: Timestamp(100),
        gap_since: None,
        sessions: 7,
        connection: connection.to_owned(),
    }
}

#[test]
fn a_first_start_doubts_all_that_is_older() {
    let Progress::Gap(found) = advance(None, &hearing("a", 100, 100), Timestamp(100), PATIENCE)
    else {
        panic!("nothing is known before it");
    };
    assert_eq!(found.covered_until, Timestamp(100));
    assert_eq!(found.recheck_before, Timestamp(100 + CLOCKS_DIFFER));
    assert_eq!((found.declared_at, found.gap_since), (Timestamp(100), None));
}

#[test]
fn what_is_covered_only_grows_and_says_who_added() {
    let known = covered("a", 200);
    let cases = [
        ("the connection that wrote it", hearing("a", 100, 210), 210),
        ("an ack that is older than what is known", hearing("a", 100, 190), 200),
        ("one that overlaps", hearing("b", 150, 220), 220),
        ("one that just overlaps", hearing("b", 200 - CLOCKS_DIFFER, 220), 220),
    ];
    for (what, hearing, until) in cases {
        let progress = advance(Some(&known), &hearing, Timestamp(225), PATIENCE);
        let expected = Coverage {
            covered_until: Timestamp(until),
            connection: hearing.connection,
            ..known.clone()
        };
        assert_eq!(progress, Progress::Covered(expected), "{what}");
    }
}

#[test]
fn a_connection_without_overlap_waits_for_others_and_then_declares_a_gap() {
    let known = covered("a", 200);
    let late = hearing("b", 201 - CLOCKS_DIFFER, 220);
    for now in [210, 225] {
        assert_eq!(advance(Some(&known), &late, Timestamp(now), PATIENCE), Progress::Waits);
    }
    let now = Timestamp(late.since.0 + 28);
    let Progress::Gap(gap) = advance(Some(&known), &late, now, PATIENCE) else {
        panic!("patience has ended");
    };
    assert_eq!(gap.gap_since, Some(Timestamp(200)));
    assert_eq!(gap.recheck_before, Timestamp(201));
    assert_eq!((gap.covered_until, gap.declared_at), (Timestamp(220), now));
    // Its own next ack goes on from there.
    let next = hearing("b", late.since.0, 230);
    assert!(matches!(
        advance(Some(&gap), &next, Timestamp(230), PATIENCE),
        Progress::Covered(found) if found.recheck_before == gap.recheck_before
    ));
}

#[test]
fn who_is_alone_waits_for_nobody() {
    let known = covered("a", 200);
    let progress = advance(Some(&known), &hearing("b", 205, 205), Timestamp(205), ALONE);
    assert!(matches!(progress, Progress::Gap(gap) if gap.recheck_before == Timestamp(208)));
}

#[test]
fn two_connections_of_one_instance_within_a_second_are_two() {
    let known = covered("instance/1", 200);
    let again = hearing("instance/2", 200, 200);
    let Progress::Gap(gap) = advance(Some(&known), &again, Timestamp(200), ALONE) else {
        panic!("between them nobody listened");
    };
    assert!(gap.doubts(known.recheck_before), "also what was vouched for after the gap before");
}

#[test]
fn a_time_in_the_future_hides_no_gap() {
    let known = covered("a", 1_000_000);
    let progress = advance(Some(&known), &hearing("b", 300, 300), Timestamp(300), ALONE);
    assert!(matches!(progress, Progress::Gap(gap) if gap.covered_until == Timestamp(300)));
}

#[test]
fn a_session_vouched_for_after_a_gap_is_not_in_doubt() {
    let coverage = covered("a", 200);
    for (verified, doubted) in [(0, true), (102, true), (103, false), (104, false)] {
        assert_eq!(coverage.doubts(Timestamp(verified)), doubted, "{verified}");
    }
    for now in [99, 102, 103, 500] {
        assert!(!coverage.doubts(coverage.vouched(Timestamp(now))), "{now}");
    }
    assert!(!Coverage::default().doubts(Timestamp(0)), "without a gap nothing is");
}

#[test]
fn each_session_has_a_turn_and_a_last_moment() {
    let coverage = Coverage { sessions: 1000, ..covered("a", 200) };
    let pace = Pace { within: Duration::from_secs(60), rate: 50 };
    let key = |first: u8| {
        let mut key = [0; 32];
        key[28] = first;
        key
    };
    let cases = [
        // 1000 sessions at 50 a second: 20 s, half of it for a key in the middle.
        (key(0), 50, 100, Due::Now),
        (key(0x80), 50, 100, Due::Later),
        (key(0x80), 50, 109, Due::Later),
        (key(0x80), 50, 110, Due::Now),
        (key(0xff), 50, 119, Due::Later),
        (key(0xff), 50, 120, Due::Now),
        (key(0), 50, 159, Due::Now),
        (key(0), 50, 160, Due::Overdue),
        (key(0), 50, i64::MAX, Due::Overdue),
        (key(0xff), 103, 100, Due::Fine),
        (key(0xff), 103, i64::MAX, Due::Fine),
        // The clock of the replica that declared it is ahead.
        (key(0), 50, 98, Due::Now),
    ];
    for (key, verified, now, expected) in cases {
        let found = due(&key, Timestamp(verified), &coverage, Timestamp(now), pace);
        assert_eq!(found, expected, "{key:x?} at {now}");
    }
    let at_once = Pace { within: Duration::ZERO, ..pace };
    let found = due(&key(0xff), Timestamp(50), &coverage, Timestamp(100), at_once);
    assert_eq!(found, Due::Overdue, "no time at all: before its next use");
    let crowd = Coverage { sessions: u64::MAX, ..coverage };
    let never = Pace { rate: 0, ..pace };
    let found = due(&key(0xff), Timestamp(50), &crowd, Timestamp(160), never);
    assert_eq!(found, Due::Overdue, "however many there are");
}

#[test]
fn the_written_form_can_be_read_by_its_own_version_alone() {
    let coverage = Coverage { gap_since: Some(Timestamp(3)), ..covered("a", 200) };
    assert_eq!(Coverage::read(&coverage.write()), Ok(coverage));
    let more = br#"{"v":1,"covered_until":1,"recheck_before":2,"declared_at":3,"new":{}}"#;
    assert_eq!(Coverage::read(more).map(|found| found.recheck_before), Ok(Timestamp(2)));
    let cases: [(&[u8], Unreadable); 5] = [
        (br#"{"v":2,"other":true}"#, Unreadable::Newer),
        (br#"{"v":1}"#, Unreadable::Garbage),
        (br#"{"covered_until":1}"#, Unreadable::Garbage),
        (b"[]", Unreadable::Garbage),
        (b"", Unreadable::Garbage),
    ];
    for (written, expected) in cases {
        assert_eq!(Coverage::read(written), Err(expected), "{}", written.escape_ascii());
    }
}
