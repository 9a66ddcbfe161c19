use super::super::testing::{
    HOSTILE, NOW, assert_changes_are_on_the_page, assert_has, assert_lacks, main_of,
};
use super::*;
use crate::model::{
    Fleet, Link, LinkState, ProviderRef, Refresh, Replica, Role, Severity, Speed, Store, Traffic,
    TrafficColumn,
};

fn finding(severity: Severity, code: &str) -> Notice {
    Notice {
        severity,
        code: code.into(),
        provider: Some(ProviderRef { pk: 3, name: "Wiki".into() }),
        message: format!("message of {code}"),
        remedy: format!("remedy of {code}"),
    }
}

fn replica(hostname: &str, configuration: &str) -> Replica {
    Replica {
        instance: format!("instance-of-{hostname}"),
        hostname: hostname.into(),
        version: "1.2.3".into(),
        started: NOW - 7200,
        seen: NOW - 1,
        requests_per_second: 2.5,
        generation: 4,
        configuration: configuration.into(),
        refreshed: Some(NOW - 60),
        core_connected: true,
        ready: true,
        ..Replica::default()
    }
}

fn overview() -> Overview {
    let this = Replica { this: true, seen: NOW, ..replica("one", "aaaa") };
    Overview {
        now: NOW,
        version: "1.2.3".into(),
        core: "https://core.test".into(),
        core_version: Some("2026.10".into()),
        link: Link { state: LinkState::Connected, since: Some(NOW - 90), ..Link::default() },
        refresh: Refresh { last_success: Some(NOW - 30), generation: 4, ..Refresh::default() },
        fleet: Fleet { shared: true, replicas: vec![this, replica("two", "aaaa")], error: None },
        store: Store {
            kind: "redis".into(),
            place: "cache.test:6379".into(),
            shared: true,
            durable: true,
            reachable: true,
            operations: 1200,
            failures: 3,
            speed: Some(Speed { p50: 0.4, p99: 2.5 }),
            last_failure: Some((NOW - 300, "timed out".into())),
        },
        traffic: Traffic {
            step: 10,
            columns: vec![
                TrafficColumn { at: NOW - 20, allowed: 90, failed: 10, ..Default::default() },
                TrafficColumn { at: NOW - 10, ..Default::default() },
            ],
        },
        slowest: vec![ProviderRow {
            pk: 3,
            name: "Wiki".into(),
            mode: "forward_single".into(),
            speed: Some(Speed { p50: 12.0, p99: 1500.0 }),
            requests: 1000,
            errors: 25,
            ..ProviderRow::default()
        }],
        providers: 7,
        sessions: Some(1234),
        ..Overview::default()
    }
}

#[test]
fn one_glance_tells_of_core_configuration_traffic_sessions_and_store() {
    let html = main_of(Role::View, &overview());
    for part in [
        "href=\"https://core.test\"",
        ", version 2026.10",
        "Connected",
        "Current",
        "generation 4",
        "All 2 replicas; this one 10.0",
        "10.0 % of 100 in 15 min",
        "<a href=\"/sessions\">1,234</a>",
        "7 providers",
        "<b>redis</b> at cache.test:6379, shared by replicas",
        "p50 0.40 ms, p99 2.5 ms; 1,200 questions in 15 min, 3 unanswered",
        "timed out",
        "Nothing needs attention.",
    ] {
        assert_has(&html, part);
    }
    // The sum of both replicas.
    assert_has(&html, "<dd class=\"value\">5.0<span class=\"unit\"> a second</span></dd>");
}

#[test]
fn what_is_worst_stands_first_and_the_rest_with_the_doctor() {
    let mut page = overview();
    page.missing = vec![finding(Severity::Error, "missing")];
    page.findings = vec![
        finding(Severity::Info, "note"),
        finding(Severity::Warning, "first"),
        finding(Severity::Warning, "second"),
        finding(Severity::Error, "error"),
        finding(Severity::Info, "other"),
    ];
    let html = main_of(Role::View, &page);
    let places: Vec<_> = ["missing", "error", "first", "second"]
        .map(|code| html.find(&format!("message of {code}")).unwrap())
        .into();
    assert!(places.is_sorted(), "{places:?}");
    assert_lacks(&html, "message of note");
    assert_has(&html, "<a href=\"/doctor\">2 more: see the doctor</a>");
    assert_has(&html, "remedy of error");
    assert_has(&html, "<a href=\"/providers/3\">Wiki</a>");
}

