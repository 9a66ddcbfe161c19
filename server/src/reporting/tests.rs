use std::time::Duration;

use serde_json::Value;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use uuid::Uuid;

use super::envelope::Dsn;
use super::event::{Occurrence, Setting};
use super::scrub::Scrub;
use super::*;

#[test]
fn secrets_are_masked_always_and_people_unless_they_may_be_named() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
    let hex = "9b2d6f0c1a7e4b5d8c3f9b2d6f0c1a7e";
    for (text, without_people, with_people) in [
        ("core cannot be reached: connection refused", None, None),
        ("server/src/http/session/renewal_of_2_things.rs", None, None),
        ("outpost::http::renewal::renewer", None, None),
        (
            &format!("it said {token}, sadly"),
            Some("it said ******, sadly"),
            Some("it said ******, sadly"),
        ),
        (&format!("key {hex}."), Some("key ******"), Some("key ******")),
        (
            "Authorization: Bearer short",
            Some("Authorization: Bearer ******"),
            Some("Authorization: Bearer ******"),
        ),
        ("GET /cb?code=abc&x=1", Some("GET /cb?code=******&x=1"), Some("GET /cb?code=******&x=1")),
        (
            "code=abc&client_secret=XYZ&x=1",
            Some("code=******&client_secret=******&x=1"),
            Some("code=******&client_secret=******&x=1"),
        ),
        (
            "x=1&user_passwd=XYZ&u=https://a.test/#access_token=XYZ",
            Some("x=1&user_passwd=******&u=https://a.test/#access_token=******"),
            Some("x=1&user_passwd=******&u=https://a.test/#access_token=******"),
        ),
        (
            &format!("/a?{hex}&me=alice@example.com&at=10.0.0.1"),
            Some("/a?******&me=******&at=******"),
            Some("/a?******&me=alice@example.com&at=10.0.0.1"),
        ),
        ("client_secret=abc", Some("client_secret=******"), Some("client_secret=******")),
        (
            "redis://user:pw@db:6379/0",
            Some("redis://******@db:6379/0"),
            Some("redis://******@db:6379/0"),
        ),
        (
            "https://core.test/a?token=b",
            Some("https://core.test/a?token=******"),
            Some("https://core.test/a?token=******"),
        ),
        ("alice@example.com left", Some("****** left"), None),
        ("from 10.1.2.3:4567", Some("from ******"), None),
        ("from 2001:db8::1, (10.0.0.1)", Some("from ******, (******)"), None),
        ("http://10.0.0.1/x", Some("http://******/x"), None),
        ("peer=10.0.0.1", Some("peer=******"), None),
    ] {
        assert_eq!(Scrub { people: true }.text(text), without_people.unwrap_or(text));
        assert_eq!(Scrub { people: false }.text(text), with_people.unwrap_or(text));
    }
}

#[test]
fn data_source_names_lead_to_the_service_of_envelopes() {
    for (text, expected) in [
        ("https://key@sentry.test/42", Some("https://sentry.test/api/42/envelope/")),
        ("https://key:old@sentry.test/42", Some("https://sentry.test/api/42/envelope/")),
        (
            "http://key@sentry.test:9000/a/b/42/",
            Some("http://sentry.test:9000/a/b/api/42/envelope/"),
        ),
        ("https://sentry.test/42", None),
        ("https://key@sentry.test/", None),
        ("https://key@sentry.test", None),
        ("ftp://key@sentry.test/42", None),
        ("https://key@sentry.test/4%0d2", None),
        ("nonsense", None),
        ("", None),
    ] {
        let dsn = Dsn::parse(text);
        assert_eq!(dsn.as_ref().map(|dsn| dsn.url().as_str()), expected, "{text}");
        if let Some(dsn) = dsn {
            assert!(dsn.authorization().ends_with("sentry_key=key"));
            assert!(!format!("{dsn:?}").contains("key"), "{dsn:?}");
        }
    }
}

