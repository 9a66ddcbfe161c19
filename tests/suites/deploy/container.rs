//! The container image, as far as it can be known without building one: what it is made from, what
//! it runs, and as whom.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use outpost_demo::core::{CoreOptions, StandInCore};
use outpost_tests::folder::Folder;
use outpost_tests::program::{executable, run};
use outpost_tests::repository::{read, root};
use outpost_tests::{Program, parts};

use crate::deploy::release::{command, succeeds_in};
use crate::deploy::support::succeeds;

const FILE: &str = "deploy/container/Containerfile";

/// The instructions of the Containerfile, each as its word and the rest, lines put together.
fn instructions() -> Vec<(String, String)> {
    let text = read(FILE).replace("\\\n", " ");
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (word, rest) = line.split_once(' ').unwrap();
            (word.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// What stands after this word, each time.
fn all(word: &str) -> Vec<String> {
    let these = instructions().into_iter().filter(|(name, _)| name == word);
    these.map(|(_, rest)| rest).collect()
}

fn only(word: &str) -> String {
    let [one] = &all(word)[..] else { panic!("{word} is not there once") };
    one.clone()
}

/// The words of an instruction in its JSON form.
fn words(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_linter_has_nothing_to_say() {
    let mut command = Command::new(parts::find("hadolint"));
    command.args(["--failure-threshold", "style"]).arg(root().join(FILE));
    assert_eq!(succeeds(&mut command), "");
}

#[test]
fn the_ports_are_the_defaults() {
    let settings = run(
        &["config"],
        &[("AUTHENTIK_HOST", "http://core.test"), ("AUTHENTIK_TOKEN", "token-of-it")],
    );
    let settings = String::from_utf8(settings.stdout).unwrap();
    let ports: BTreeSet<&str> = ["http", "https", "metrics"]
        .iter()
        .map(|name| {
            let key = format!("{name} = [\"[::]:");
            let line = settings.lines().find_map(|line| line.strip_prefix(&key)).unwrap();
            line.strip_suffix("\"]").unwrap()
        })
        .collect();
    assert_eq!(only("EXPOSE").split(' ').collect::<BTreeSet<_>>(), ports);
}

#[test]
fn it_runs_as_nobody_in_particular_and_knows_no_secret() {
    let (user, group) = (only("USER"), only("USER"));
    let (user, group) = (user.split(':').next().unwrap(), group.split(':').next_back().unwrap());
    for id in [user, group] {
        assert!(id.parse::<u32>().unwrap() > 0, "{id}");
    }
    assert_eq!(all("ENV"), Vec::<String>::new());
    let known = ["RUST_IMAGE", "RUNTIME_IMAGE", "SOURCE_DATE_EPOCH"];
    for argument in all("ARG") {
        let name = argument.split('=').next().unwrap().to_owned();
        assert!(known.contains(&name.as_str()), "{argument}");
    }
}

#[tokio::test]
async fn its_health_check_tells_a_running_outpost_from_none() {
    let check = only("HEALTHCHECK");
    let (_, check) = check.split_once("CMD ").unwrap();
    let check = words(check);
    let entry = words(&only("ENTRYPOINT"));
    assert_eq!(entry[..], check[..1], "both are the program");
    let arguments: Vec<&str> = check[1..].iter().map(String::as_str).collect();

    let core = StandInCore::start(CoreOptions::default()).unwrap();
    let outpost = Program::start(&core, &[]);
    let metrics = outpost.address("metrics").await.to_string();
    let (host, token) = (core.url(), core.token());
    let variables = [
        ("AUTHENTIK_HOST", host.as_str()),
        ("AUTHENTIK_TOKEN", &token),
        ("AUTHENTIK_LISTEN__METRICS", &metrics),
    ];
    assert_eq!(run(&arguments, &variables).status.code(), Some(0));
    drop(outpost);
    assert_eq!(run(&arguments, &variables).status.code(), Some(1));
}

#[test]
fn its_base_has_the_libraries_that_the_program_needs() {
    let mut command = Command::new(parts::find("readelf"));
    let said = succeeds(command.arg("--dynamic").arg(executable()));
    let needed: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .map(|line| line.split_once('[').unwrap().1.trim_end_matches(']'))
        .collect();
    assert!(needed.contains(&"libc.so.6"), "{said}");
    // What distroless/cc is: glibc and libgcc.
    let there = [
        "libc.so.6",
        "libm.so.6",
        "libgcc_s.so.1",
        "ld-linux-x86-64.so.2",
        "ld-linux-aarch64.so.1",
    ];
    for library in needed {
        assert!(there.contains(&library), "{library} is not in the image");
    }
}

#[test]
fn its_compiler_is_new_enough_and_of_the_same_system() {
    let arguments = all("ARG");
    let image = |name: &str| {
        let found = arguments.iter().find_map(|argument| argument.strip_prefix(name));
        found.unwrap_or_else(|| panic!("{name} in {arguments:?}")).to_owned()
    };
    let (build, base) = (image("RUST_IMAGE="), image("RUNTIME_IMAGE="));
    let tag = build.rsplit(':').next().unwrap();
    let (version, system) = tag.split_once('-').unwrap();
    assert_eq!((system, base.contains("debian12")), ("bookworm", true), "Debian 12 is bookworm");
    let number =
        |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().unwrap()).collect() };
    assert_eq!(number(version).len(), 3, "a whole version: {version}");
    let manifest = read("Cargo.toml");
    let wanted = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    assert!(number(version) >= number(wanted.trim_matches('"')), "{version} for {wanted}");
}

/// Whether the engine sends a file to the build, by `.containerignore`: the last line that fits
/// decides.
fn is_sent(rules: &str, file: &str) -> bool {
    let lines = rules.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.fold(true, |sent, line| {
        let (rule, verdict) = line.strip_prefix('!').map_or((line, false), |rule| (rule, true));
        let below = |part: &str| part == rule || part.starts_with(&format!("{rule}/"));
        let fits = match rule.strip_prefix("**/") {
            Some(name) => match name.strip_prefix('*') {
                Some(end) => file.ends_with(end),
                None => file.split('/').any(|part| part == name),
            },
            None => rule == "*" || below(file),
        };
        if fits { verdict } else { sent }
    })
}

/// The build of the image, in a folder with just what the engine would send to it, but for compiling.
#[test]
fn what_is_sent_to_the_engine_is_enough_and_what_is_copied_is_there() {
    let rules = read(".containerignore");
    assert_eq!(rules, read("deploy/container/Containerfile.dockerignore"));
    let context = Folder::new();
    let mut git = Command::new("git");
    git.current_dir(root()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let files = succeeds(&mut git);
    let mut sent = BTreeSet::new();
    for file in files.split_terminator('\0').filter(|file| is_sent(&rules, file)) {
        let to = context.path().join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        // What was deleted and not yet committed is listed as well.
        if fs::copy(root().join(file), &to).is_ok() {
            sent.insert(file.to_owned());
        }
    }
    assert!(sent.contains("server/src/main.rs") && !sent.contains("tests/run"), "{sent:?}");
    included_files_are_among(&sent);

    let run = all("RUN");
    let build = run.iter().find(|line| line.starts_with("deploy/release/build ")).unwrap();
    let (build, _) = build.split_once(" && ").unwrap();
    let release = Folder::new();
    let arguments: Vec<String> =
        build
            .split(' ')
            .skip(1)
            .map(|word| {
                if word == "/release" { release.path().display().to_string() } else { word.into() }
            })
            .collect();
    let script = context.path().join("deploy/release/build");
    succeeds_in(command(&script).args(arguments).arg("--program").arg(executable()));
    for copy in all("COPY").iter().filter(|copy| copy.starts_with("--from=build")) {
        let source = copy.split(' ').find(|word| word.starts_with("/release/")).unwrap();
        let source = source.strip_prefix("/release/").unwrap();
        // Made by the instruction itself, for its owner.
        let made = run
            .iter()
            .any(|line| line.contains(&format!("/release/{}", source.trim_end_matches('/'))));
        assert!(made || release.path().join(source).is_dir(), "{copy}");
    }
    let entry = words(&only("ENTRYPOINT"));
    let name = entry[0].strip_prefix("/usr/local/bin/").unwrap();
    assert!(release.path().join("outpost/bin").join(name).is_file(), "{entry:?}");
}

/// Files that sources take in when they are compiled.
fn included_files_are_among(sent: &BTreeSet<String>) {
    let mut seen = 0;
    for file in sent.iter().filter(|file| file.ends_with(".rs") && !file.starts_with("tests/")) {
        let source = read(file);
        for part in source.split("include_str!(\"").chain(source.split("include_bytes!(\"")).skip(1)
        {
            let Some((name, _)) = part.split_once("\")") else { continue };
            let path = Path::new(file).parent().unwrap().join(name);
            if name.contains('\n') || !root().join(&path).is_file() {
                continue;
            }
            let whole = fs::canonicalize(root().join(&path)).unwrap();
            let whole = whole.strip_prefix(fs::canonicalize(root()).unwrap()).unwrap();
            assert!(sent.contains(whole.to_str().unwrap()), "{file} includes {name}");
            seen += 1;
        }
    }
    assert!(seen > 3, "{seen} files");
}
