//! The catalogue of attacks: `tests/attacks.toml` names what is known to have gone wrong with
//! outposts and their kin, what ours does, and the cases that show it; `tests/ATTACKS.md` is made
//! of it. Nothing that stands in [`KNOWN`] may be missing, no case may be unnamed, and none may be
//! named that is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use outpost_tests::repository::{read, root, tests_of_this_program};
use serde::Deserialize;

/// Every advisory, issue and attack that there must be a case for, by kind: the specification.
const KNOWN: [(&str, &[&str]); 19] = [
    ("Session cookies that are none", &["CVE-2026-25748"]),
    ("Forwarding headers of strangers", &["CVE-2023-36456", "CVE-2024-47070"]),
    ("Tokens of other applications", &["CVE-2024-47077"]),
    (
        "Open redirects",
        &[
            "CVE-2024-52289",
            "CVE-2026-41569",
            "GHSA-5m6c-jp6f-2vcv",
            "GHSA-j7px-6hwj-hpjg",
            "GHSA-qqxw-m5fj-f7gv",
            "GHSA-4mf2-f3wh-gvf2",
        ],
    ),
    (
        "Sign-ins that somebody else made",
        &[
            "CVE-2023-48228",
            "CVE-2024-23647",
            "state replay",
            "login CSRF",
            "state without expiry",
            "session fixation",
        ],
    ),
    ("Script in pages", &["CVE-2024-21637"]),
    ("Secrets", &["CVE-2024-52307", "GHSA-m9h4-7j9c-55x9"]),
    (
        "Identity headers of the client's own",
        &[
            "CVE-2026-88011",
            "CVE-2025-64484",
            "GHSA-x677-9fxg-v5c5",
            "GHSA-7r4p-vjf4-gxv4",
            "identity in preflights",
            "identity in trailers",
            "identity named in Connection",
        ],
    ),
    (
        "Forwarding headers that are doubled or disguised",
        &[
            "CVE-2026-40575",
            "CVE-2026-39858",
            "CVE-2026-35051",
            "X-Original-URI beside X-Original-URL",
        ],
    ),
    ("Names that open doors", &["CVE-2026-34457"]),
    ("Paths that two programs read differently", &["CVE-2026-41059", "GHSA-7rh7-c77v-6434"]),
    ("Claims that become headers", &["line breaks in claims"]),
    (
        "Mistakes of other modules",
        &["CVE-2022-23527", "CVE-2023-28625", "CVE-2024-24814", "GHSA-59jp-rwph-878r"],
    ),
    (
        "Tokens that are forged",
        &[
            "alg none",
            "HS/RS confusion",
            "wrong issuer",
            "audience tricks",
            "missing or absurd exp",
            "unknown kid flood",
            "JWKS that is no object",
            "huge tokens",
        ],
    ),
    (
        "Requests that are not what they seem",
        &[
            "two lengths",
            "duplicated Host",
            "absolute-form target",
            "header flood",
            "trailer flood",
            "slow headers",
            "slow bodies",
            "h2c upgrade",
            "PROXY header of a stranger",
        ],
    ),
    (
        "From one site to another",
        &["cross-site websocket", "cookie of another application", "Host against SNI"],
    ),
    (
        "Configurations and users beyond measure",
        &["pathological regexes", "10 MB skip list", "10,000 groups", "claim of 1 MB"],
    ),
    ("Sign-outs beyond measure", &["10,000 sessions sign out"]),
    (
        "What broke when the stock outpost was ported",
        &[
            "ak#25226",
            "ak#25643",
            "ak#25409",
            "ak#25410",
            "ak#25487",
            "ak#25463",
            "ak#24489",
            "ak#25397",
            "ak#24479",
            "ak#24528",
            "ak#26076",
            "ak#26270",
            "ak#23827",
            "underscore twin",
        ],
    ),
];

/// `attacks.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    attack: Vec<Attack>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    /// Advisories and issues by number, or a name where there is none; several that are one attack.
    ids: Vec<String>,
    /// What an attacker does, or what went wrong.
    attack: String,
    /// What the outpost does.
    answer: String,
    /// Cases of this suite.
    cases: Vec<String>,
    /// Cases elsewhere.
    #[serde(default)]
    also: Vec<String>,
}

