//! The release script: what it writes is complete, the same each time, and tells nothing of the
//! machine it was made on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use outpost_tests::folder::Folder;
use outpost_tests::program::executable;
use outpost_tests::repository::{read, root};
use serde_json::Value;

use crate::deploy::guide::{GUIDES, follow_links};
use crate::deploy::support::{python, said, succeeds};

/// The script, with the tools it needs.
pub(crate) fn command(script: &Path) -> Command {
    let mut command = Command::new(script);
    // What cargo and rustup tell the programs that they start.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_")) {
        command.env_remove(name);
    }
    command.env_remove("SOURCE_DATE_EPOCH");
    command
}

/// Runs it; gives what it printed.
pub(crate) fn succeeds_in(command: &mut Command) -> String {
    succeeds(command)
}

fn script() -> PathBuf {
    root().join("deploy/release/build")
}

/// Packs the program that the tests run; gives what was printed and the archive.
fn pack(folder: &Folder, date: &str) -> (String, PathBuf) {
    let mut command = command(&script());
    command.args(["--profile", "dev"]).arg("--program").arg(executable());
    let printed =
        succeeds(command.arg("--output").arg(folder.path()).env("SOURCE_DATE_EPOCH", date));
    let result = printed.lines().find_map(|line| line.strip_prefix("result")).unwrap();
    let result = PathBuf::from(result.trim());
    (printed, result)
}

#[test]
fn an_archive_is_complete_and_the_same_each_time() {
    let folders = [Folder::new(), Folder::new()];
    let (printed, first) = pack(&folders[0], "1700000000");
    eprintln!("{printed}");
    for figure in ["program ", "start-up ", "sha256 "] {
        assert!(printed.lines().any(|line| line.starts_with(figure)), "{printed}");
    }
    let (_, second) = pack(&folders[1], "1700000000");
    assert_eq!(first.file_name(), second.file_name());
    assert!(fs::read(&first).unwrap() == fs::read(&second).unwrap(), "two archives differ");
    let digest = first.with_file_name(format!("{}.sha256", first.file_name().unwrap().display()));
    let mut check = Command::new("sha256sum");
    succeeds(check.arg("--check").arg(&digest).current_dir(folders[0].path()));

    let mut list = Command::new("tar");
    let list = succeeds(list.args(["-tvzf"]).arg(&first).env("TZ", "UTC"));
    for line in list.lines() {
        assert!(line.contains(" 0/0 ") && line.contains(" 2023-11-14 22:13 "), "{line}");
    }
    let mut extract = Command::new("tar");
    succeeds(extract.arg("-xzf").arg(&first).arg("-C").arg(folders[1].path()));
    let name = first.file_name().unwrap().to_str().unwrap().strip_suffix(".tar.gz").unwrap();
    let tree = folders[1].path().join(name);
    let mut version = Command::new(tree.join("bin/outpost"));
    let version = succeeds(version.arg("--version"));
    assert!(
        name.contains(&format!("-{}-", version.trim().split(' ').next_back().unwrap())),
        "{name}"
    );
    let files = [
        ("share/man/man1/outpost.1", ".TH"),
        ("share/bash-completion/completions/outpost", "healthcheck"),
        ("share/zsh/site-functions/_outpost", "healthcheck"),
        ("share/fish/vendor_completions.d/outpost.fish", "healthcheck"),
        ("share/doc/outpost/config/default.toml", "[sessions]"),
        ("share/doc/outpost/deploy/compose/replicas.yml", "services:"),
        ("share/doc/outpost/deploy/kubernetes/base/outpost.yaml", "kind: Deployment"),
        ("share/doc/outpost/deploy/systemd/outpost.service", "[Service]"),
        ("share/doc/outpost/deploy/examples/single-host.toml", "[core]"),
        ("share/doc/outpost/LICENSE-MIT", "MIT"),
    ];
    for (file, within) in files {
        let text =
            fs::read_to_string(tree.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(within), "{file}");
    }
    bill_of_materials_and_licences_agree(&tree.join("share/doc/outpost"));
    for guide in GUIDES {
        let doc = tree.join("share/doc/outpost");
        let links = follow_links(&doc, guide);
        assert!(links > 10, "{guide}: {links} links");
    }
    what_the_guide_installs_is_there(&tree);
    nothing_tells_of_this_machine(&tree.join("share"));
}

