//! What a decision costs: `gather` and `decide` of the pure crate, as optimised as in a release.

use std::path::PathBuf;
use std::process::Command;

use outpost_tests::folder::Folder;
use outpost_tests::repository::root;

use super::baseline::Kind;
use super::callgrind::run;
use super::compare::Cost;

pub(crate) const KIND: Kind = Kind { file: "decisions", title: "a decision", allocations: 0 };

/// Decisions in one run; in the other there are twice as many.
const ROUNDS: u64 = 500;

/// Builds the program that decides (`tests/costs/`), unless `tests/run` has done so. The profile is a release's, and the folder too, so
/// that it is not the one that tests are built in.
fn built() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(3).expect("a test lives in a target directory");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--locked", "--profile", "bench", "--package", "outpost-costs"]);
    command.arg("--target-dir").arg(target);
    let ended = command.current_dir(root()).output().unwrap();
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    target.join("release").join("outpost-costs")
}

/// The difference of two runs, by how many decisions they differ in: a start costs nothing then.
fn each(less: u64, more: u64) -> u64 {
    let difference = more.checked_sub(less).expect("twice as many decisions cost more");
    (difference + ROUNDS / 2) / ROUNDS
}

#[test]
fn a_decision_costs_as_much_as_it_did() {
    let program = built();
    let listed = Command::new(&program).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let folder = Folder::new();
    let file = folder.path().join("out");
    let costs = names.lines().map(|name| {
        let [less, more] = [ROUNDS, 2 * ROUNDS]
            .map(|rounds| run(&file, program.as_os_str(), &[name, &rounds.to_string()]));
        Cost {
            name: name.to_owned(),
            instructions: Some(each(less.instructions, more.instructions)),
            allocations: each(less.libc, more.libc),
        }
    });
    KIND.check(costs.collect());
}