fn catalogue() -> Catalogue {
    toml::from_str(&read("tests/attacks.toml"))
        .unwrap_or_else(|error| panic!("attacks.toml: {error}"))
}

/// Those that attack: not those that look after the catalogue.
pub(super) fn cases() -> BTreeSet<String> {
    let about = ["attacks::catalogue::", "attacks::regressions::"];
    let mut tests = tests_of_this_program();
    tests.retain(|test| {
        test.starts_with("attacks::") && !about.iter().any(|module| test.starts_with(module))
    });
    assert!(tests.len() > 50, "{tests:#?}");
    tests
}

/// Compares a file of the repository with what it must be, or writes it where `UPDATE_GOLDEN` is set.
fn assert_golden(path: &Path, wanted: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, wanted).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is not what attacks.toml says: run this test with UPDATE_GOLDEN=1",
        path.display()
    );
}

#[test]
fn every_known_attack_has_its_entry_and_no_entry_is_of_another() {
    let mut entries = BTreeMap::new();
    for attack in &catalogue().attack {
        for id in &attack.ids {
            *entries.entry(id.clone()).or_insert(0) += 1;
        }
    }
    let known: BTreeMap<String, i32> =
        KNOWN.iter().flat_map(|(_, ids)| *ids).map(|id| ((*id).to_owned(), 1)).collect();
    assert_eq!(entries, known, "each once");
}

#[test]
fn every_case_is_named_and_every_name_is_a_case() {
    let (tests, cases) = (tests_of_this_program(), cases());
    let mut named = BTreeSet::new();
    for attack in &catalogue().attack {
        let Attack { ids, attack, answer, cases: own, also } = attack;
        assert!(!own.is_empty(), "{ids:?} has no case");
        for case in own {
            assert!(cases.contains(case), "{ids:?}: there is no case {case}");
            named.insert(case.clone());
        }
        for test in also {
            assert!(tests.contains(test), "{ids:?}: there is no test {test}");
            assert!(!cases.contains(test), "{ids:?}: {test} is one of its cases");
        }
        for text in [attack, answer] {
            assert!((20..400).contains(&text.len()), "{ids:?}: {text}");
            assert!(!text.contains(['\n', '|']) && text.ends_with('.'), "{ids:?}: {text}");
        }
    }
    let unnamed: Vec<_> = cases.difference(&named).collect();
    assert!(unnamed.is_empty(), "no entry names {unnamed:#?}");
}

#[test]
fn the_table_of_attacks_is_what_the_catalogue_says() {
    let catalogue = catalogue();
    let count = cases().len();
    let mut text = format!(
        "# Attacks\n\nWhat is known to have gone wrong with outposts and their kin, what this one does, and the \
         cases that show\nit: {count}, each on the real program, from outside, in every mode and through every \
         dialect that it concerns.\n`./tests/run attacks::` runs them. Made of `attacks.toml`;\n\
         [REGRESSIONS.md](REGRESSIONS.md) shows that they notice. `ak#` and a number is an issue of\n\
         [authentik](https://github.com/goauthentik/authentik/issues).\n"
    );
    for (kind, ids) in KNOWN {
        write!(text, "\n## {kind}\n\n| attack | what happens | the outpost | shown by |\n")
            .unwrap();
        text.push_str("| --- | --- | --- | --- |\n");
        let of_kind = |attack: &&Attack| attack.ids.iter().any(|id| ids.contains(&id.as_str()));
        for Attack { ids, attack, answer, cases, also } in catalogue.attack.iter().filter(of_kind) {
            let own = cases.iter().map(|case| case.strip_prefix("attacks::").unwrap_or(case));
            let named: Vec<_> = own
                .chain(also.iter().map(String::as_str))
                .map(|name| format!("`{name}`"))
                .collect();
            let (ids, named) = (ids.join(", "), named.join("<br>"));
            writeln!(text, "| {ids} | {attack} | {answer} | {named} |").unwrap();
        }
    }
    assert_golden(&root().join("tests/ATTACKS.md"), &text);
}
