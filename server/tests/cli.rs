//! The program from outside: what it prints and how it exits.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::process::{Command, Output};

fn outpost(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_outpost"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

const RIGHT: [(&str, &str); 2] =
    [("AUTHENTIK_HOST", "https://core.example.com"), ("AUTHENTIK_TOKEN", "hush-hush")];

#[test]
fn missing_settings_end_every_command_with_2_and_one_line_each() {
    for arguments in [&[][..], &["config"], &["config", "--check"], &["healthcheck"]] {
        let output = outpost(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 2, "{told}");
        assert!(lines[0].starts_with("AUTHENTIK_HOST: is required"), "{told}");
        assert!(lines[1].starts_with("AUTHENTIK_TOKEN: is required"), "{told}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn config_shows_everything_but_secrets() {
    let output = outpost(&["config"], &RIGHT);
    assert!(output.status.success());
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("host = \"https://core.example.com\" # AUTHENTIK_HOST"), "{shown}");
    assert!(!shown.contains("hush-hush"));

    let output = outpost(&["config", "--check"], &RIGHT);
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let output = outpost(&["--config", "/nowhere/outpost.toml", "config", "--check"], &RIGHT);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("/nowhere/outpost.toml: cannot be read"), "{told}");
}

#[test]
fn healthcheck_of_nobody_is_1() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let metrics = free.to_string();
    let variables = [RIGHT[0], RIGHT[1], ("AUTHENTIK_LISTEN__METRICS", metrics.as_str())];
    let output = outpost(&["healthcheck"], &variables);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("unhealthy: "));
}

#[test]
fn version_and_wrong_arguments() {
    let output = outpost(&["--version"], &[]);
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("outpost 0."));
    assert_eq!(outpost(&["dance"], &RIGHT).status.code(), Some(2));
}
