//! What the program is made of is what its table says, no less and no more, and there is one of each
//! stack.

use std::collections::BTreeSet;
use std::process::Command;

use outpost_tests::repository::{read, root};
use serde_json::Value;

/// The crates that the program consists of.
const OURS: [&str; 4] = ["outpost", "outpost-dashboard", "outpost-decision", "outpost-render"];

fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = command.current_dir(root()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Packages that our crates name, but for those that tests alone need.
fn named() -> BTreeSet<String> {
    let metadata = cargo(&["metadata", "--format-version=1", "--no-deps", "--locked", "--offline"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours = packages.iter().filter(|it| OURS.contains(&it["name"].as_str().unwrap()));
    ours.flat_map(|it| it["dependencies"].as_array().unwrap())
        .filter(|it| it["kind"].is_null() && it["path"].is_null())
        .map(|it| {
            // What is renamed is known here by the name that the sources use.
            let name = it["rename"].as_str().or(it["name"].as_str());
            name.unwrap().to_owned()
        })
        .collect()
}

/// All that is compiled into the program for this machine: names and versions.
fn compiled_in() -> BTreeSet<String> {
    let edges = "--edges=normal,no-proc-macro";
    let tree = cargo(&["tree", "--offline", "--locked", "-p=outpost", edges, "--prefix=none"]);
    tree.lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ").replace(" v", " "))
        .collect()
}

fn table() -> String {
    read("server/DEPENDENCIES.md")
}

/// The names between backquotes in the first column of the tables before the advisories.
fn explained(table: &str) -> Vec<String> {
    let (packages, _) = table.split_once("\n## Known advisories").unwrap();
    packages
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| row.split(" | ").next())
        .flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .filter(|name| !name.contains("**") && !name.trim_matches([',', ' ']).is_empty())
        .collect()
}

#[test]
fn every_package_that_we_name_is_explained_once() {
    let explained = explained(&table());
    let once: BTreeSet<String> = explained.iter().cloned().collect();
    assert_eq!(once.len(), explained.len(), "twice in the table: {explained:?}");
    assert_eq!(once, named(), "left: server/DEPENDENCIES.md, right: the manifests");
}

#[test]
fn there_is_one_stack_of_each_kind() {
    let all = compiled_in();
    let versions = |name: &str| -> Vec<&String> {
        all.iter().filter(|it| it.split(' ').next() == Some(name)).collect()
    };
    for one in ["rustls", "tokio-rustls", "aws-lc-rs", "hyper", "tokio", "regex", "url", "redis"] {
        assert_eq!(versions(one).len(), 1, "{one}: {:?}", versions(one));
    }
    let second = [
        "ring",
        "openssl",
        "openssl-sys",
        "native-tls",
        "rustls-native-tls",
        "reqwest",
        "ureq",
        "isahc",
        "curl",
        "tonic",
        "tungstenite",
        "webpki-roots",
        "reqwest",
        "async-std",
        "smol",
    ];
    for name in second {
        assert_eq!(versions(name), Vec::<&String>::new(), "a second stack");
    }
}

#[test]
fn advisories_that_may_stay_are_those_that_are_explained_and_still_there() {
    let settings = read(".cargo/audit.toml");
    let ignored: BTreeSet<&str> =
        settings.split('"').filter(|part| part.starts_with("RUSTSEC-")).collect();
    let table = table();
    let (_, known) = table.split_once("\n## Known advisories").unwrap();
    let rows: Vec<Vec<&str>> = known
        .lines()
        .filter(|line| line.starts_with("| RUSTSEC-"))
        .map(|line| line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect())
        .collect();
    assert_eq!(ignored, rows.iter().map(|row| row[0]).collect());
    assert!(!ignored.is_empty(), "then neither the file nor the table is needed");
    let locked = read("Cargo.lock");
    for row in rows {
        let mut words = row[1].split(' ');
        let name = words.next().unwrap().trim_matches('`');
        let version = words.next().filter(|word| word.starts_with(|it: char| it.is_ascii_digit()));
        let entry = format!("name = \"{name}\"\nversion = \"{}", version.unwrap_or_default());
        assert!(locked.contains(&entry), "{name} is gone, its advisory may go too");
    }
}