#[test]
fn replicas_that_decide_by_different_configurations_are_pointed_out() {
    let agreed = main_of(Role::View, &overview());
    assert_lacks(&agreed, "Differs");
    assert_lacks(&agreed, "different configurations");
    let mut page = overview();
    page.fleet.replicas.push(replica("three", "bbbb"));
    page.fleet.replicas.push(replica("four", ""));
    let html = main_of(Role::View, &page);
    assert_has(&html, "by 2 different configurations");
    assert_eq!(html.matches("Differs").count(), 1, "{html}");
    assert_has(&html, "None yet");
}

#[test]
fn a_replica_says_how_it_is() {
    for (change, word) in [
        ((|_| ()) as fn(&mut Replica), "Ready"),
        (|replica| replica.ready = false, "Not ready"),
        (|replica| replica.draining = true, "Draining"),
        (|replica| replica.seen = NOW - 31, "Silent"),
        (|replica| replica.core_connected = false, "Away"),
    ] {
        let mut page = overview();
        change(&mut page.fleet.replicas[1]);
        let html = main_of(Role::View, &page);
        let (_, row) = html.split_once("two").unwrap();
        assert_has(row.split_once("</tr>").unwrap().0, word);
    }
}

#[test]
fn what_cannot_be_told_is_not_made_up() {
    let mut page = overview();
    page.sessions = None;
    page.store.reachable = false;
    page.link = Link {
        state: LinkState::Disconnected,
        error: Some("connection refused".into()),
        ..Link::default()
    };
    page.refresh.error = Some("core answered 403".into());
    page.fleet.error = Some("the store is away".into());
    let html = main_of(Role::View, &page);
    for part in [
        "The store cannot tell",
        "Disconnected",
        "connection refused",
        "Kept",
        "core answered 403",
        "The other replicas cannot be told of: the store is away",
    ] {
        assert_has(&html, part);
    }
    let nothing = main_of(Role::View, &Overview { now: NOW, ..Overview::default() });
    for part in [
        "No requests in this time.",
        "No replica has said anything",
        "No provider has had a request",
        "set sessions.store to a Redis or Valkey URL",
    ] {
        assert_has(&nothing, part);
    }
    assert_lacks(&nothing, "a restart signs everybody out");
}

#[test]
fn a_lone_replica_is_told_how_to_get_company() {
    let mut page = overview();
    page.fleet.replicas.truncate(1);
    assert_has(&main_of(Role::View, &page), "No other replica shares this session store.");
    page.fleet.shared = false;
    assert_has(&main_of(Role::View, &page), "The session store cannot be shared");
}

#[test]
fn what_changes_live_is_what_stands_on_the_page() {
    assert_changes_are_on_the_page(&overview());
    assert_changes_are_on_the_page(&Overview::default());
    let live = main_of(Role::View, &overview());
    assert!(
        live.starts_with(" id=\"main\" tabindex=\"-1\" data-live=\"/live?page=%2F\""),
        "{live}"
    );
}

#[test]
fn texts_of_others_stay_texts() {
    let mut page = overview();
    page.core = "data:text/html,x".into();
    page.core_version = Some(HOSTILE.into());
    page.link = Link { error: Some(HOSTILE.into()), ..Link::default() };
    page.refresh.error = Some(HOSTILE.into());
    page.fleet.error = Some(HOSTILE.into());
    page.fleet.replicas.push(replica(HOSTILE, HOSTILE));
    page.store.kind = HOSTILE.into();
    page.store.place = HOSTILE.into();
    page.store.last_failure = Some((NOW, HOSTILE.into()));
    page.slowest.push(ProviderRow {
        name: HOSTILE.into(),
        mode: HOSTILE.into(),
        ..ProviderRow::default()
    });
    let hostile = HOSTILE.to_owned();
    page.findings = vec![Notice {
        severity: Severity::Error,
        code: hostile.clone(),
        provider: Some(ProviderRef { pk: 1, name: hostile.clone() }),
        message: hostile.clone(),
        remedy: hostile,
    }];
    let html = main_of(Role::View, &page);
    assert_has(&html, "&lt;img src=x onerror=alert(1)&gt;");
    assert_lacks(&html, "href=\"data:");
    assert_changes_are_on_the_page(&page);
}