fn occurrence() -> Occurrence {
    Occurrence {
        at: Duration::from_millis(1_500),
        target: "outpost::http::callback",
        file: Some("server/src/http/callback.rs"),
        line: Some(7),
        is_panic: false,
        message: "a code could not be exchanged".into(),
        fields: vec![
            ("error", "no answer from 10.0.0.1:9000".into()),
            ("user", "alice".into()),
            ("refresh_token", "short".into()),
        ],
        request: Some(r#"{"id":"request-1","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#.into()),
    }
}

#[test]
fn an_event_says_what_happened_where_and_in_which_request_and_names_nobody() {
    let setting = Setting {
        environment: "customer",
        hostname: "machine-7",
        core_version: Some("2025.10.0"),
        send_pii: false,
    };
    let event = occurrence().to_event(Uuid::nil(), &setting);
    assert_eq!(event["level"], "error");
    assert_eq!(event["logentry"]["formatted"], "a code could not be exchanged");
    assert_eq!(event["culprit"], "server/src/http/callback.rs:7");
    assert_eq!(event["environment"], "customer");
    assert_eq!(event["timestamp"], 1.5);
    assert_eq!(event["tags"]["request_id"], "request-1");
    assert_eq!(event["tags"]["core_version"], "2025.10.0");
    assert_eq!(event["contexts"]["trace"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(event["extra"]["error"], "no answer from ******");
    assert_eq!(event["extra"]["refresh_token"], "******");
    let text = event.to_string();
    assert!(!text.contains("alice") && !text.contains("machine-7"), "{text}");

    let event = occurrence().to_event(Uuid::nil(), &Setting { send_pii: true, ..setting });
    assert_eq!(event["extra"]["user"], "alice");
    assert_eq!(event["server_name"], "machine-7");
    assert_eq!(event["extra"]["refresh_token"], "******");
}

#[test]
fn the_log_as_text_tells_the_request_as_well() {
    let request = Some(r#"id="request-2" trace_id=4bf92f3577b34da6a3ce929d0e0e4736"#.into());
    let event = Occurrence { request, ..occurrence() }.to_event(Uuid::nil(), &Setting::default());
    assert_eq!(event["tags"]["request_id"], "request-2");
    assert_eq!(event["contexts"]["trace"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[test]
fn what_groups_and_names_events_tells_of_nobody_either() {
    let message = "no luck for alice@example.com with client_secret=abc".to_owned();
    for (id, shown) in [
        ("alice@example.com", "******"),
        ("10.0.0.1", "******"),
        ("from=[2001:db8::1]:99", "******"),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ] {
        let request = Some(format!(r#"{{"id":"{id}"}}"#));
        let one = Occurrence { message: message.clone(), request, ..occurrence() };
        let event = one.to_event(Uuid::nil(), &Setting::default());
        assert_eq!(event["fingerprint"][1], "no luck for ****** with client_secret=******");
        assert_eq!(event["tags"]["request_id"], shown);
        let setting = Setting { send_pii: true, ..Setting::default() };
        let event = one.to_event(Uuid::nil(), &setting);
        assert_eq!(event["tags"]["request_id"], id);
        assert!(!event.to_string().contains("=abc"), "{event}");
    }
}

#[test]
fn a_panic_is_an_exception_with_its_place() {
    let fields = vec![
        ("file", "server/src/x.rs".to_owned()),
        ("line", "12".to_owned()),
        ("panic", "index out of bounds for client_secret=abc".to_owned()),
    ];
    let event = Occurrence { is_panic: true, fields, ..occurrence() }
        .to_event(Uuid::nil(), &Setting::default());
    assert_eq!(event["level"], "fatal");
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["value"], "index out of bounds for client_secret=******");
    assert_eq!(exception["stacktrace"]["frames"][0]["filename"], "server/src/x.rs");
    assert_eq!(exception["stacktrace"]["frames"][0]["lineno"], 12);
    assert_eq!(event["logentry"], Value::Null);
}

#[test]
fn errors_are_taken_only_while_they_are_asked_for_and_a_full_queue_is_counted() {
    let (layer, queue) = reports();
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::ERROR));
    tracing::subscriber::with_default(subscriber, || {
        tracing::error!("not asked for");
        queue.gate.set_open(true);
        tracing::warn!("not an error");
        for n in 0..QUEUE + 3 {
            tracing::error!(n, user = %"alice", "wrong");
        }
        queue.gate.set_open(false);
        tracing::error!("not asked for any more");
    });
    let mut taken = queue.take().unwrap();
    let first = taken.try_recv().unwrap();
    assert_eq!(first.message, "wrong");
    assert_eq!(first.fields, [("n", "0".to_owned()), ("user", "alice".to_owned())]);
    let rest = std::iter::from_fn(|| taken.try_recv().ok()).count();
    assert_eq!((rest, queue.gate.dropped.load(Ordering::Relaxed)), (QUEUE - 1, 3));
    assert!(queue.take().is_none());
}

#[test]
fn a_panic_is_told_in_the_log_and_with_it_reported() {
    let (layer, queue) = reports();
    queue.gate.set_open(true);
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::ERROR));
    log_panics();
    tracing::subscriber::with_default(subscriber, || {
        let caught = std::panic::catch_unwind(|| panic!("all is lost"));
        assert!(caught.is_err());
    });
    let taken = queue.take().unwrap().try_recv().unwrap();
    assert!(taken.is_panic);
    let event = taken.to_event(Uuid::nil(), &Setting::default());
    assert_eq!(event["exception"]["values"][0]["value"], "all is lost");
    let frame = &event["exception"]["values"][0]["stacktrace"]["frames"][0];
    assert!(frame["filename"].as_str().unwrap().ends_with("reporting/tests.rs"), "{event}");
    assert!(frame["lineno"].is_u64(), "{event}");
}
