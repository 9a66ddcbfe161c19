//! The guides: what they link to is there, and what they tell people to type exists.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use outpost_tests::program::run;
use outpost_tests::repository::{read, root};

use crate::deploy::support::succeeds;

/// What a release ships as well.
pub(crate) const GUIDES: [&str; 2] = ["README.md", "deploy/README.md"];

/// Everything that people are told to type is in one of these.
const TOLD: [&str; 3] = ["README.md", "deploy/README.md", "dashboard/README.md"];

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

/// Follows the links of a guide below `root` to files and sections; gives how many there are.
pub(crate) fn follow_links(root: &Path, guide: &str) -> usize {
    let read = |path: &Path| {
        let text = std::fs::read_to_string(root.join(path));
        text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let text = read(Path::new(guide));
    let folder = Path::new(guide).parent().unwrap();
    let mut links = 0;
    for target in prose(&text).flat_map(|line| line.split("](").skip(1)) {
        let (target, _) = target.split_once(')').unwrap();
        if target.contains("://") {
            continue;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = if path.is_empty() { guide.into() } else { folder.join(path) };
        assert!(root.join(&path).exists(), "{guide}: {target}");
        if !anchor.is_empty() {
            let there = anchors(&read(&path));
            assert!(there.contains(anchor), "{guide}: {target}; there are {there:?}");
        }
        links += 1;
    }
    links
}

#[test]
fn every_link_leads_somewhere() {
    for guide in GUIDES {
        let links = follow_links(&root(), guide);
        assert!(links > 10, "{guide}: {links} links");
    }
}

/// What the guides tell people to type, in prose and in blocks: the words after the program's name, up
/// to where something else begins.
fn calls(text: &str) -> Vec<Vec<String>> {
    let prose = text.split("`outpost ").skip(1).map(|call| call.split('`').next().unwrap());
    let mut in_code = false;
    let code = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !fence && in_code
    });
    let code = code.filter_map(|line| {
        let line = line.trim_start().trim_start_matches("| ");
        line.strip_prefix("outpost ")
    });
    prose
        .chain(code)
        .map(|call| {
            let words = call.split_whitespace();
            words
                .take_while(|word| !["|", ">", "#", "\\"].contains(word))
                .map(str::to_owned)
                .collect()
        })
        .collect()
}

#[test]
fn every_command_of_the_guides_exists_and_has_the_flags_that_they_name() {
    let help = |command: &str| {
        let words: &[&str] = if command.is_empty() { &["--help"] } else { &[command, "--help"] };
        let said =
            run(words, &[("AUTHENTIK_HOST", "http://core.test"), ("AUTHENTIK_TOKEN", "token")]);
        assert!(said.status.success(), "outpost {command}: {said:?}");
        String::from_utf8(said.stdout).unwrap()
    };
    let commands = help("");
    let listed = commands.lines().filter_map(|line| line.split_whitespace().next());
    let listed: BTreeSet<&str> = listed.filter(|word| !word.starts_with('-')).collect();
    let is_command = |word: &str| listed.contains(word);
    let (mut tried, mut flags) = (BTreeSet::new(), 0);
    for call in TOLD.into_iter().flat_map(|guide| calls(&read(guide))) {
        let at = call.iter().position(|word| is_command(word));
        let command = at.map_or("", |at| call[at].as_str());
        assert!(
            at.is_some() || call.iter().all(|word| word.starts_with('-')),
            "outpost {call:?}: no such command"
        );
        let mut known = help(command);
        known.push_str(&commands);
        // A command below that one has flags of its own.
        if let Some(below) = at.and_then(|at| call.get(at + 1)).filter(|it| !it.starts_with('-')) {
            for below in below.split('|') {
                let said = run(&[command, below, "--help"], &[]);
                known.push_str(&String::from_utf8_lossy(&said.stdout));
            }
        }
        for flag in call.iter().filter(|word| word.starts_with("--")) {
            let flag = flag.split(['=', ',', ')']).next().unwrap();
            assert!(known.contains(flag), "outpost {call:?}: there is no {flag}\n{known}");
            flags += 1;
        }
        tried.insert(command.to_owned());
    }
    assert!(tried.len() > 5 && flags > 8, "{tried:?}, {flags} flags");
}

#[test]
fn scripts_pass_their_linter() {
    let mut command = Command::new(outpost_tests::parts::find("shellcheck"));
    let of_release = ["build", "counted", "train"].map(|name| format!("deploy/release/{name}"));
    command.current_dir(root()).args(of_release).args(["tests/run", "tests/bench", ".ci/run"]);
    succeeds(&mut command);
}
