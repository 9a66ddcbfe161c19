use std::time::Duration;

use outpost_decision::decision::{Action, Decision, Reason};
use outpost_decision::dialect::Dialect;
use outpost_decision::time::Timestamp;

use super::*;
use crate::ops::chosen_headers::{ChosenHeaders, ChosenNames};
use crate::ops::event::{Decided, UpstreamEvent};
use crate::ops::forwarding::Forwarding;
use crate::ops::logging::tests::{capture, capture_access};
use crate::ops::masking::MaskedPath;
use crate::settings::{LogFormat, LogLevel};

/// An event with something in every field but the provider.
pub(crate) fn event() -> RequestEvent {
    let decision = Decision {
        action: Action::Challenge,
        reason: Reason::NotSignedInScript,
        rule: None,
        dialect: None,
        steps: Vec::new(),
    };
    RequestEvent {
        at: Timestamp(1_800_000_000),
        request_id: "request-1".into(),
        decision_id: Some("decision-1".into()),
        trace_id: None,
        kind: RequestKind::App,
        method: "GET".into(),
        host: "app.example.com".to_owned(),
        scheme: None,
        path: MaskedPath::new("/page?code=s3cr3t&x=1"),
        provider: None,
        decided: Some(Decided::from(decision)),
        status: 401,
        answered: Duration::from_micros(1000),
        duration: Duration::from_micros(1234),
        peer: [10, 0, 0, 1].into(),
        peer_trusted: true,
        forwarding: Forwarding::pick([
            ("x-forwarded-for", &b"192.0.2.7"[..]),
            ("x-original-url", b"https://app.example.com/page?code=s3cr3t&x=1"),
            ("authorization", b"Bearer s3cr3t"),
        ]),
        generation: 1,
        client: Some([192, 0, 2, 7].into()),
        user: Some("alice".to_owned()),
        upstream: Some(UpstreamEvent {
            duration: Duration::from_millis(1),
            tls: false,
            host: "internal:8080".to_owned(),
        }),
        failure: None,
        bytes: Some(17),
        headers: ChosenHeaders::pick(&ChosenNames::new(&["cookie", "user-agent"]), |name| {
            Some(if name == "cookie" { b"s3cr3t" } else { b"line\nbreak" })
        }),
    }
}

fn finish(format: LogFormat) -> (Finish, Arc<Metrics>, Arc<Journal>) {
    let metrics = Arc::new(Metrics::new("1.2.3", "build").unwrap());
    let journal = Arc::new(Journal::new(8));
    let (figures, past) = (Arc::clone(&metrics), Arc::clone(&journal));
    let finish = Finish::new(figures, Arc::default(), past, format, None);
    (finish, metrics, journal)
}

#[test]
fn a_line_is_the_same_by_the_short_way() {
    let unavailable = Decision {
        action: Action::Unavailable,
        reason: Reason::StoreUnavailable,
        rule: Some(3),
        dialect: Some(Dialect::Envoy),
        steps: Vec::new(),
    };
    for event in [
        event(),
        RequestEvent { kind: RequestKind::Ping, decided: None, ..event() },
        RequestEvent { decided: Some(Decided::from(unavailable)), ..event() },
        RequestEvent { host: "\"quoted\"".to_owned(), user: None, client: None, ..event() },
    ] {
        for level in [LogLevel::Debug, LogLevel::Error] {
            let (finish, ..) = finish(LogFormat::Json);
            let long = capture(LogFormat::Json, level, |_| finish.record(event.clone()));
            let short = capture_access(level, |access| {
                Finish { access: Some(access), ..finish.clone() }.record(event.clone());
            });
            // All but the time.
            let rest = |lines: &[String]| -> Vec<String> {
                let rest = lines.iter().map(|line| line.split_once("Z\",").expect(line).1);
                rest.map(str::to_owned).collect()
            };
            assert_eq!(rest(&long), rest(&short));
            assert_eq!(short.len(), usize::from(level == LogLevel::Debug));
        }
    }
}

#[test]
fn one_event_is_one_line_one_figure_and_one_entry() {
    let (finish, metrics, journal) = finish(LogFormat::Json);
    let lines = capture(LogFormat::Json, LogLevel::Info, |_| finish.record(event()));
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    for (field, value) in [
        ("level", serde_json::json!("INFO")),
        ("request_id", "request-1".into()),
        ("decision_id", "decision-1".into()),
        ("method", "GET".into()),
        ("host", "app.example.com".into()),
        ("path", "/page?code=******&x=1".into()),
        ("status", 401.into()),
        ("action", "challenge".into()),
        ("reason", "not_signed_in_script".into()),
        ("user", "alice".into()),
        ("client", "192.0.2.7".into()),
        ("duration_ms", 1.234.into()),
        ("upstream", "internal:8080".into()),
        ("bytes", 17.into()),
        ("headers", r#"{"cookie":"******","user-agent":"line\nbreak"}"#.into()),
    ] {
        assert_eq!(line[field], value, "{field} in {line}");
    }
    assert_eq!(line.get("provider"), None);
    assert_eq!(journal.newest(0).count(), 1);
    let figures = metrics.render();
    assert!(
        figures.contains(
            r#"outpost_decisions_total{action="challenge",provider="",reason="not_signed_in_script"} 1"#
        ),
        "{figures}"
    );
}

#[test]
fn a_line_for_people_says_the_same() {
    let (finish, ..) = finish(LogFormat::Text);
    let lines = capture(LogFormat::Text, LogLevel::Info, |_| finish.record(event()));
    assert_eq!(lines.len(), 1, "{lines:?}");
    for said in [
        "INFO outpost::access: request ",
        r#"request_id="request-1""#,
        r#"path="/page?code=******&x=1""#,
        "status=401",
        r#"client="192.0.2.7""#,
        "duration_ms=1.234",
        "upstream_ms=1.0",
        "bytes=17",
    ] {
        assert!(lines[0].contains(said), "{said} in {lines:?}");
    }
    assert!(!lines[0].contains("provider="), "{lines:?}");
}

#[test]
fn nothing_that_is_kept_or_written_holds_a_secret() {
    for format in [LogFormat::Json, LogFormat::Text] {
        let (finish, metrics, journal) = finish(format);
        let lines = capture(format, LogLevel::Trace, |_| finish.record(event()));
        assert_eq!(lines.len(), 1, "a line break within a value is no new line: {lines:?}");
        assert!(!lines[0].contains("s3cr3t"), "{lines:?}");
        assert!(!format!("{:?}", journal.newest(0).collect::<Vec<_>>()).contains("s3cr3t"));
        assert!(!metrics.render().contains("s3cr3t"));
    }
}

#[test]
fn a_ping_is_no_decision_and_hardly_a_line() {
    let (finish, metrics, journal) = finish(LogFormat::Json);
    let ping = RequestEvent { kind: RequestKind::Ping, decided: None, ..event() };
    let lines = capture(LogFormat::Json, LogLevel::Info, |_| finish.record(ping.clone()));
    assert!(lines.is_empty(), "{lines:?}");
    let lines = capture(LogFormat::Json, LogLevel::Debug, |_| finish.record(ping));
    assert_eq!(lines.len(), 1);
    assert_eq!(journal.newest(0).count(), 0);
    assert!(metrics.render().contains(r#"type="ping"} 2"#));
}