/// The lines of the guide that install something, with what they install.
fn what_the_guide_installs_is_there(tree: &Path) {
    let guide = read("deploy/README.md");
    let lines = guide.lines().filter_map(|line| line.strip_prefix("install -m 0"));
    let mut installed = 0;
    for source in lines.map(|line| line.split(' ').nth(1).unwrap()) {
        if source == "/dev/stdin" {
            continue;
        }
        let (start, ends) = match source.split_once('{') {
            Some((start, ends)) => (start, ends.trim_end_matches('}').split(',').collect()),
            None => (source, vec![""]),
        };
        for end in ends {
            let file = tree.join(format!("{start}{end}"));
            assert!(file.is_file(), "{} is not in the archive", file.display());
            installed += 1;
        }
    }
    assert_eq!(installed, 4);
}

/// Each component has a version that is locked, a licence, and a place in the file of licences.
fn bill_of_materials_and_licences_agree(doc: &Path) {
    let bill = fs::read_to_string(doc.join("sbom.cdx.json")).unwrap();
    let bill: Value = serde_json::from_str(&bill).unwrap();
    assert_eq!(bill["bomFormat"], "CycloneDX");
    assert_eq!(bill["metadata"]["component"]["name"], "outpost");
    assert!(bill.get("serialNumber").is_none(), "a number of its own each time");
    let locked = read("Cargo.lock");
    let licences = fs::read_to_string(doc.join("THIRD-PARTY-LICENSES.txt")).unwrap();
    let components = bill["components"].as_array().unwrap();
    let names: BTreeSet<_> = components.iter().map(|it| it["name"].as_str().unwrap()).collect();
    for part in ["hyper", "rustls", "aws-lc-rs", "actix-web", "redis"] {
        assert!(names.contains(part), "{part} is not in {names:?}");
    }
    for component in components {
        let text = |field: &str| component[field].as_str().unwrap_or_default();
        let (name, version) = (text("name"), text("version"));
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(locked.contains(&entry), "{name} {version} is not locked");
        assert!(component["licenses"].is_array(), "{component}");
        let is_ours = name.starts_with("outpost-");
        assert_eq!(text("purl").is_empty(), is_ours, "{component}");
        assert_eq!(component["hashes"].is_null(), is_ours, "{component}");
    }
    for helper in ["cc", "cmake", "thiserror-impl"] {
        assert!(!names.contains(helper), "{helper} helps to build, it is not in the program");
    }
    has_the_form_of_bills(&doc.join("sbom.cdx.json"));
    for part in ["hyper", "rustls", "aws-lc-sys", "actix-web", "redis", "mimalloc"] {
        assert!(licences.contains(&format!("=\n{part} ")), "{part}'s licence is not there");
    }
    for text in ["Permission is hereby granted", "Apache License", "Redistribution and use"] {
        assert!(licences.contains(text), "{text}");
    }
}

/// By the schema of `CycloneDX`, and each reference leads to a component.
fn has_the_form_of_bills(bill: &Path) {
    let script = "\
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
text = open(sys.argv[1], encoding='utf-8').read()
wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
assert wrong is None, wrong
bill = json.loads(text)
known = {it['bom-ref'] for it in bill['components'] + [bill['metadata']['component']]}
assert len(known) == len(bill['components']) + 1
assert {it['ref'] for it in bill['dependencies']} == known
assert {need for it in bill['dependencies'] for need in it['dependsOn']} < known
";
    let mut python = python();
    succeeds(python.args(["-c", script]).arg(bill));
}

