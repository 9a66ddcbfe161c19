//! Names in expressions of Prometheus.

use std::collections::BTreeSet;

/// What an expression names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Figures, as they are written.
    pub(crate) figures: BTreeSet<String>,
    /// Labels, in selectors and groupings.
    pub(crate) labels: BTreeSet<String>,
    /// Values that a selector compares a label with, alternatives taken apart.
    pub(crate) values: BTreeSet<(String, String)>,
}

/// Words that begin a grouping.
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Reads an expression as far as names go.
pub(crate) fn names(expression: &str) -> Names {
    let mut names = Names::default();
    let mut rest = expression;
    let (mut in_selector, mut in_grouping, mut word_before) = (false, false, String::new());
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let (text, after) = rest[1..].split_once('"').expect("a closing quote");
            if in_selector {
                for value in text.split('|') {
                    names.values.insert((word_before.clone(), value.to_owned()));
                }
            }
            rest = after;
            continue;
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            if in_selector || in_grouping {
                names.labels.insert(word.to_owned());
            } else if word.starts_with("outpost_") || word.starts_with("authentik_outpost_") {
                names.figures.insert(word.to_owned());
            }
            word_before = word.to_owned();
            rest = after;
            continue;
        }
        match first {
            '{' => in_selector = true,
            '}' => in_selector = false,
            '(' if GROUPINGS.contains(&word_before.as_str()) => in_grouping = true,
            ')' => in_grouping = false,
            _ => {}
        }
        if !first.is_whitespace() && !in_selector {
            word_before.clear();
        }
        rest = &rest[first.len_utf8()..];
    }
    names
}

#[test]
fn names_are_told_apart() {
    let found = names(
        "histogram_quantile(0.9, sum by (job, le) (rate(outpost_x_bucket{a=~\"b|c\", d!=\"\"}[5m])))\n\
         unless on (instance) outpost_y > 0",
    );
    let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(list(&found.figures), "outpost_x_bucket outpost_y");
    assert_eq!(list(&found.labels), "a d instance job le");
    assert_eq!(found.values.len(), 3, "{found:?}");
    assert!(found.values.contains(&("a".to_owned(), "c".to_owned())), "{found:?}");
}
