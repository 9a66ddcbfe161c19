use super::bars::{Bar, stack};
use super::scale::Top;
use super::*;
use crate::page::rendered;

fn column(at: i64, allowed: u64, sign_in: u64, denied: u64, failed: u64) -> TrafficColumn {
    TrafficColumn { at, allowed, sign_in, denied, failed }
}

fn traffic(columns: &[TrafficColumn]) -> Traffic {
    Traffic { step: 10, columns: columns.to_vec() }
}

#[test]
fn the_top_of_a_chart_is_a_round_number_with_a_whole_half() {
    for (max, whole, half) in [
        (0, "2", "1"),
        (1, "2", "1"),
        (3, "4", "2"),
        (10, "10", "5"),
        (11, "20", "10"),
        (999, "1,000", "500"),
        (4001, "6,000", "3,000"),
    ] {
        let top = Top::of_counts(max);
        assert_eq!((top.whole.as_str(), top.half.as_str()), (whole, half), "{max}");
    }
    assert!(Top::of_counts(u64::MAX).value >= 1e19);
    for (max, whole, half) in
        [(0.0, "0.2", "0.1"), (0.3, "0.4", "0.2"), (1.0, "1.0", "0.5"), (1.2, "2", "1")]
    {
        let top = Top::of_rates(max);
        assert_eq!((top.whole.as_str(), top.half.as_str()), (whole, half), "{max}");
    }
}

#[test]
fn a_single_failure_among_thousands_is_seen() {
    let top = Top::of_counts(10_000);
    let bars = stack(&column(0, 9999, 0, 0, 1), &top);
    assert_eq!(
        bars,
        [
            Bar { outcome: Outcome::Allowed, from: 0, height: 9750 },
            Bar { outcome: Outcome::Failed, from: 9750, height: 250 },
        ]
    );
    assert_eq!(stack(&column(0, 0, 0, 0, 0), &top), []);
}

#[test]
fn bars_stand_on_one_another_and_end_where_the_column_does() {
    let bars = stack(&column(0, 40, 30, 20, 10), &Top::of_counts(200));
    let ends: Vec<(u32, u32)> = bars.iter().map(|bar| (bar.from, bar.from + bar.height)).collect();
    assert_eq!(ends, [(0, 2000), (2000, 3500), (3500, 4500), (4500, 5000)]);
}

#[test]
fn an_area_is_closed_and_of_whole_points() {
    let (line, area) = area::paths(&[0.0, 5.0, 3.3333], &Top::of_counts(10));
    assert_eq!(line, "M0 1000L1 500L2 667");
    assert_eq!(area, "M0 1000L1 500L2 667L2 1000L0 1000Z");
    assert_eq!(area::paths(&[], &Top::of_counts(10)), (String::new(), String::new()));
}

#[test]
fn what_is_still_being_counted_is_no_rate() {
    let full = column(0, 100, 0, 0, 0);
    let begun = column(0, 1, 0, 0, 0);
    let near = |value: f64, expected: f64| (value - expected).abs() < 1e-9;
    assert!(near(latest_rate(&traffic(&[full, full, begun])), 10.0));
    assert!(near(latest_rate(&traffic(&[begun])), 0.0));
    assert!(near(latest_rate(&Traffic::default()), 0.0));
    // A minute is six columns: what lies before does not count.
    let mut columns = vec![column(0, 9000, 0, 0, 0)];
    columns.extend([full; 6]);
    columns.push(begun);
    assert!(near(latest_rate(&traffic(&columns)), 10.0));
}

#[test]
fn the_table_says_what_the_charts_show() {
    let traffic = traffic(&[
        column(1_795_314_900, 1000, 200, 30, 4),
        column(1_795_314_910, 1, 1, 1, 1),
        column(1_795_314_960, 5, 0, 0, 0),
    ]);
    let html = rendered(|| numbers("figures", &traffic));
    for part in [
        "<caption class=\"unseen\">Requests by minute and outcome</caption>",
        "datetime=\"2026-11-22T02:35:00Z\">02:35</time></th><td>1,238</td><td>1,001</td><td>201</td><td>31</td><td>5</td>",
        ">02:36</time></th><td>5</td><td>5</td><td>0</td><td>0</td><td>0</td>",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    assert_eq!(html.matches("<tr>").count(), 3, "a head and two minutes: {html}");
    assert!(html.find("02:36") < html.find("02:35"), "newest first");
}

#[test]
fn charts_speak_and_do_without_colour() {
    let traffic = traffic(&[column(1_795_314_900, 7, 5, 3, 1), column(1_795_314_910, 0, 0, 0, 0)]);
    let html = rendered(|| outcomes("decided", &traffic));
    for part in [
        "role=\"img\" aria-labelledby=\"decided-said\"",
        "16 requests in 1 minute: 7 allowed, 5 sign-in, 3 denied, 1 failed.",
        "<title>02:35:00 UTC, 7 allowed, 5 sign-in, 3 denied, 1 failed</title>",
        "<pattern id=\"decided-sign_in\"",
        "fill=\"url(#decided-denied)\"",
        "fill=\"url(#decided-failed)\"",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    assert!(!html.contains("NaN") && !html.contains("style="), "{html}");
    let html = rendered(|| requests("rate", &traffic));
    assert!(html.contains("Lately 1.6 a second, at most 1.6."), "{html}");
}

#[test]
fn a_chart_without_requests_says_so_and_keeps_its_place() {
    for traffic in [Traffic::default(), traffic(&[column(0, 0, 0, 0, 0); 3])] {
        for html in
            [rendered(|| outcomes("decided", &traffic)), rendered(|| requests("rate", &traffic))]
        {
            assert!(html.contains("No requests in this time."), "{html}");
            assert!(html.contains("class=\"canvas\"") && !html.contains("NaN"), "{html}");
        }
    }
}

#[test]
fn a_bar_is_a_part_of_the_most() {
    for (part, most, width) in [
        (0, 0, "0.00%"),
        (0, 9, "0.00%"),
        (1, 100_000, "1.00%"),
        (1, 3, "33.33%"),
        (9, 9, "100.00%"),
    ] {
        let html = rendered(|| bar(part, most, Outcome::Allowed));
        assert!(html.contains(&format!("width=\"{width}\"")), "{part} of {most}: {html}");
    }
}