fn nothing_tells_of_this_machine(folder: &Path) {
    let home = std::env::var("HOME").unwrap();
    let root = root();
    let mut left = vec![folder.to_owned()];
    let mut seen = 0;
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for place in [home.as_str(), root.to_str().unwrap(), "/tmp/tmp."] {
                // `/root` as home is a word of its own in a path only.
                let told =
                    text.contains(&format!("{place}/")) || text.contains(&format!("{place}\""));
                assert!(!told, "{} names {place}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen} files");
}

/// A compiler in name, whose programs hold what it was told to write instead of a path, or do not.
fn stand_in(folder: &Folder, is_tidy: bool) {
    let version = r#"printf '#!/bin/sh\n# %s\necho outpost 1.2.3\n' "#;
    let place = if is_tidy { r#""${RUSTFLAGS##*=}""# } else { r#""$PWD""# };
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = build ] || exit 3\n\
         while [ \"$1\" != --target ]; do shift; done\n\
         built=\"$CARGO_TARGET_DIR/$2/debug\"\nmkdir -p \"$built\"\n\
         {version} {place} > \"$built/outpost\"\nchmod +x \"$built/outpost\"\n"
    );
    let file = folder.write("cargo", &text);
    let mut chmod = Command::new("chmod");
    succeeds(chmod.arg("+x").arg(file));
}

#[test]
fn two_builds_that_differ_are_no_release() {
    for is_tidy in [true, false] {
        let folder = Folder::new();
        stand_in(&folder, is_tidy);
        let mut command = command(&script());
        let path = std::env::var_os("PATH").unwrap();
        let path = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(path).unwrap());
        command.args(["--verify", "--profile", "dev", "--output"]).arg(folder.path());
        let output = command.output().unwrap();
        let said = said(&output);
        // Behind the comparison the stand-in is of no use.
        assert!(!output.status.success(), "{said}");
        assert_eq!(said.contains("== Both are "), is_tidy, "{said}");
        assert_eq!(said.contains("the two programs differ"), !is_tidy, "{said}");
    }
}

/// Otherwise the names by which counts are found are others, and releases are slower without a word.
#[test]
fn counts_are_of_what_releases_are_built_from_and_with() {
    let counted = root().join("deploy/release/counted");
    let now = succeeds(&mut command(&counted));
    let then = read("deploy/release/outpost.profdata.of");
    let rest = |told: &str| told.split_once('\n').unwrap().1.to_owned();
    assert_eq!(rest(&now), rest(&then), "deploy/release/train counts anew");
    assert!(rest(&then).contains("version = ") && rest(&then).contains("lto = "), "{then}");
    let image = read("deploy/container/Containerfile");
    let compiler = image.split_once("/rust:").unwrap().1.split('-').next().unwrap();
    assert!(then.starts_with(&format!("rustc {compiler} ")), "{then}: the image has {compiler}");
    // LLVM's, in the form that the compiler reads.
    let counts = fs::read(root().join("deploy/release/outpost.profdata")).unwrap();
    assert!(counts.starts_with(b"\xfflprofi\x81"), "{:?}", &counts[..8]);
}

#[test]
fn a_tool_that_is_missing_is_told_before_anything_is_built() {
    let folder = Folder::new();
    let old = folder.write("python3", "#!/bin/sh\nexit 1\n");
    let mut chmod = Command::new("chmod");
    succeeds(chmod.arg("+x").arg(old));
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let mut command = Command::new(script());
    command.env("PATH", path).args(["--profile", "dev"]);
    let output = command.output().unwrap();
    let said = said(&output);
    assert!(!output.status.success() && said.contains("Python 3.11 or later"), "{said}");
    assert!(!said.contains("== Building"), "{said}");
}

#[test]
fn wrong_words_are_refused() {
    for words in
        [&["--profle", "dev"][..], &["--profile", "fast"], &["--verify", "--program", "/bin/true"]]
    {
        let output = command(&script()).args(words).output().unwrap();
        assert!(!output.status.success(), "{words:?}");
        assert!(said(&output).contains("build: "), "{words:?}: {}", said(&output));
    }
}
