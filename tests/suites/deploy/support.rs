//! Reading files of the repository, and asking other programs about them.

use std::fs;
use std::process::{Command, Output};

use outpost_tests::folder::Folder;
use outpost_tests::parts;
use outpost_tests::repository::root;
use serde_json::Value;

/// Names of the files in a folder of the repository that end like this, in order.
pub(crate) fn files(folder: &str, end: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(end))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "{folder} has no *{end}");
    names
}

/// Python, with the packages that `tests/run` installs.
pub(crate) fn python() -> Command {
    Command::new(parts::find("kubernetes-validate").with_file_name("python"))
}

/// Runs a command that must succeed; gives what it printed.
pub(crate) fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// All that a program said.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// The documents of a YAML text.
pub(crate) fn yaml(text: &str) -> Vec<Value> {
    const CONVERT: &str = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(open(sys.argv[1]))), sys.stdout)";
    let folder = Folder::new();
    let file = folder.write("file.yml", text);
    let json = succeeds(python().args(["-c", CONVERT]).arg(file));
    serde_json::from_str(&json).unwrap()
}

/// Puts `new` where `old` stands, which must be there exactly once.
pub(crate) fn replace_once(text: &str, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "{old:?} in\n{text}");
    text.replacen(old, new, 1)
}

/// Where the unit shows the service its secrets.
pub(crate) const CREDENTIALS: &str = "/run/credentials/outpost.service/";

/// Secrets that examples may name, by the name of their file in `/etc/outpost/secrets`.
pub(crate) const SECRETS: [(&str, &str); 7] = [
    ("token", "a-token-of-the-outpost"),
    ("secret-key", "a-secret-key-of-core"),
    ("store", "redis://:password@redis.test:6379/0"),
    ("store-sentinel", "rediss+sentinel://:password@one:26379,two:26379/outpost"),
    ("sentinel-password", "password"),
    ("dashboard-secret", "a-client-secret"),
    ("admin-token", "a-token-of-an-operator"),
];

/// What is no secret in `/etc/outpost`, in a folder that stands for it.
pub(crate) fn etc_outpost() -> Folder {
    let folder = Folder::new();
    let authority = outpost_tests::certificates::Authority::new();
    for name in ["redis-ca.pem", "files-ca.pem"] {
        folder.write(name, authority.pem());
    }
    folder
}
