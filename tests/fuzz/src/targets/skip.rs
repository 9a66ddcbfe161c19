//! First line: a URL. Then the lines of the setting.

use outpost_decision::finding::Severity;
use outpost_decision::path::view;
use outpost_decision::provider::Mode;
use outpost_decision::skip::{SkipLimits, SkipOutcome, SkipRule, SkipRules, SkipTrial};
use outpost_decision::target::{Authority, Scheme, Target as Asked};

use super::Target;
use crate::input::first_line;
use crate::naive;

pub(super) const TARGET: Target = Target {
    name: "skip",
    asserts: "blank lines are no rules, literal ones and \\Q..\\E mean just that, each line compiles by \
              itself as among others, and no rule opens a path that can be read in two ways",
    check,
};

fn check(data: &[u8]) {
    let (url, lines) = first_line(data);
    let (Ok(url), Ok(lines)) = (std::str::from_utf8(url), std::str::from_utf8(lines)) else {
        return;
    };
    let (rules, findings) = SkipRules::compile(lines);
    let written: Vec<(usize, &str)> = (1..)
        .zip(lines.split('\n'))
        .map(|(number, line)| (number, line.strip_suffix('\r').unwrap_or(line)))
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    assert!(
        rules.rules().len() + rules.refused().len() <= written.len().min(SkipLimits::DEFAULT.lines)
    );
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    assert!(errors >= rules.refused().len(), "a line is refused in silence");
    for rule in rules.rules() {
        assert!(written.contains(&(rule.line, rule.source.as_str())), "{rule:?} was never written");
    }

    let target = asked(url);
    for mode in [Mode::Proxy, Mode::ForwardSingle, Mode::ForwardDomain] {
        let outcome = rules.matches(mode, &target);
        let text = match rules.tried(mode, &target) {
            Ok(text) => text,
            Err(_) => {
                assert!(outcome.line().is_none(), "{target} has no one reading");
                assert!(matches!(rules.trial(mode, &target), SkipTrial::Refused(_)));
                continue;
            }
        };
        assert_eq!(naive::path::readings(target.path.as_bytes()).len(), 1, "{target}");
        let fitting: Vec<usize> = rules
            .rules()
            .iter()
            .filter(|rule| is_match(rule, &text))
            .map(|rule| rule.line)
            .collect();
        let first = fitting
            .first()
            .map_or(SkipOutcome::NoMatch, |line| SkipOutcome::Matched { line: *line });
        assert_eq!(outcome, first);
        let trial = SkipTrial::Tried { text: text.to_string(), lines: fitting };
        assert_eq!(rules.trial(mode, &target), trial);
    }

    // Any text at all, quoted, is that text.
    let quoted = lines.lines().next().unwrap_or_default();
    if !quoted.contains("\\E") && quoted.len() < 200 {
        let source = format!(r"^\Q{quoted}\E$");
        let rule = SkipRule::compile(1, &source).expect("quoted text compiles");
        assert!(rule.anchored && rule.is_match(quoted));
        assert!(!rule.is_match(&format!("{quoted}x")) && !rule.is_match(&format!("x{quoted}")));
    }
}

/// Whether a rule matches, by itself; and a literal one by what it says.
fn is_match(rule: &SkipRule, text: &str) -> bool {
    let alone = SkipRule::compile(rule.line, &rule.source).expect("it has compiled among others");
    let found = rule.is_match(text);
    assert_eq!(alone.is_match(text), found, "{rule:?}");
    let is_literal =
        |source: &str| source.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_ %=~".contains(&b));
    let (head, end) = (rule.source.strip_prefix('^'), rule.source.strip_suffix('$'));
    let expected = match (head, end) {
        (Some(prefix), _) if is_literal(prefix) => Some(text.starts_with(prefix)),
        (None, Some(suffix)) if is_literal(suffix) => Some(text.ends_with(suffix)),
        (None, None) if is_literal(&rule.source) => Some(text.contains(&rule.source)),
        _ => None,
    };
    assert!(expected.is_none_or(|expected| expected == found), "{rule:?} on {text:?}");
    found
}

fn asked(url: &str) -> Asked {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (url, None),
    };
    let _ = view(path);
    Asked {
        scheme: Scheme::Https,
        authority: Authority::parse("app.test").unwrap(),
        path: path.to_owned(),
        query,
    }
}
