use proptest::prelude::*;

use super::*;
use crate::target::{Authority, Scheme};

mod syntax;

fn target(url: &str) -> Target {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, rest) = rest.split_at(rest.find('/').unwrap());
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (rest, None),
    };
    Target {
        scheme: Scheme::parse(scheme).unwrap(),
        authority: Authority::parse(authority).unwrap(),
        path: path.to_owned(),
        query,
    }
}

fn outcome(rules: &str, mode: Mode, url: &str) -> SkipOutcome {
    SkipRules::compile(rules).0.matches(mode, &target(url))
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn the_path_decides_in_proxy_and_forward_single() {
    const RULES: &str = "^/public/\n^/caf\u{e9}$\n^/a b$\nfoo";
    for (url, expected) in [
        ("https://app.test/public/logo.png", SkipOutcome::Matched { line: 1 }),
        ("https://app.test/%70ublic/", SkipOutcome::Matched { line: 1 }),
        ("https://app.test/caf%C3%A9", SkipOutcome::Matched { line: 2 }),
        ("https://app.test/a%20b", SkipOutcome::Matched { line: 3 }),
        ("https://app.test/x/foo/bar", SkipOutcome::Matched { line: 4 }),
        ("https://app.test/private", SkipOutcome::NoMatch),
        ("https://app.test/private?/public/", SkipOutcome::NoMatch),
        ("https://app.test/private?x=foo", SkipOutcome::NoMatch),
        ("https://foo.test/private", SkipOutcome::NoMatch),
        ("https://app.test/Public/", SkipOutcome::NoMatch),
    ] {
        for mode in [Mode::Proxy, Mode::ForwardSingle] {
            assert_eq!(outcome(RULES, mode, url), expected, "{url}");
        }
    }
}

#[test]
fn the_whole_url_decides_in_forward_domain() {
    const RULES: &str = "^https?://open\\.dom\\.test/.*\n^https://other\\.dom\\.test/a\\?b=c$";
    for (url, expected) in [
        ("https://open.dom.test/", SkipOutcome::Matched { line: 1 }),
        ("http://open.dom.test/x?y", SkipOutcome::Matched { line: 1 }),
        ("https://other.dom.test/a?b=c", SkipOutcome::Matched { line: 2 }),
        ("https://other.dom.test/a", SkipOutcome::NoMatch),
        ("https://open.dom.test.evil/", SkipOutcome::NoMatch),
        ("https://openxdom.test/", SkipOutcome::NoMatch),
        ("https://closed.dom.test/?https://open.dom.test/", SkipOutcome::NoMatch),
    ] {
        assert_eq!(outcome(RULES, Mode::ForwardDomain, url), expected, "{url}");
    }
}

#[test]
fn an_ambiguous_path_is_never_public() {
    for (path, reason) in [
        ("/public/../private", "dot segment"),
        ("/public/%2e%2e/private", "encoded dot"),
        ("/public/..%2fprivate", "encoded slash"),
        ("/public/%252e%252e/private", "encoded percent sign"),
        ("/public/..;/private", "semicolon"),
        ("/private%23/public/", "encoded fragment mark"),
        ("/private%00/public/", "encoded NUL"),
        ("//public/", "empty segment"),
    ] {
        for mode in [Mode::Proxy, Mode::ForwardSingle, Mode::ForwardDomain] {
            let url = format!("https://app.test{path}");
            assert_eq!(
                outcome("^/public/\n.*", mode, &url),
                SkipOutcome::Refused(reason),
                "{path}"
            );
        }
    }
    // Without rules there is nothing to refuse.
    assert_eq!(outcome("\n", Mode::Proxy, "https://app.test//"), SkipOutcome::NoMatch);
}

#[test]
fn blank_lines_are_nothing_and_lines_keep_their_numbers() {
    let (rules, findings) = SkipRules::compile("\n  \r\n^/a\r\n\n\t\n^/b\n");
    let lines: Vec<_> =
        rules.rules().iter().map(|rule| (rule.line, rule.source.as_str())).collect();
    assert_eq!(lines, [(3, "^/a"), (6, "^/b")]);
    assert_eq!(findings, []);
    assert_eq!(rules.matches(Mode::Proxy, &target("https://app.test/x")), SkipOutcome::NoMatch);
    assert!(SkipRules::compile("").0.rules().is_empty());
}

#[test]
fn a_bad_line_is_told_and_the_others_stay() {
    let (rules, findings) = SkipRules::compile("^/a\n(\n^/b(?=c)\n/c\n ^/d");
    let lines: Vec<_> = rules.rules().iter().map(|rule| rule.line).collect();
    assert_eq!(lines, [1, 4, 5]);
    assert_eq!(
        codes(&findings),
        [
            "skip_path_invalid",
            "skip_path_invalid",
            "skip_path_unanchored",
            "skip_path_unanchored",
            "skip_path_blanks",
        ]
    );
    assert_eq!(
        findings[1].message,
        "Line 3 of the unauthenticated paths is not in effect: \
         invalid or unsupported Perl syntax (?= (in \"^/b(?=c)\")."
    );
}

#[test]
fn anchoring_is_recognised_through_groups_and_alternatives() {
    for (rule, anchored) in [
        ("^/a", true),
        ("\\A/a", true),
        ("(?:^/a|^/b)", true),
        ("(^/a)", true),
        ("(?i)^/a", true),
        ("^/a|/b", false),
        ("/a", false),
        ("(?m)^/a", false),
        ("(^/a)?", false),
    ] {
        assert_eq!(SkipRules::compile(rule).0.rules()[0].anchored, anchored, "{rule}");
    }
}

#[test]
fn ten_megabytes_of_rules_are_cut_and_told() {
    let line = format!("^/{}\n", "x".repeat(61));
    let text = line.repeat(10 * 1024 * 1024 / line.len());
    let (rules, findings) = SkipRules::compile(&text);
    assert_eq!(rules.rules().len(), SkipLimits::DEFAULT.lines);
    assert_eq!(codes(&findings), ["skip_path_too_large"]);
    assert!(findings[0].message.contains(&format!("line {}", SkipLimits::DEFAULT.lines + 1)));

    let (rules, findings) = SkipRules::compile(&"x".repeat(10 * 1024 * 1024));
    assert!(rules.rules().is_empty());
    assert_eq!(codes(&findings), ["skip_path_invalid"]);
    assert!(findings[0].message.len() < 400);
}

#[test]
fn large_expressions_are_refused_before_they_cost_anything() {
    for rule in ["^(?:\\pL{1000})", "(?:(?:a{100}){10}b){2}", "[\\pL\\pN]{100}"] {
        let (rules, findings) = SkipRules::compile(rule);
        assert!(rules.rules().is_empty(), "{rule}");
        assert_eq!(codes(&findings), ["skip_path_invalid"], "{rule}");
    }
    // Each line costs as much as a line may: a few of them use the provider's budget up.
    let hostile = [
        "[\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL\\pL]{2}(?i)\n".to_owned(),
        format!("{}\n", "\\pL".repeat(2700)),
        format!("[{}]\n", "\\pL".repeat(2700)),
        format!("{}\n", "(?i:[^\\PL])".repeat(600)),
    ];
    for line in hostile {
        let (_, findings) = SkipRules::compile(&line.repeat(100));
        assert!(findings.len() <= 25, "{}", findings.len());
        assert_eq!(codes(&findings).last(), Some(&"skip_path_too_large"));
    }
    let (rules, findings) = SkipRules::compile(&"^[a-z]{1000}[0-9]{1000}\n".repeat(200));
    assert!(rules.rules().len() < 60, "{}", rules.rules().len());
    assert_eq!(codes(&findings), ["skip_path_too_large"]);
}

#[test]
fn what_is_read_is_what_the_settings_allow() {
    let usual = SkipLimits::DEFAULT;
    let lines = SkipLimits { lines: 2, ..usual };
    let bytes = SkipLimits { line_bytes: 8, ..usual };
    let size = SkipLimits { size: 100, ..usual };
    let total = SkipLimits { total_size: 20, ..usual };
    let sized = |count: usize| format!("^[a-z]{{{count}}}");
    let cost = |text: &str| compile_line(1, text, &usual).unwrap().1;
    let (most, over) =
        (1..).map(sized).zip((2..).map(sized)).find(|(_, it)| cost(it) > 100).unwrap();
    for (limits, text, expected) in [
        (lines, "^/a\n\n^/b".to_owned(), None),
        (lines, "^/a\n\n^/b\n^/c".to_owned(), Some("skip_path_too_large")),
        (bytes, "^/abcdef".to_owned(), None),
        (bytes, "^/abcdefg".to_owned(), Some("skip_path_invalid")),
        (size, most, None),
        (size, over, Some("skip_path_invalid")),
        (total, "^/a\n^/b".to_owned(), None),
        (total, "^/abcdefghijklmnopqrstuvw\n^/b".to_owned(), Some("skip_path_too_large")),
    ] {
        let (rules, findings) = SkipRules::compile_within(&text, &limits);
        assert_eq!(
            codes(&findings),
            expected.into_iter().collect::<Vec<_>>(),
            "{text:?} {limits:?}"
        );
        let written = text.split('\n').filter(|line| !line.is_empty()).count();
        assert_eq!(rules.rules().len(), written - usize::from(expected.is_some()), "{text:?}");
        let all = findings.iter().all(|finding| finding.remedy.contains("limits.skip_path_"));
        assert!(all, "{findings:?}");
    }
}

proptest! {
    #[test]
    fn any_text_compiles_or_is_refused(text in "[\\\\(){}?*+\\[\\]^$|.:<>,PpQEdDwbBnx0-9a-fiUmsé&-]{0,24}") {
        let (rules, findings) = SkipRules::compile(&text);
        let invalid = findings.iter().filter(|finding| finding.code == "skip_path_invalid").count();
        prop_assert_eq!(rules.rules().len() + invalid, usize::from(!text.trim().is_empty()));
        let _ = rules.matches(Mode::Proxy, &target("https://app.test/abc"));
    }

    /// In the part of the syntax that both libraries read alike, ours agrees with `regex`.
    #[test]
    fn the_common_syntax_means_the_same(
        rule in "\\^?([abc.]|\\[a-b\\]|\\(a\\|b\\)|\\(\\?i:B\\)){1,4}[*+?]?(c|\\$)?",
        text in "[abcB]{0,6}",
    ) {
        let ours = SkipRules::compile(&rule).0;
        let theirs = regex::Regex::new(&rule).unwrap();
        let path = format!("/{text}");
        let matched = ours.matches(Mode::Proxy, &target(&format!("https://app.test{path}")));
        prop_assert_eq!(matched != SkipOutcome::NoMatch, theirs.is_match(&path), "{} {}", rule, path);
    }
}

#[test]
fn a_trial_tells_every_rule_that_matches_and_what_it_was_tried_against() {
    let (rules, _) = SkipRules::compile("/public\n[\n^/other\n^/public/");
    let tried = |text: &str, lines: &[usize]| SkipTrial::Tried {
        text: text.to_owned(),
        lines: lines.to_vec(),
    };
    for (mode, path, expected) in [
        (Mode::Proxy, "/public/a%20b", tried("/public/a b", &[1, 4])),
        (Mode::ForwardSingle, "/nothing", tried("/nothing", &[])),
        (Mode::ForwardDomain, "/public/a%20b", tried("https://app.test/public/a%20b?x=1", &[1])),
        (Mode::Proxy, "/public/../admin", SkipTrial::Refused("dot segment")),
    ] {
        let target = target(&format!("https://app.test{path}?x=1"));
        let trial = rules.trial(mode, &target);
        assert_eq!(trial, expected, "{path}");
        // It is the very rule that decides.
        let (line, refused) = match &trial {
            SkipTrial::Tried { lines, .. } => (lines.first().copied(), None),
            SkipTrial::Refused(reason) => (None, Some(*reason)),
        };
        let decided = rules.matches(mode, &target);
        assert_eq!((decided.line(), decided.refused()), (line, refused), "{path}");
    }
}

#[test]
fn a_rule_is_told_by_how_its_texts_begin_where_all_begin_alike() {
    for (source, prefix, matching) in [
        ("^/api/", "/api/", "/api/x"),
        ("^/api/.*", "/api/", "/api/"),
        ("^/api/v[12]$", "/api/v", "/api/v2"),
        (r"^\Q/a.b\E/", "/a.b/", "/a.b/"),
        ("^/é", "/é", "/éa"),
        ("^/ab*", "/a", "/a"),
        ("^/ab?c", "/a", "/ac"),
        ("^/a{2}", "/", "/aa"),
        ("^/(a|b)", "/", "/b"),
        ("^/a|^/b", "", "/b"),
        ("^/api|/public", "", "/x/public"),
        ("^(/api)?/x", "", "/x"),
        ("^(?i)/api", "/", "/API"),
        ("(?m)^/api", "", "/x\n/api"),
        (r"\A/api", "/api", "/api"),
        ("/api", "", "/x/api"),
        ("^", "", ""),
        ("", "", "/"),
    ] {
        let rule = SkipRule::compile(1, source).unwrap();
        assert_eq!(std::str::from_utf8(&rule.prefix), Ok(prefix), "{source}");
        assert!(rule.is_match(matching), "{source}");
        for text in ["", "/", "/a", "/api", "/api/v1", "/ab", "x/api/", "/API/", "/\u{e9}", "é"] {
            assert_eq!(rule.is_match(text), rule.regex.is_match(text), "{source} {text}");
        }
    }
}

#[test]
fn rules_say_what_is_odd_about_them_and_lines_that_are_none_are_kept() {
    let (rules, _) = SkipRules::compile("^/a\n/b\n^/c \n(\n");
    let odd: Vec<_> =
        rules.rules().iter().map(|rule| (rule.line, rule.oddity().is_some())).collect();
    assert_eq!(odd, [(1, false), (2, true), (3, true)]);
    let refused: Vec<_> =
        rules.refused().iter().map(|rule| (rule.line, rule.source.as_str())).collect();
    assert_eq!(refused, [(4, "(")]);
}
