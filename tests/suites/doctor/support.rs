//! Asking the doctor of a running outpost.

use outpost::boot::Held;
use outpost_demo::core::StandInCore;
use outpost_tests::program::run;
use outpost_tests::{World, wait};
use serde_json::Value;

/// What `outpost doctor` said, and its exit code.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// `outpost doctor <arguments>` against this outpost.
pub(crate) fn doctor_of(core: &StandInCore, outpost: &Held, arguments: &[&str]) -> Said {
    let listen = outpost.addresses.dashboard[0].to_string();
    let (host, token) = (core.url(), core.token());
    let variables = [
        ("AUTHENTIK_HOST", host.as_str()),
        ("AUTHENTIK_TOKEN", &token),
        ("OUTPOST__DASHBOARD__LISTEN", &listen),
    ];
    let output = run(&[&["doctor"], arguments].concat(), &variables);
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What is found, as JSON.
pub(crate) fn found_at(core: &StandInCore, outpost: &Held) -> Value {
    let said = doctor_of(core, outpost, &["--json", "--fail-on", "never"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    serde_json::from_str(&said.out).unwrap()
}

/// Codes of the findings that are worse than worth knowing.
pub(crate) fn codes(doctor: &Value) -> Vec<String> {
    let findings = doctor["findings"].as_array().unwrap();
    let bad = findings.iter().filter(|finding| finding["severity"] != "info");
    bad.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// Waits until exactly these findings are there: some are looked for once in a while only.
pub(crate) async fn finds(world: &World, expected: &[&str]) -> Value {
    finds_at(&world.core, &world.outpost, expected).await
}

pub(crate) async fn finds_at(core: &StandInCore, outpost: &Held, expected: &[&str]) -> Value {
    wait::until_async("the findings", async || {
        let doctor = found_at(core, outpost);
        let codes = codes(&doctor);
        if codes == expected {
            Ok(doctor)
        } else {
            Err(format!("{codes:?} for {expected:?}: {doctor}"))
        }
    })
    .await
}

/// The finding of this code, as a person reads it: it says what is wrong and what to do.
pub(crate) fn finding<'a>(doctor: &'a Value, code: &str) -> &'a Value {
    let findings = doctor["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == code).unwrap();
    for part in ["message", "remedy"] {
        assert!(!found[part].as_str().unwrap().is_empty(), "{found}");
    }
    found
}
