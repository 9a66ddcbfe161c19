use super::super::testing::{
    HOSTILE, NOW, assert_changes_are_on_the_page, assert_has, assert_lacks, main_of,
};
use super::*;
use crate::model::Role;

fn provider() -> ProviderRow {
    ProviderRow {
        pk: 3,
        name: "Wiki".into(),
        mode: "forward_domain".into(),
        external_host: "https://wiki.test/".into(),
        hosts: vec!["wiki.test".into(), "*.apps.test".into()],
        application: "The wiki".into(),
        sessions: Some(12),
        requests_per_second: 3.25,
        speed: Some(Speed { p50: 4.2, p99: 88.0 }),
        requests: 200,
        errors: 5,
        certificate: Some(Certificate {
            names: vec!["wiki.test".into()],
            expires: NOW + 90 * 86_400,
        }),
        up_to_date: true,
        ..ProviderRow::default()
    }
}

fn of(rows: Vec<ProviderRow>) -> Providers {
    Providers { now: NOW, loaded: true, rows }
}

fn notice(severity: Severity) -> Notice {
    Notice {
        severity,
        code: "code".into(),
        provider: None,
        message: "message".into(),
        remedy: String::new(),
    }
}

#[test]
fn a_provider_is_told_in_one_line_that_leads_on() {
    let html = main_of(Role::View, &of(vec![provider()]));
    for part in [
        "<a href=\"/providers/3\">Wiki</a>",
        "The wiki",
        "Forward auth<div class=\"small\">domain</div>",
        "href=\"https://wiki.test/\"",
        ">wiki.test</a>",
        "*.apps.test",
        "<a href=\"/sessions?by=provider&amp;value=3\">12</a>",
        "3.2",
        "4.2 ms",
        "88 ms",
        "title=\"5 of 200 requests\"",
        "2.5 %",
        "in 90 days",
        "1 provider",
    ] {
        assert_has(&html, part);
    }
    assert_lacks(&html, "Soon");
}

#[test]
fn what_is_wrong_with_a_provider_is_seen_in_the_list() {
    let bad = ProviderRow {
        up_to_date: false,
        findings: vec![
            notice(Severity::Error),
            notice(Severity::Warning),
            notice(Severity::Warning),
        ],
        ..provider()
    };
    let html = main_of(Role::View, &of(vec![bad]));
    for part in ["href=\"/providers/3#findings-title\"", "Older version", "1 error", "2 warnings"] {
        assert_has(&html, part);
    }
    for (left, word) in [(86_400, "Soon"), (0, "Expired"), (-86_400, "Expired")] {
        let certificate = Some(Certificate { names: Vec::new(), expires: NOW + left });
        let html = main_of(Role::View, &of(vec![ProviderRow { certificate, ..provider() }]));
        assert_has(&html, word);
    }
}

#[test]
fn figures_that_are_not_known_are_not_zero() {
    let unknown = ProviderRow { pk: 9, name: "New".into(), up_to_date: true, ..Default::default() };
    let html = main_of(Role::View, &of(vec![unknown]));
    assert_has(&html, "None in effect");
    assert_has(&html, "unknown");
    assert_eq!(html.matches(">–</td>").count(), 3, "speed, failed and certificate: {html}");
}

#[test]
fn an_empty_list_says_what_to_do() {
    assert_has(&main_of(Role::View, &of(Vec::new())), "select the applications it is to serve");
    let unheard = Providers { now: NOW, ..Providers::default() };
    let html = main_of(Role::View, &unheard);
    assert_has(&html, "Check AUTHENTIK_HOST and AUTHENTIK_TOKEN");
    assert_has(&html, "<a href=\"/doctor\">");
}

#[test]
fn what_changes_live_is_what_stands_on_the_page() {
    assert_changes_are_on_the_page(&of(vec![provider(), ProviderRow::default()]));
    assert_changes_are_on_the_page(&of(Vec::new()));
}

#[test]
fn texts_of_others_stay_texts() {
    let hostile = ProviderRow {
        name: HOSTILE.into(),
        mode: HOSTILE.into(),
        external_host: format!("https://{HOSTILE}"),
        hosts: vec![HOSTILE.into()],
        application: HOSTILE.into(),
        certificate: Some(Certificate { names: vec![HOSTILE.into()], expires: NOW }),
        ..provider()
    };
    let html = main_of(Role::View, &of(vec![hostile]));
    assert_has(&html, "&lt;img src=x onerror=alert(1)&gt;");
    let script = ProviderRow { external_host: "JavaScript:alert(1)".into(), ..provider() };
    assert_lacks(&main_of(Role::View, &of(vec![script])), "href=\"JavaScript:");
}

#[test]
fn a_host_is_not_told_twice() {
    for (external, hosts, others) in [
        ("https://wiki.test", &["wiki.test/", "wiki.test"][..], &[][..]),
        ("https://Wiki.test/", &["wiki.test"], &[]),
        (
            "http://wiki.test:9000/docs",
            &["wiki.test:9000/docs", "wiki.test:9000"],
            &["wiki.test:9000"],
        ),
        ("https://auth.test", &["auth.test/", "test", "*.test"], &["test", "*.test"]),
        ("", &["wiki.test"], &["wiki.test"]),
    ] {
        let hosts = hosts.iter().map(ToString::to_string).collect();
        let row = ProviderRow { external_host: external.into(), hosts, ..ProviderRow::default() };
        assert_eq!(other_hosts(&row), others, "{external}");
    }
}
