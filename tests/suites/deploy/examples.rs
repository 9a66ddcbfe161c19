//! Example settings: the outpost itself says whether they are right.

use std::process::Command;

use outpost_tests::folder::Folder;
use outpost_tests::program::{executable, run};
use outpost_tests::repository::{read, root};

use crate::deploy::support::{CREDENTIALS, SECRETS, etc_outpost, files, succeeds};

/// Secrets are where the unit shows them to the service, and nowhere else: its user cannot read the
/// folder that they come from.
#[test]
fn every_example_is_accepted_as_it_is() {
    let etc = etc_outpost();
    let credentials = Folder::new();
    for (name, content) in SECRETS {
        credentials.write(&format!("secrets_{name}"), content);
    }
    for name in files("deploy/examples", ".toml") {
        let text = read(&format!("deploy/examples/{name}"));
        assert!(text.starts_with("# "), "{name} does not say what it is for");
        let text = text
            .replace("/etc/outpost/", &format!("{}/", etc.path().display()))
            .replace(CREDENTIALS, &format!("{}/", credentials.path().display()));
        let file = etc.write(&name, &text);
        let said = run(&["--config", file.to_str().unwrap(), "config", "--check"], &[]);
        assert!(said.status.success(), "{name}: {said:?}");
        // That was no accident: a mistake in it is told.
        let file = etc.write(&name, &format!("{text}\nnonsense = true\n"));
        let said = run(&["--config", file.to_str().unwrap(), "config", "--check"], &[]);
        assert_eq!(said.status.code(), Some(2), "{name}: {said:?}");
    }
}

/// The guide's check before the start reads secrets where root has put them, and settings from a pipe.
#[test]
fn settings_are_checked_before_the_service_starts() {
    let guide = read("deploy/README.md");
    let rule = "s#/run/credentials/outpost.service/secrets_#/etc/outpost/secrets/#";
    assert!(guide.contains(&format!("sed '{rule}' /etc/outpost/outpost.toml")), "{rule}");
    assert!(guide.contains("| outpost --config /dev/stdin config --check\n"));
    let secrets = Folder::new();
    secrets.write("token", "a-token-of-the-outpost");
    let mut check = Command::new("sh");
    check.args([
        "-c",
        "sed -e \"$1\" -e \"s#/etc/outpost/secrets#$2#\" \"$3\" \
                       | \"$4\" --config /dev/stdin config --check",
        "sh",
        rule,
    ]);
    check.arg(secrets.path()).arg(root().join("deploy/examples/single-host.toml"));
    succeeds(check.arg(executable()).env_clear().env("PATH", "/usr/bin:/bin"));
}

#[test]
fn no_example_holds_a_secret() {
    for name in files("deploy/examples", ".toml") {
        for line in read(&format!("deploy/examples/{name}")).lines() {
            let Some((key, value)) = line.split_once(" = ") else { continue };
            if ["token", "secret", "password"].iter().any(|word| key.ends_with(word)) {
                let place = format!("\"file://{CREDENTIALS}secrets_");
                assert!(value.starts_with(&place), "{name}: {line}");
            }
        }
    }
}
