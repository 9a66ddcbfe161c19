//! Every input that is kept passes its target, without a fuzzer. An input that once broke a promise
//! stays here for good.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};

use outpost_fuzz::{TARGETS, target};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn replay(name: &str) {
    let target = target(name).expect("a target");
    let entries = fs::read_dir(corpus().join(name)).expect("a folder of inputs");
    let mut count = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        let passed = panic::catch_unwind(|| (target.check)(&input));
        assert!(passed.is_ok(), "{} does not pass", path.display());
        count += 1;
    }
    assert!(count >= 5, "{name} has {count} inputs");
}

macro_rules! replayed {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed_and_every_folder_of_inputs_is_a_targets() {
            let replayed: BTreeSet<&str> = [$(stringify!($name)),*].into();
            let targets: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(replayed, targets);
            let folders = fs::read_dir(corpus()).unwrap();
            let folders: BTreeSet<String> =
                folders.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            assert_eq!(folders, targets.iter().map(|name| (*name).to_owned()).collect());
        }
    };
}

replayed! { cookie jwks link origin path provider proxy_header rd skip state token }

#[test]
fn the_corpus_is_small() {
    let files = TARGETS.iter().flat_map(|target| fs::read_dir(corpus().join(target.name)).unwrap());
    let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 1_000_000, "{bytes} bytes");
}

#[test]
fn the_readme_says_what_each_target_asserts() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    for target in TARGETS {
        let row = format!("| `{}` | {} |", target.name, target.asserts);
        assert!(readme.contains(&row), "README.md lacks {row}");
    }
}
