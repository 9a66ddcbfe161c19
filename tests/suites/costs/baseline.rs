//! What was counted before: a file for each kind of thing, and a table of the README for each.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::process::Command;

use outpost_tests::repository::{read, root};

use super::compare::{Cost, Counts, differences};

/// A kind of thing that costs something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Name of its file.
    pub(crate) file: &'static str,
    /// What the first column of its table holds.
    pub(crate) title: &'static str,
    /// Allocations more or fewer that are nothing to speak of.
    pub(crate) allocations: u64,
}

/// Takes a new baseline.
const ANEW: &str = "UPDATE_BASELINE=1 ./tests/run costs::";

impl Kind {
    /// Holds what was counted against the baseline, or makes it the baseline where that is asked for.
    pub(crate) fn check(self, costs: Vec<Cost>) {
        let now = Counts { rustc: rustc(), costs };
        if std::env::var_os("UPDATE_BASELINE").is_some() {
            self.replace(&now);
            return;
        }
        let found = differences(&self.stored(), &now, self.allocations);
        let table = self.table(&now);
        assert!(
            found.is_empty(),
            "Counted now:\n{table}\n{}\nIf that is as it should be, {ANEW} takes a new baseline.",
            found.join("\n")
        );
    }

    fn path(self) -> String {
        format!("tests/suites/costs/{}.toml", self.file)
    }

    fn stored(self) -> Counts {
        let path = self.path();
        toml::from_str(&read(&path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// As the README shows it.
    fn table(self, counts: &Counts) -> String {
        let timed = counts.costs.iter().any(|cost| cost.instructions.is_some());
        let mut text = format!("| {} |", self.title);
        text += if timed { " instructions | allocations |\n" } else { " allocations |\n" };
        text += if timed { "|---|---:|---:|\n" } else { "|---|---:|\n" };
        for cost in &counts.costs {
            let _ = write!(text, "| {} | ", cost.name);
            if let Some(instructions) = cost.instructions {
                let _ = write!(text, "{} | ", grouped(instructions));
            }
            let _ = writeln!(text, "{} |", grouped(cost.allocations));
        }
        text
    }

    fn file(counts: &Counts) -> String {
        let mut text = format!("# Written by {ANEW}\nrustc = {:?}\ncosts = [\n", counts.rustc);
        for cost in &counts.costs {
            let _ = write!(text, "  {{ name = {:?}, ", cost.name);
            if let Some(instructions) = cost.instructions {
                let _ = write!(text, "instructions = {instructions}, ");
            }
            let _ = writeln!(text, "allocations = {} }},", cost.allocations);
        }
        text + "]\n"
    }

    fn replace(self, now: &Counts) {
        let (old, new) = (self.table(&self.stored()), self.table(now));
        let mut readme = fs::File::options().read(true).write(true).open(readme()).unwrap();
        // The other kinds' tests may be doing the same.
        readme.lock().unwrap();
        let mut text = String::new();
        readme.read_to_string(&mut text).unwrap();
        assert!(text.contains(&old), "the README has no table like this:\n{old}");
        let text = text.replace(&old, &new);
        readme.rewind().unwrap();
        readme.set_len(0).unwrap();
        readme.write_all(text.as_bytes()).unwrap();
        fs::write(root().join(self.path()), Self::file(now)).unwrap();
    }
}

fn readme() -> PathBuf {
    root().join("README.md")
}

/// The compiler that cargo takes here.
fn rustc() -> String {
    let told = Command::new("rustc").arg("--version").current_dir(root()).output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

/// 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Both kinds.
const KINDS: [Kind; 2] = [super::decisions::KIND, super::requests::KIND];

#[test]
fn the_readme_tells_the_baseline() {
    let readme = read("README.md");
    for kind in KINDS {
        let table = kind.table(&kind.stored());
        assert!(readme.contains(&table), "the README has no table like this:\n{table}");
    }
}

#[test]
fn a_baseline_reads_as_it_was_written() {
    for kind in KINDS {
        let stored = kind.stored();
        assert_eq!(Kind::file(&stored), read(&kind.path()));
        assert!(!stored.costs.is_empty(), "{kind:?}");
    }
}

#[test]
fn numbers_are_written_for_people() {
    for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(grouped(number), text);
    }
}
