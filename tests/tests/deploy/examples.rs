//! Example settings: the outpost itself says whether they are right.

use outpost_tests::program::run;

use crate::support::{etc_outpost, files, read};

#[test]
fn every_example_is_accepted_as_it_is() {
    let etc = etc_outpost();
    for name in files("deploy/examples", ".toml") {
        let text = read(&format!("deploy/examples/{name}"));
        assert!(text.starts_with("# "), "{name} does not say what it is for");
        let text = text.replace("/etc/outpost/", &format!("{}/", etc.path().display()));
        let file = etc.write(&name, &text);
        let said = run(&["--config", file.to_str().unwrap(), "config", "--check"], &[]);
        assert!(said.status.success(), "{name}: {said:?}");
        // That was no accident: a mistake in it is told.
        let file = etc.write(&name, &format!("{text}\nnonsense = true\n"));
        let said = run(&["--config", file.to_str().unwrap(), "config", "--check"], &[]);
        assert_eq!(said.status.code(), Some(2), "{name}: {said:?}");
    }
}

#[test]
fn no_example_holds_a_secret() {
    for name in files("deploy/examples", ".toml") {
        for line in read(&format!("deploy/examples/{name}")).lines() {
            let Some((key, value)) = line.split_once(" = ") else { continue };
            if ["token", "secret", "password"].iter().any(|word| key.ends_with(word)) {
                assert!(value.starts_with("\"file:///"), "{name}: {line}");
            }
        }
    }
}
