//! The repository that the tests are of: its files, and the tests themselves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where it is: an absolute path.
///
/// # Panics
/// Never: the folder of these tests stands in it.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

/// A file of it, by its path from the root.
///
/// # Panics
/// When it is not there, or no text.
#[must_use]
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The name of every test of the program that this is.
///
/// # Panics
/// When it cannot be run once more, or does not list them.
#[must_use]
pub fn tests_of_this_program() -> BTreeSet<String> {
    let own = std::env::current_exe().expect("a program");
    let output = Command::new(own).args(["--list", "--format", "terse"]).output();
    let text = String::from_utf8(output.expect("it runs").stdout).expect("text");
    let tests = text.lines().filter_map(|line| line.strip_suffix(": test"));
    tests.map(str::to_owned).collect()
}
