use super::super::testing::{
    HOSTILE, NOW, assert_changes_are_on_the_page, assert_has, assert_lacks, main_of,
};
use super::*;
use crate::model::{
    Notice, Outcome, ProviderRow, Role, Setting, Severity, SkipRule, SkipTry, Snippet, SnippetFile,
    Speed, Standing, Traffic, TrafficColumn,
};

fn file(name: &str) -> SnippetFile {
    SnippetFile { name: name.into(), text: format!("# {name}\nproxy_pass http://<outpost>;\n") }
}

fn page() -> ProviderPage {
    ProviderPage {
        now: NOW,
        row: ProviderRow {
            pk: 3,
            name: "Wiki".into(),
            mode: "proxy".into(),
            external_host: "https://wiki.test".into(),
            hosts: vec!["wiki.test".into(), "old.wiki.example".into()],
            application: "The wiki".into(),
            sessions: Some(12),
            requests_per_second: 3.25,
            speed: Some(Speed { p50: 4.2, p99: 88.0 }),
            requests: 200,
            errors: 5,
            up_to_date: true,
            ..ProviderRow::default()
        },
        configuration: vec![Setting { name: "Client secret".into(), value: "******".into() }],
        skip_rules: vec![
            SkipRule { line: 1, source: "^/assets/".into(), matches: 4100, problem: None },
            SkipRule {
                line: 3,
                source: "/x".into(),
                matches: 0,
                problem: Some("Not anchored.".into()),
            },
            SkipRule { line: 4, source: "^/y$".into(), matches: 0, problem: None },
        ],
        tried: None,
        decisions: vec![
            ReasonCount {
                reason: "session".into(),
                action: "allow".into(),
                outcome: Outcome::Allowed,
                explanation: "The session is live.".into(),
                count: 400,
            },
            ReasonCount {
                reason: "path_ambiguous".into(),
                action: "reject".into(),
                outcome: Outcome::Denied,
                explanation: "The path can be read in two ways.".into(),
                count: 100,
            },
        ],
        traffic: Traffic {
            step: 15,
            columns: vec![TrafficColumn { at: NOW, allowed: 3, ..TrafficColumn::default() }],
        },
        snippets: vec![
            Snippet {
                target: "nginx".into(),
                about: "Server blocks".into(),
                files: ["outpost.conf", "more.conf"].map(file).into(),
                problem: None,
            },
            Snippet {
                target: "haproxy".into(),
                problem: Some("It cannot do this.".into()),
                ..Snippet::default()
            },
        ],
    }
}

fn tried(lines: &[usize], refused: Option<&str>) -> ProviderPage {
    let tried = SkipTry {
        input: "/assets/a b?c".into(),
        text: "/assets/a b".into(),
        lines: lines.to_vec(),
        refused: refused.map(Into::into),
    };
    ProviderPage { tried: Some(tried), ..page() }
}

#[test]
fn a_provider_leads_to_its_sessions_and_decisions() {
    let html = main_of(Role::View, &page());
    for part in [
        "<h1>Wiki</h1>",
        "· also old.wiki.example",
        "href=\"/sessions?by=provider&amp;value=3\"",
        "href=\"/decisions?provider=3\"",
        "href=\"/decisions?provider=3&amp;reason=path_ambiguous\"",
        "The path can be read in two ways.",
        "Denied",
        "width=\"25.00%\"",
        "******",
        "In effect",
    ] {
        assert_has(&html, part);
    }
    let nameless = ProviderPage { row: ProviderRow { pk: 8, ..ProviderRow::default() }, ..page() };
    assert_has(&main_of(Role::View, &nameless), "<h1>Provider 8</h1>");
    assert_has(&main_of(Role::View, &nameless), "Not in effect");
}

#[test]
fn skip_rules_tell_how_often_they_matched_and_what_is_odd() {
    let html = main_of(Role::View, &page());
    for part in ["<code>^/assets/</code>", "4,100", "Not anchored.", "Never matched"] {
        assert_has(&html, part);
    }
    let none = ProviderPage { skip_rules: Vec::new(), ..page() };
    assert_has(&main_of(Role::View, &none), "Every path needs a session.");
}

