use proptest::prelude::*;

use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn parse(value: &str) -> Option<TraceContext> {
    TraceContext::parse([value.as_bytes()].into_iter())
}

fn state(values: &[&str]) -> Option<String> {
    trace_state(values.iter().map(|value| value.as_bytes()))
}

#[test]
fn what_the_standard_calls_valid_is_followed_and_the_rest_begins_anew() {
    for (value, sampled) in [
        (format!("00-{TRACE}-{SPAN}-01"), Some(true)),
        (format!("00-{TRACE}-{SPAN}-00"), Some(false)),
        (format!("00-{TRACE}-{SPAN}-03"), Some(true)),
        (format!("00-{TRACE}-{SPAN}-02"), Some(false)),
        (format!(" 00-{TRACE}-{SPAN}-01\t"), Some(true)),
        // A later version, with and without what it adds.
        (format!("01-{TRACE}-{SPAN}-01"), Some(true)),
        (format!("cc-{TRACE}-{SPAN}-01-what-the-future-brings"), Some(true)),
        (format!("cc-{TRACE}-{SPAN}-01.what"), None),
        (format!("ff-{TRACE}-{SPAN}-01"), None),
        (format!("00-{TRACE}-{SPAN}-01-more"), None),
        (format!("00-{TRACE}-{SPAN}-0"), None),
        (format!("00-{TRACE}-{SPAN}"), None),
        (format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), None),
        (format!("00-{TRACE}-{SPAN}-0X"), None),
        (format!("0-{TRACE}-{SPAN}-01"), None),
        (format!("00_{TRACE}_{SPAN}_01"), None),
        (format!("00-{}-{SPAN}-01", "0".repeat(32)), None),
        (format!("00-{TRACE}-{}-01", "0".repeat(16)), None),
        (format!("00-{}-{SPAN}-01", &TRACE[1..]), None),
        (format!("00-{TRACE}z-{SPAN}-01"), None),
        (String::new(), None),
        ("ü".repeat(30), None),
    ] {
        let found = parse(&value);
        assert_eq!(found.map(|context| context.is_sampled()), sampled, "{value}");
        if let Some(context) = found {
            assert_eq!(context.trace.to_string(), TRACE);
            assert_eq!(context.span.to_string(), SPAN);
        }
    }
    let twice = format!("00-{TRACE}-{SPAN}-01");
    assert_eq!(TraceContext::parse([twice.as_bytes(); 2].into_iter()), None);
    assert_eq!(TraceContext::parse(std::iter::empty()), None);
}

#[test]
fn unknown_flags_are_not_passed_on() {
    let context = parse(&format!("00-{TRACE}-{SPAN}-ff")).unwrap();
    assert_eq!(context.to_string(), format!("00-{TRACE}-{SPAN}-03"));
}

#[test]
fn states_of_other_systems_are_carried_along_in_order() {
    let long = format!("long={}", "x".repeat(200));
    let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
    let filling: Vec<String> = (0..20).map(|n| format!("k{n}={}", "v".repeat(40))).collect();
    for (values, expected) in [
        (
            vec!["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"],
            Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ),
        (vec!["rojo=1", "congo=2"], Some("rojo=1,congo=2")),
        (vec!["rojo=1 ,\t congo=2, ,"], Some("rojo=1,congo=2")),
        (vec!["fw529a3039@dt=FfAAAA;x:y z"], Some("fw529a3039@dt=FfAAAA;x:y z")),
        (vec!["1a-2f@foo/*_=bar"], Some("1a-2f@foo/*_=bar")),
        (vec!["rojo=1,rojo=2"], None),
        (vec!["Rojo=1"], None),
        (vec!["rojo"], None),
        (vec!["rojo="], None),
        (vec!["=1"], None),
        (vec!["a@b@c=1"], None),
        (vec!["rojo=1=2"], None),
        (vec!["rojo=ü"], None),
        (vec![""], None),
        (vec![], None),
        (many.iter().map(String::as_str).collect(), None),
    ] {
        assert_eq!(state(&values).as_deref(), expected, "{values:?}");
    }
    // Too long: the long ones go first, then the last ones.
    let cut = state(&[&filling[..11].join(","), &long]).unwrap();
    assert_eq!(cut, filling[..11].join(","));
    let cut = state(&[&filling.join(",")]).unwrap();
    assert!(cut.len() <= 512 && filling.join(",").starts_with(&cut), "{cut}");
}

#[test]
fn the_ends_of_the_ratio_are_all_and_nothing() {
    let low = TraceId::from_random([0; 16]);
    let high = TraceId::from_random([0xff; 16]);
    for (ratio, takes) in [
        (1.0, [true, true]),
        (2.0, [true, true]),
        (0.5, [true, false]),
        (0.0, [false, false]),
        (-1.0, [false, false]),
        (f64::NAN, [false, false]),
    ] {
        let ratio = SampleRatio::new(ratio);
        assert_eq!([ratio.takes(low), ratio.takes(high)], takes, "{ratio:?}");
    }
}

proptest! {
    #[test]
    fn what_is_sent_on_is_read_as_it_was(trace: [u8; 16], span: [u8; 8], sampled: bool) {
        let context =
            TraceContext::begin(TraceId::from_random(trace), SpanId::from_random(span), sampled);
        prop_assert_eq!(parse(&context.to_string()), Some(context));
        prop_assert_eq!(context.is_sampled(), sampled);
        prop_assert_eq!(context.to_string().len(), LENGTH);
    }

    #[test]
    fn no_bytes_make_it_stumble(value: Vec<u8>, other: Vec<u8>) {
        let _ = TraceContext::parse([value.as_slice()].into_iter());
        if let Some(state) = trace_state([value.as_slice(), other.as_slice()].into_iter()) {
            prop_assert!(state.len() <= 512);
            prop_assert_eq!(trace_state([state.as_bytes()].into_iter()), Some(state));
        }
    }

    #[test]
    fn a_smaller_ratio_takes_some_of_what_a_larger_one_takes(trace: [u8; 16], a in 0.0..=1.0_f64, b in 0.0..=1.0_f64) {
        let trace = TraceId::from_random(trace);
        let (small, large) = (SampleRatio::new(a.min(b)), SampleRatio::new(a.max(b)));
        prop_assert!(!small.takes(trace) || large.takes(trace));
    }
}
