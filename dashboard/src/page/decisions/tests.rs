use super::*;
use crate::model::{ProviderRef, Role, Standing};
use crate::page::testing::*;

fn row(sequence: u64) -> DecisionRow {
    DecisionRow {
        sequence,
        id: format!("id-{sequence}"),
        at: NOW - 5,
        method: "GET".into(),
        host: "app.example.com".into(),
        path: "/reports?year=2026".into(),
        provider: Some(ProviderRef { pk: 7, name: "Wiki".into() }),
        action: "deny".into(),
        outcome: Outcome::Denied,
        reason: "no_provider".into(),
        status: 404,
        user: Some("alice".into()),
        client: Some("192.0.2.1".into()),
        duration: 0.42,
        upstream: None,
        failure: None,
    }
}

fn sample() -> Decisions {
    Decisions {
        now: NOW,
        rows: vec![row(12), row(11)],
        latest: 12,
        seen: 12_345,
        dropped: 0,
        capacity: 4096,
        reasons: vec!["session".into(), "no_provider".into()],
        providers: vec![ProviderRef { pk: 7, name: "Wiki".into() }],
        ..Decisions::default()
    }
}

#[test]
fn each_decision_tells_what_why_about_which_request_and_leads_to_its_page() {
    let html = main_of(Role::View, &sample());
    for part in [
        "<tr role=\"row\" data-key=\"12\">",
        "Denied</span>",
        "href=\"/decisions/id-12\">no provider",
        ">5 s ago</time>",
        "<b>app.example.com</b>/reports?year=2026",
        ">alice</span>",
        ">192.0.2.1</span>",
        ">404</td>",
        ">0.42 ms</td>",
        "12,345 decisions",
        "the latest 4,096",
    ] {
        assert_has(&html, part);
    }
    assert_lacks(&html, "lost");
    let lossy = Decisions { dropped: 3, ..sample() };
    assert_has(&main_of(Role::View, &lossy), "3 lost");
}

#[test]
fn a_failure_after_the_decision_stands_beside_its_reason() {
    let failed = DecisionRow { failure: Some("upstream_unreachable".into()), ..row(1) };
    let html = main_of(Role::View, &Decisions { rows: vec![failed], ..sample() });
    assert_has(&html, "no provider, then upstream unreachable");
    let undecided = DecisionRow { failure: Some("no_provider".into()), ..row(1) };
    let html = main_of(Role::View, &Decisions { rows: vec![undecided], ..sample() });
    assert_lacks(&html, ", then");
}

#[test]
fn a_filter_is_kept_in_the_form_and_in_the_address_of_the_feed() {
    let filter = DecisionFilter {
        provider: "7".into(),
        outcome: "denied".into(),
        reason: "no_provider".into(),
        user: "alice".into(),
        path: "/reports?x=1".into(),
        address: "192.0.2".into(),
    };
    let page = Decisions { filter, ..sample() };
    let html = main_of(Role::View, &page);
    for part in [
        "<option value=\"7\" selected>Wiki</option>",
        "<option value=\"denied\" selected>Denied</option>",
        "<option value=\"no_provider\" selected>no provider</option>",
        "name=\"user\" value=\"alice\"",
        "name=\"path\" value=\"/reports?x=1\"",
        "name=\"address\" value=\"192.0.2\"",
        ">Show all</a>",
        "data-live=\"/live?page=",
    ] {
        assert_has(&html, part);
    }
    assert_eq!(
        page.address().as_deref(),
        Some(
            "/decisions?provider=7&outcome=denied&reason=no_provider&user=alice&path=%2Freports%3Fx%3D1&address=192.0.2"
        )
    );
    assert_eq!(sample().address().as_deref(), Some("/decisions"));
}

#[test]
fn an_empty_list_is_there_for_lines_to_come_and_says_what_to_do() {
    let none = Decisions { rows: Vec::new(), ..sample() };
    let html = main_of(Role::View, &none);
    assert_has(&html, "id=\"decisions-tail\"></tbody>");
    assert_has(&html, "Nothing has been decided yet.");
    let filter = DecisionFilter { user: "carol".into(), ..DecisionFilter::default() };
    let html = main_of(Role::View, &Decisions { filter, ..none });
    assert_has(&html, "No decision in the journal matches.");
}

#[test]
fn without_the_script_there_is_no_button_of_its() {
    let html = main_of(Role::View, &sample());
    for button in html.split("<button ").skip(1) {
        let (tag, _) = button.split_once('>').unwrap();
        assert!(tag.contains("type=\"submit\"") || tag.contains(" hidden"), "{tag}");
    }
}

#[test]
fn texts_of_others_are_only_texts() {
    let hostile = DecisionRow {
        id: HOSTILE.into(),
        method: HOSTILE.into(),
        host: HOSTILE.into(),
        path: HOSTILE.into(),
        reason: HOSTILE.into(),
        user: Some(HOSTILE.into()),
        client: Some(HOSTILE.into()),
        failure: Some(HOSTILE.into()),
        ..row(1)
    };
    let filter = DecisionFilter {
        provider: HOSTILE.into(),
        outcome: HOSTILE.into(),
        reason: HOSTILE.into(),
        user: HOSTILE.into(),
        path: HOSTILE.into(),
        address: HOSTILE.into(),
    };
    let page = Decisions { filter, rows: vec![hostile], ..sample() };
    assert_has(&main_of(Role::Act, &page), "&lt;img src=x");
}

#[test]
fn new_lines_are_rows_of_the_same_table() {
    assert_changes_are_on_the_page(&sample());
    let html = main_of(Role::View, &sample());
    let lines = crate::page::frame(Standing::Serving, Role::View, &sample()).lines.unwrap();
    assert_eq!((lines.id, lines.count), (TAIL, 2));
    assert_has(&html, &format!("id=\"{TAIL}\">{}</tbody>", lines.html));
    let quiet = Decisions { rows: Vec::new(), ..sample() };
    assert_eq!(crate::page::frame(Standing::Serving, Role::View, &quiet).lines, None);
}