#[test]
fn a_path_is_tried_out_by_a_form_that_sends_nothing() {
    let html = main_of(Role::View, &page());
    assert_has(&html, "method=\"get\" action=\"/providers/3#tried\"");
    assert_has(&html, "name=\"try\"");
    assert_has(&html, "<div id=\"tried\"></div>");

    let html = main_of(Role::View, &tried(&[1, 3, 4], None));
    assert_has(&html, "value=\"/assets/a b?c\"");
    assert_has(&html, "Public");
    assert_has(&html, "The rule in line <b>1</b> matches.");
    assert_has(&html, "without effect: line 3, 4.");
    assert_has(&html, "<code>/assets/a b</code>");

    assert_has(&main_of(Role::View, &tried(&[], None)), "Needs a session");
    let html = main_of(Role::View, &tried(&[], Some("The path can be read in two ways.")));
    assert_has(&html, "No rule is tried");
    assert_lacks(&html, "Needs a session");
}

#[test]
fn the_feed_knows_what_was_tried() {
    assert_eq!(page().address().as_deref(), Some("/providers/3"));
    assert_eq!(
        tried(&[], None).address().as_deref(),
        Some("/providers/3?try=%2Fassets%2Fa%20b%3Fc")
    );
}

#[test]
fn a_provider_nobody_has_used_says_what_to_do() {
    let new = ProviderPage { decisions: Vec::new(), configuration: Vec::new(), ..page() };
    let html = main_of(Role::View, &new);
    assert_has(&html, "Nothing has been decided yet");
    assert_has(&html, "href=\"/explain?url=https%3A%2F%2Fwiki.test\"");
    assert_has(&html, "Nothing of this provider is in effect.");
}

#[test]
fn configuration_opens_for_each_target_and_says_where_it_is_not_possible() {
    let html = main_of(Role::View, &page());
    assert_has(&html, "id=\"for-nginx\"");
    for name in ["outpost.conf", "more.conf"] {
        assert_has(&html, &format!("aria-label=\"{name} for nginx\""));
        assert_has(&html, &format!("># {name}\nproxy_pass http://&lt;outpost&gt;;\n</pre>"));
    }
    assert_has(&html, "It cannot do this.");
    assert_has(&html, "outpost render nginx --provider 3");
    assert_lacks(&html, "<details open");
    let none = ProviderPage { snippets: Vec::new(), ..page() };
    let html = main_of(Role::View, &none);
    assert_has(&html, "There is nothing to write it for.");
    assert_lacks(&html, "outpost render");
}

#[test]
fn the_feed_carries_no_configuration() {
    let frame = crate::page::frame(Standing::default(), Role::View, &page());
    assert!(frame.regions.iter().all(|region| !region.html.contains("outpost.conf")), "{frame:?}");
}

#[test]
fn what_changes_live_is_what_stands_on_the_page() {
    assert_changes_are_on_the_page(&page());
    assert_changes_are_on_the_page(&tried(&[1], None));
    assert_changes_are_on_the_page(&ProviderPage::default());
}

#[test]
fn texts_of_others_stay_texts() {
    let text = || HOSTILE.to_owned();
    let mut page = tried(&[1], Some(HOSTILE));
    page.row.name = text();
    page.row.mode = text();
    page.row.external_host = "javaScript:alert(1)".into();
    page.row.hosts = vec![text()];
    page.row.application = text();
    page.row.findings = vec![Notice {
        severity: Severity::Info,
        code: text(),
        provider: None,
        message: text(),
        remedy: text(),
    }];
    page.configuration = vec![Setting { name: text(), value: text() }];
    page.skip_rules = vec![SkipRule { line: 1, source: text(), matches: 1, problem: Some(text()) }];
    page.tried = Some(SkipTry { input: text(), text: text(), lines: vec![1], refused: None });
    page.snippets = vec![Snippet {
        target: text(),
        about: text(),
        files: vec![SnippetFile { name: text(), text: text() }],
        problem: Some(text()),
    }];
    page.decisions[0].reason = text();
    page.decisions[0].explanation = text();
    let html = main_of(Role::View, &page);
    assert_has(&html, "&lt;img src=x onerror=alert(1)&gt;");
    assert_lacks(&html, "href=\"javaScript:");
    // In an attribute, the quote must not end it.
    assert_has(&html, "value=\"&lt;img src=x onerror=alert(1)&gt;&quot;");
}
