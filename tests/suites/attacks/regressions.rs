//! Bugs of the past, put back one at a time: `tests/regressions` builds the program with each edit of
//! `tests/regressions.toml` and runs the cases against it. Here it is only seen to that each edit
//! still has its place, and that `REGRESSIONS.md` tells of these edits.

use std::collections::BTreeSet;

use outpost_tests::repository::read;
use serde::Deserialize;

use crate::attacks::catalogue::cases;

/// Fewer would be no proof.
const FEWEST: usize = 22;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Regressions {
    regression: Vec<Regression>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Regression {
    id: String,
    /// Where the catalogue knows it.
    advisories: Vec<String>,
    /// What the program does with it.
    bug: String,
    /// The cases that fail then, and no others.
    red: Vec<String>,
    edit: Vec<Edit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// From the repository's root.
    file: String,
    find: String,
    replace: String,
}

fn regressions() -> Vec<Regression> {
    let text = read("tests/regressions.toml");
    let parsed: Result<Regressions, _> = toml::from_str(&text);
    parsed.unwrap_or_else(|error| panic!("regressions.toml: {error}")).regression
}

#[test]
fn every_bug_can_still_be_put_back_and_names_the_cases_that_notice() {
    let (all, cases) = (regressions(), cases());
    let catalogue = read("tests/attacks.toml");
    assert!(all.len() >= FEWEST, "{}", all.len());
    let ids: BTreeSet<&String> = all.iter().map(|one| &one.id).collect();
    assert_eq!(ids.len(), all.len(), "each id once");
    for Regression { id, advisories, bug, red, edit } in &all {
        assert!(!red.is_empty() && !edit.is_empty() && !advisories.is_empty(), "{id}");
        assert!(bug.ends_with('.') && !bug.contains(['|', '\n']), "{id}: {bug}");
        for case in red {
            assert!(cases.contains(case), "{id}: there is no case {case}");
        }
        for advisory in advisories {
            assert!(
                catalogue.contains(&format!("\"{advisory}\"")),
                "{id}: {advisory} is not listed"
            );
        }
        for Edit { file, find, replace } in edit {
            let text = read(file);
            let found = text.matches(find.as_str()).count();
            assert_eq!(found, 1, "{id}: not exactly once in {file}: {find:?}");
            assert_ne!(find, replace, "{id}");
            assert!(file.starts_with("server/"), "{id}: {file} is not of the program");
        }
    }
}

#[test]
fn the_table_tells_of_each_that_it_was_noticed_as_expected() {
    let table = read("tests/REGRESSIONS.md");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect())
        .filter(|row: &Vec<&str>| row.first() != Some(&"bug") && row.first() != Some(&"---"))
        .collect();
    let told: Vec<(String, String)> = rows
        .iter()
        .map(|row| {
            assert_eq!(row.len(), 6, "{row:?}");
            assert_eq!(row[5], "as expected", "{row:?}");
            (row[0].to_owned(), row[3].to_owned())
        })
        .collect();
    let wanted: Vec<(String, String)> = regressions()
        .into_iter()
        .map(|mut one| {
            one.red.sort();
            let red: Vec<_> = one
                .red
                .iter()
                .map(|case| format!("`{}`", case.strip_prefix("attacks::").unwrap()))
                .collect();
            (one.id, red.join("<br>"))
        })
        .collect();
    assert_eq!(told, wanted, "run ./tests/regressions");
}
