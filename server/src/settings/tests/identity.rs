use outpost_decision::headers::{Encoding, HeaderSet, IdentityRule, WhenOver};

use super::*;

#[test]
fn applications_are_told_what_the_stock_outpost_tells_unless_somebody_chooses() {
    let rules = load(&[]).identity.rules;
    assert_eq!(rules.of("grafana"), IdentityRule::default());
    let rules = load(&[
        ("OUTPOST__IDENTITY__ENCODING", "percent"),
        ("OUTPOST__IDENTITY__MAX_BYTES", "8192"),
        (
            "OUTPOST__IDENTITY__APPLICATIONS",
            "grafana headers=minimal encoding=quoted_printable max_bytes=4096, \
             wiki headers=username+JWT when_over=refuse, old max_bytes=0",
        ),
    ])
    .identity
    .rules;
    let default = IdentityRule {
        encoding: Encoding::Percent,
        max_bytes: Some(8192),
        ..IdentityRule::default()
    };
    assert_eq!(rules.of("another"), default);
    let grafana = IdentityRule {
        names: HeaderSet::MINIMAL,
        encoding: Encoding::QuotedPrintable,
        max_bytes: Some(4096),
        when_over: WhenOver::Truncate,
    };
    assert_eq!(rules.of("grafana"), grafana);
    let wiki = IdentityRule {
        names: HeaderSet::parse("username+jwt").unwrap(),
        when_over: WhenOver::Refuse,
        ..default
    };
    assert_eq!(rules.of("wiki"), wiki);
    assert_eq!(rules.of("old"), IdentityRule { max_bytes: None, ..default });
}

#[test]
fn mistakes_about_identity_are_told() {
    for (name, value, problem) in [
        ("HEADERS", "some", "has \"some\", which is neither full nor minimal"),
        ("HEADERS", "username+", "has \"\", which is neither"),
        ("ENCODING", "latin1", "is none of raw, percent, quoted_printable"),
        ("MAX_BYTES", "100", "is less than 1024, and not 0"),
        ("MAX_BYTES", "2000000", "is not between 0 and 1048576"),
        ("WHEN_OVER", "drop", "is none of truncate, refuse"),
        (
            "APPLICATIONS",
            "a",
            "changes nothing; add one of headers, encoding, max_bytes, when_over",
        ),
        ("APPLICATIONS", "a headers=x", "has \"x\", which is neither"),
        ("APPLICATIONS", "a encoding=utf16", "has encoding=utf16, which is none of raw"),
        ("APPLICATIONS", "a max_bytes=1k", "has max_bytes=1k, which is no whole number"),
        ("APPLICATIONS", "a max_bytes=10", "which is not between 1024 and 1048576"),
        ("APPLICATIONS", "a when_over=x", "has when_over=x, which is none of truncate, refuse"),
        ("APPLICATIONS", "a size=1", "has \"size\", and knows headers=, encoding="),
    ] {
        let name = format!("OUTPOST__IDENTITY__{name}");
        let found = mistakes(&sources(&[(&name, value)])).remove(0);
        assert!(found.starts_with(&name) && found.contains(problem), "{value}: {found}");
    }
}
