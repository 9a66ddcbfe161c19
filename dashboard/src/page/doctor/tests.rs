use super::super::testing::{
    HOSTILE, NOW, assert_changes_are_on_the_page, assert_has, assert_lacks, main_of,
};
use super::*;
use crate::model::{Notice, ProviderRef, Role};

fn doctor() -> Doctor {
    let finding = |severity, code: &str| Notice {
        severity,
        code: code.into(),
        provider: Some(ProviderRef { pk: 3, name: "Wiki".into() }),
        message: format!("message of {code}"),
        remedy: format!("remedy of {code}"),
    };
    Doctor {
        now: NOW,
        probed: Some(NOW - 40),
        findings: vec![
            finding(Severity::Error, "upstream_unreachable"),
            finding(Severity::Warning, "clock_skew"),
            finding(Severity::Warning, "regex_unanchored"),
        ],
        checks: vec![
            Check { code: "clock".into(), title: "The clocks".into(), findings: 1, unknown: None },
            Check { code: "hosts".into(), title: "The hosts".into(), findings: 0, unknown: None },
            Check {
                code: "upstream".into(),
                title: "The applications".into(),
                findings: 0,
                unknown: Some("Not asked yet.".into()),
            },
        ],
    }
}

#[test]
fn a_finding_tells_what_where_and_what_to_do() {
    let html = main_of(Role::View, &doctor());
    for part in [
        "1 error",
        "2 warnings",
        "<strong>Error</strong>",
        "in <a href=\"/providers/3\">Wiki</a>",
        "<code class=\"code\">clock_skew</code>",
        "message of upstream_unreachable",
        "<b>What to do: </b>remedy of upstream_unreachable",
    ] {
        assert_has(&html, part);
    }
}

#[test]
fn everything_that_was_looked_at_is_told() {
    let html = main_of(Role::View, &doctor());
    for part in
        ["The clocks", "1 finding", "Nothing found", "Unknown", "Not asked yet.", "40 s ago"]
    {
        assert_has(&html, part);
    }
    let unknown = html.split_once("The applications").unwrap().1;
    assert_lacks(unknown.split_once("</tr>").unwrap().0, "Nothing found");
}

#[test]
fn a_sound_outpost_is_told_so_and_the_command_line_is_named() {
    let html = main_of(Role::View, &Doctor { findings: Vec::new(), ..doctor() });
    assert_has(&html, "Nothing was found.");
    assert_has(&html, "<code>outpost doctor</code>");
    let unprobed = Doctor { probed: None, ..doctor() };
    assert_has(&main_of(Role::View, &unprobed), "have not been looked at yet");
}

#[test]
fn before_anything_was_looked_at_nothing_is_called_sound() {
    let html = main_of(Role::View, &Doctor { now: NOW, ..Doctor::default() });
    assert_has(&html, "Nothing has been looked at yet.");
    assert_lacks(&html, "Nothing was found.");
    assert_lacks(&html, "<table");
}

#[test]
fn what_changes_live_is_what_stands_on_the_page() {
    assert_changes_are_on_the_page(&doctor());
    assert_changes_are_on_the_page(&Doctor::default());
}

#[test]
fn texts_of_others_stay_texts() {
    let mut page = doctor();
    page.findings[0].message = HOSTILE.into();
    page.findings[0].remedy = HOSTILE.into();
    page.findings[0].provider = Some(ProviderRef { pk: 1, name: HOSTILE.into() });
    page.checks[0].title = HOSTILE.into();
    page.checks[2].unknown = Some(HOSTILE.into());
    assert_has(&main_of(Role::View, &page), "&lt;img src=x onerror=alert(1)&gt;");
}
