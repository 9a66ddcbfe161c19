use super::*;
use crate::model::{Near, Outcome, ProviderRef, Reasoning, Role, SeenHeader, Step, Tone, Via};
use crate::page::testing::*;

fn sample() -> DecisionPage {
    let wiki = ProviderRef { pk: 7, name: "Wiki".into() };
    let row = DecisionRow {
        sequence: 12,
        id: "id-12".into(),
        at: NOW - 5,
        method: "GET".into(),
        host: "app.example.com".into(),
        path: "/reports?year=2026".into(),
        provider: None,
        action: "deny".into(),
        outcome: Outcome::Denied,
        reason: "no_provider".into(),
        status: 404,
        user: Some("alice".into()),
        client: Some("192.0.2.1".into()),
        duration: 12.0,
        upstream: Some(8.0),
        failure: None,
    };
    let step = |title: &str, tone| Step {
        code: "a_code".into(),
        title: title.into(),
        found: format!("{title} was looked at."),
        tone,
    };
    let header = |name: &str, trusted, believed| SeenHeader {
        name: name.into(),
        value: "a value".into(),
        from: "198.51.100.9".into(),
        trusted,
        believed,
    };
    DecisionPage {
        now: NOW,
        row,
        replica: "edge-1".into(),
        reasoning: Reasoning {
            action: "deny".into(),
            outcome: Outcome::Denied,
            reason: "no_provider".into(),
            explanation: "No provider of this outpost serves this host.".into(),
            remedy: "Check the external host.".into(),
            provider: Some(wiki.clone()),
            steps: vec![
                step("Original URL", Tone::Good),
                step("Method", Tone::Plain),
                step("Peer", Tone::Odd),
                step("Provider", Tone::Bad),
            ],
            headers: vec![
                header("x-forwarded-host", true, true),
                header("x-forwarded-uri", true, false),
                header("x-original-url", false, false),
            ],
            near: vec![Near {
                kind: "host".into(),
                what: "apps.example.com".into(),
                provider: wiki,
                why_not: "One letter differs.".into(),
            }],
        },
        again: ExplainForm {
            url: "http://app.example.com/reports?year=2026".into(),
            method: "GET".into(),
            peer: "198.51.100.9".into(),
            user: "alice".into(),
            via: Via::Traefik,
            ..ExplainForm::default()
        },
        logged: vec![("accept".into(), "text/html".into())],
        trace: Some("a-trace".into()),
        configuration_changed: true,
    }
}

#[test]
fn the_page_says_what_happened_why_and_what_to_change() {
    let html = main_of(Role::View, &sample());
    for part in [
        "<h1 class=\"wrap\">Refused: <code>GET app.example.com/reports?year=2026</code></h1>",
        "No provider of this outpost serves this host.",
        "What to change: </strong>Check the external host.",
        "The configuration has changed since.",
        "12 ms, of which the application took 8.0 ms",
        ">edge-1</dd>",
        "<code>id-12</code>",
        "<code>a-trace</code>",
        "<code>text/html</code>",
    ] {
        assert_has(&html, part);
    }
}

#[test]
fn each_step_speaks_in_words_and_not_by_colour_alone() {
    let html = main_of(Role::View, &sample());
    let mut rest = html.as_str();
    for (title, words) in [
        ("Original URL", "(speaks for it)"),
        ("Method", "(neutral)"),
        ("Peer", "(odd)"),
        ("Provider", "(speaks against it)"),
    ] {
        let (_, after) = rest.split_once(&format!("<strong>{title}</strong>")).unwrap();
        let (_, after) = after.split_once(words).unwrap();
        assert!(after.contains(&format!("{title} was looked at.")));
        rest = after;
    }
}

#[test]
fn each_header_tells_who_sent_it_and_whether_it_counted() {
    let html = main_of(Role::View, &sample());
    let (_, headers) = html.split_once("id=\"told\"").unwrap();
    for (name, trust, counted) in [
        ("x-forwarded-host", "a trusted proxy", "believed"),
        ("x-forwarded-uri", "a trusted proxy", "not used"),
        ("x-original-url", "not trusted", "ignored"),
    ] {
        let (_, row) = headers.split_once(name).unwrap();
        let (row, _) = row.split_once("</tr>").unwrap();
        assert_has(row, trust);
        assert_has(row, counted);
        assert_has(row, "198.51.100.9");
    }
}

#[test]
fn what_nearly_matched_and_where_to_go_on_are_links() {
    let html = main_of(Role::View, &sample());
    for part in [
        "<code>apps.example.com</code>",
        "One letter differs.",
        "href=\"/providers/7\"",
        "href=\"/explain?url=http%3A%2F%2Fapp.example.com%2Freports%3Fyear%3D2026&amp;method=GET&amp;peer=198.51.100.9&amp;user=alice&amp;via=traefik\"",
        "href=\"/decisions?reason=no_provider\"",
        "href=\"/decisions?address=192.0.2.1\"",
        "href=\"/decisions?user=alice\"",
    ] {
        assert_has(&html, part);
    }
}

#[test]
fn a_request_that_was_let_through_and_then_failed_says_both() {
    let mut page = sample();
    page.row.action = "allow".into();
    page.row.failure = Some("upstream_unreachable".into());
    page.reasoning = Reasoning::default();
    page.configuration_changed = false;
    let html = main_of(Role::View, &page);
    assert_has(&html, "Let through with a session: ");
    assert_has(&html, "upstream unreachable");
    assert_has(&html, "No step is known.");
    assert_has(&html, "No header told.");
    for part in ["What nearly matched", "What to change", "has changed since"] {
        assert_lacks(&html, part);
    }
}

#[test]
fn texts_of_others_are_only_texts() {
    let mut page = sample();
    let text = || HOSTILE.to_owned();
    page.row.id = text();
    page.row.method = text();
    page.row.host = text();
    page.row.path = text();
    page.row.action = text();
    page.row.reason = text();
    page.row.user = Some(text());
    page.row.client = Some(text());
    page.row.failure = Some(text());
    page.replica = text();
    page.trace = Some(text());
    page.logged = vec![(text(), text())];
    let reasoning = &mut page.reasoning;
    let near = &mut reasoning.near[0];
    let header = &mut reasoning.headers[0];
    let step = &mut reasoning.steps[0];
    for at in [
        &mut reasoning.action,
        &mut reasoning.reason,
        &mut reasoning.explanation,
        &mut reasoning.remedy,
        &mut step.code,
        &mut step.title,
        &mut step.found,
        &mut header.name,
        &mut header.value,
        &mut header.from,
        &mut near.kind,
        &mut near.what,
        &mut near.why_not,
        &mut near.provider.name,
    ] {
        *at = text();
    }
    assert_has(&main_of(Role::Act, &page), "&lt;img src=x");
}
