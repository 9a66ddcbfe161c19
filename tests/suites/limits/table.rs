//! The table of limits in the README: each setting, default, figure and test in it is there.

use std::collections::BTreeSet;

use outpost_tests::Figures;
use outpost_tests::repository::{read, root, tests_of_this_program};

use crate::limits::support::world;

/// A line of the table.
struct Row {
    limit: String,
    setting: String,
    default: String,
    figure: String,
    past: String,
    tests: String,
}

fn rows() -> Vec<Row> {
    let readme = read("README.md");
    let (_, section) = readme.split_once("\n## Limits\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let lines = section.lines().filter(|line| line.starts_with("| ")).skip(2);
    let rows: Vec<Row> = lines
        .map(|line| {
            let cells: Vec<String> =
                line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
            let [limit, setting, default, figure, past, tests] =
                cells.try_into().unwrap_or_else(|_| panic!("six cells: {line}"));
            Row { limit, setting, default, figure, past, tests }
        })
        .collect();
    assert!(rows.len() >= 20, "{} rows", rows.len());
    rows
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The keys of the file of defaults, and what they are.
fn defaults() -> Vec<(String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in read("config/default.toml").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once(" = ")
            && !line.starts_with('#')
        {
            found.push((format!("{section}.{key}"), value.trim_matches('"').to_owned()));
        }
    }
    found
}

#[test]
fn every_setting_in_the_table_has_the_default_that_stands_there() {
    let defaults = defaults();
    for row in rows() {
        for setting in quoted(&row.setting) {
            let default = defaults.iter().find(|(key, _)| key == setting);
            let (_, default) = default.unwrap_or_else(|| panic!("{}: {setting}", row.limit));
            assert_eq!(&row.default, default, "{}", row.limit);
        }
        assert!(!row.past.is_empty(), "{}", row.limit);
        // What no setting changes says so.
        assert!(!quoted(&row.setting).is_empty() || row.setting == "fixed", "{}", row.limit);
    }
    let listed: BTreeSet<String> =
        rows().iter().flat_map(|row| quoted(&row.setting)).map(str::to_owned).collect();
    for (key, _) in defaults.iter().filter(|(key, _)| key.starts_with("limits.")) {
        assert!(listed.contains(key), "{key} is not in the table");
    }
}

#[tokio::test]
async fn every_figure_in_the_table_is_there() {
    let world = world(&[]).await;
    let shown = Figures::of(&world).await.text;
    let names = read("server/src/ops/metrics/names.rs");
    let mut limits = BTreeSet::new();
    for row in rows() {
        for figure in quoted(&row.figure) {
            let (name, labels) = figure.split_once('{').unwrap_or((figure, ""));
            assert!(names.contains(&format!("\"{name}\"")), "{}: {figure}", row.limit);
            // Series of limits are there before they are reached.
            if name == "outpost_limits_reached_total" {
                assert!(shown.contains(&format!("\n{name}{{{labels} ")), "{figure}: {shown}");
                limits.insert(labels.to_owned());
            }
        }
    }
    assert_eq!(limits.len(), outpost::limits::Limit::ALL.len(), "each has a row: {limits:?}");
}

/// The crates whose own tests the table names, and where their modules are.
const CRATES: [(&str, &str); 2] =
    [("outpost::", "server/src"), ("outpost_decision::", "server/decision/src")];

/// Whether a crate of ours has this test, by its path: in a file `tests`, or at the end of the
/// module's own.
fn is_unit_test(path: &str) -> bool {
    let Some((inner, folder)) =
        CRATES.iter().find_map(|(name, folder)| Some((path.strip_prefix(name)?, folder)))
    else {
        return false;
    };
    let (module, name) = inner.rsplit_once("::tests::").expect("a module, its tests and a name");
    let module = format!("{folder}/{}", module.replace("::", "/"));
    let beside = format!("{module}/tests.rs");
    let tests = if root().join(&beside).is_file() {
        read(&beside)
    } else {
        let source = read(&format!("{module}.rs"));
        let (_, tests) = source.split_once("\nmod tests {\n").expect("a module of tests");
        tests.to_owned()
    };
    tests.contains(&format!("fn {name}("))
}

#[test]
fn every_test_in_the_table_is_there_by_its_whole_path() {
    let suites = tests_of_this_program();
    for row in rows() {
        let tests = quoted(&row.tests);
        assert!(!tests.is_empty(), "{} has no test", row.limit);
        for test in tests {
            assert!(suites.contains(test) || is_unit_test(test), "{}: {test}", row.limit);
        }
    }
}
