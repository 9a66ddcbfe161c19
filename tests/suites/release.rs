//! What belongs to a release beside the program: completions, the manual, and one version for all.

use std::fs;
use std::process::Command;

use outpost_render::Target;
use outpost_tests::folder::Folder;
use outpost_tests::program::run;
use outpost_tests::repository::read;

/// What the program prints to these arguments; it needs no settings for them.
fn printed(arguments: &[&str]) -> String {
    let output = run(arguments, &[]);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What bash offers after these words.
fn offered(words: &[&str]) -> Vec<String> {
    let script = r#"set -u
        source /dev/stdin <<<"$SCRIPT"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        complete -p outpost | grep -q -- '-F _outpost ' || exit 9
        COMPREPLY=()
        _outpost outpost "${*: -1}" "${@: -2:1}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let output = Command::new("bash")
        .args(["--norc", "-c", script, "bash"])
        .args(words)
        .env("SCRIPT", printed(&["completions", "bash"]))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_offers_commands_targets_and_options() {
    let commands = offered(&["outpost", ""]);
    for command in ["config", "render", "explain", "doctor", "sessions", "completions", "man"] {
        assert!(commands.iter().any(|it| it == command), "{command}: {commands:?}");
    }
    let targets = offered(&["outpost", "render", ""]);
    for target in Target::ALL.map(Target::code) {
        assert!(targets.iter().any(|it| it == target), "{target}: {targets:?}");
    }
    assert_eq!(offered(&["outpost", "render", "ngin"])[0], "nginx");
    assert_eq!(offered(&["outpost", "explain", "--via", "cad"]), ["caddy"]);
    assert_eq!(offered(&["outpost", "render", "--provi"]), ["--provider"]);
}

#[test]
fn other_shells_have_completions_as_well() {
    let zsh = printed(&["completions", "zsh"]);
    for target in Target::ALL.map(Target::code) {
        assert!(zsh.contains(target), "{target}");
    }
    for shell in ["fish", "elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        for word in ["render", "completions", "provider", "healthcheck"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let wrong = run(&["completions", "cmd"], &[]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}

#[test]
fn the_manual_has_a_page_for_each_command_that_groff_has_nothing_against() {
    let folder = Folder::new();
    let told = printed(&["man", "--output", folder.path().to_str().unwrap()]);
    let pages: Vec<&str> = told.lines().collect();
    for name in ["outpost", "outpost-render", "outpost-config", "outpost-sessions-revoke"] {
        let page = folder.path().join(format!("{name}.1"));
        assert!(pages.contains(&page.to_str().unwrap()), "{name}: {told}");
    }
    for page in pages {
        let output = Command::new("groff")
            .args(["-man", "-ww", "-rCHECKSTYLE=3", "-Tutf8", page])
            .output()
            .unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && complaints.is_empty(), "{page}: {complaints}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(&version()), "{page}: {text}");
    }
    let file = fs::read_to_string(folder.path().join("outpost-render.1")).unwrap();
    assert_eq!(printed(&["man", "render"]), file);
    for target in Target::ALL.map(Target::code) {
        let written = target.replace('-', "\\-");
        assert!(file.contains(target) || file.contains(&written), "{target}: {file}");
    }
    let unknown = run(&["man", "rendr"], &[]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
}

/// The version, from the one place where it stands.
fn version() -> String {
    let manifest = read("Cargo.toml");
    let (_, package) = manifest.split_once("[workspace.package]").unwrap();
    let line = package.lines().find_map(|line| line.strip_prefix("version = \"")).unwrap();
    line.trim_end_matches('"').to_owned()
}

#[test]
fn the_version_stands_in_one_place() {
    assert_eq!(printed(&["--version"]), format!("outpost {}\n", version()));
    assert_eq!(version(), outpost::VERSION);
    let manifest = read("Cargo.toml");
    let (_, members) = manifest.split_once("members = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let members: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
    assert!(members.len() > 4, "{members:?}");
    for member in members {
        let manifest = read(&format!("{member}/Cargo.toml"));
        assert!(manifest.contains("\nversion.workspace = true\n"), "{member}");
    }
}
