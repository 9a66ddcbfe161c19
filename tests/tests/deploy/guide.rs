//! The guides: what they link to is there, and what they tell people to type exists.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use outpost_tests::program::run;

use crate::support::{read, root, succeeds};

const GUIDES: [&str; 2] = ["README.md", "deploy/README.md"];

/// Lines outside of blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !fence && !in_code
    })
}

/// The anchors that headings make: lower case, blanks as dashes, the rest of the marks left out.
pub(crate) fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .filter_map(|line| {
            line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
        })
        .map(|heading| {
            let kept = heading.to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for guide in GUIDES {
        let text = read(guide);
        let folder = Path::new(guide).parent().unwrap();
        for target in prose(&text).flat_map(|line| line.split("](").skip(1)) {
            let (target, _) = target.split_once(')').unwrap();
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { guide.into() } else { folder.join(path) };
            assert!(root().join(&path).exists(), "{guide}: {target}");
            if !anchor.is_empty() {
                let there = anchors(&read(path.to_str().unwrap()));
                assert!(there.contains(anchor), "{guide}: {target}; there are {there:?}");
            }
            links += 1;
        }
    }
    assert!(links > 20, "{links} links");
}

#[test]
fn every_command_of_the_guides_exists() {
    let mut tried = BTreeSet::new();
    for guide in GUIDES {
        for line in read(guide).lines() {
            // In code, and with a word after it that is a command.
            for call in line.split("`outpost ").skip(1) {
                let word: String =
                    call.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                tried.insert(word);
            }
        }
    }
    for command in tried.iter().filter(|word| !word.is_empty() && !word.starts_with('-')) {
        let said = run(
            &[command, "--help"],
            &[("AUTHENTIK_HOST", "http://core.test"), ("AUTHENTIK_TOKEN", "token")],
        );
        assert!(said.status.success(), "outpost {command}: {said:?}");
    }
    assert!(tried.len() > 3, "{tried:?}");
}

#[test]
fn scripts_pass_their_linter() {
    let mut command = Command::new(outpost_tests::parts::find("shellcheck"));
    command.current_dir(root()).args(["deploy/release/build", "tests/run", ".ci/run"]);
    succeeds(&mut command);
}
