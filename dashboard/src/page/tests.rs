use super::*;
use crate::model::Refresh;

fn overview() -> Overview {
    Overview {
        now: 1_795_314_913,
        outpost: "edge".to_owned(),
        version: "1.2.3".to_owned(),
        instance: "0f0e".to_owned(),
        core: "https://core.example.com/".to_owned(),
        link: Link {
            state: LinkState::Connected,
            since: Some(1_795_314_000),
            last_hello: Some(1_795_314_910),
            last_ack: Some(1_795_314_910),
            error: None,
        },
        refresh: Refresh { last_success: Some(1_795_314_800), next: None, error: None },
        providers: vec![ProviderRow {
            name: "wiki".to_owned(),
            mode: "forward_single".to_owned(),
            external_host: "https://wiki.example.com".to_owned(),
            application: "Wiki".to_owned(),
            sessions: Some(3),
            up_to_date: true,
            findings: Vec::new(),
        }],
        ..Overview::default()
    }
}

fn notice(severity: Severity, message: &str) -> Notice {
    Notice {
        severity,
        code: "odd_thing".to_owned(),
        message: message.to_owned(),
        remedy: "Mend it.".to_owned(),
    }
}

#[test]
fn shows_connection_and_providers() {
    let page = render(&overview());
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{page}");
    for part in [
        "<title>edge · Outpost</title>",
        ">Serving</p>",
        "connected</span>",
        ">3 s ago</time>",
        "scope=\"row\">wiki</th>",
        "href=\"https://wiki.example.com\"",
        "Forward auth, one application",
        "In effect</span>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("Needs attention"));
}

#[test]
fn needs_no_script_and_no_style_of_its_own() {
    let page = render(&overview());
    for part in ["<script", "<style", " style=", " onclick=", " onload=", "<!>", "<!--"] {
        assert!(!page.contains(part), "{part} in {page}");
    }
    assert!(page.contains("<link rel=\"stylesheet\" href=\"/style.css\">"), "{page}");
}

#[test]
fn what_comes_from_outside_is_text() {
    let hostile = "<script>alert(1)</script>\"'<!>";
    let mut overview = overview();
    overview.outpost = hostile.to_owned();
    overview.findings = vec![notice(Severity::Error, hostile)];
    overview.link =
        Link { state: LinkState::Disconnected, error: Some(hostile.to_owned()), ..Link::default() };
    overview.refresh.error = Some(hostile.to_owned());
    for row in &mut overview.providers {
        row.name = hostile.to_owned();
        row.application = hostile.to_owned();
        row.mode = hostile.to_owned();
        row.external_host = format!("https://a/{hostile}");
        row.findings = vec![notice(Severity::Warning, hostile)];
    }
    overview.providers.push(ProviderRow {
        external_host: "javascript:alert(1)".to_owned(),
        ..ProviderRow::default()
    });
    let page = render(&overview);
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains("href=\"javascript"), "{page}");
    assert!(!page.contains("/<script>") && !page.contains("a/\""), "{page}");
    assert!(page.contains("Serving, without core"));
}

#[test]
fn an_empty_page_says_what_to_do() {
    let page = render(&Overview::default());
    assert!(page.contains("AUTHENTIK_TOKEN"), "{page}");
    let refreshed = Refresh { last_success: Some(1), ..Refresh::default() };
    let page = render(&Overview { refresh: refreshed, ..Overview::default() });
    assert!(page.contains("select the applications"), "{page}");
}

#[test]
fn the_worst_comes_first_and_has_a_remedy() {
    let mut overview = overview();
    overview.missing = vec![notice(Severity::Warning, "second")];
    overview.findings = vec![notice(Severity::Info, "third"), notice(Severity::Error, "first")];
    let page = render(&overview);
    let places: Vec<_> =
        ["first", "second", "third"].iter().map(|text| page.find(text).unwrap()).collect();
    assert!(places.is_sorted(), "{page}");
    assert!(page.contains("Mend it.") && page.contains("Not ready"), "{page}");
}

#[test]
fn unknown_numbers_are_not_zeros() {
    let mut overview = overview();
    overview.providers[0].sessions = None;
    overview.providers[0].up_to_date = false;
    let page = render(&overview);
    assert!(page.contains("unknown") && page.contains("last good version"), "{page}");
}
