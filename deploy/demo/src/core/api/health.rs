//! `/outposts/instances/<uuid>/health/`: what hellos have told core.

use std::time::Duration;

use serde_json::{Value, json};

use super::{READ, detail};
use crate::core::{
    clock::iso8601,
    http::Reply,
    pages, pep440,
    state::{InstanceState, State},
};

/// An entry lives this long after its last hello, whatever its socket does.
const ENTRY_LIFETIME: Duration = Duration::from_secs(15);

/// The live entries. One version that does not parse fails the page, as it does in core.
pub(crate) fn list(state: &State, uuid: &str) -> Reply {
    if uuid != state.outpost_uuid.to_string() {
        return detail(404, READ, "No Outpost matches the given query.");
    }
    let now = state.clock.now();
    let live =
        state.instances.iter().filter(|(_, instance)| now < instance.last_seen + ENTRY_LIFETIME);
    match live.map(|(uid, instance)| entry(state, uid, instance)).collect::<Option<Vec<Value>>>() {
        Some(entries) => Reply::api(200, READ, &Value::Array(entries)),
        None => pages::message(500, "Server error", "Invalid version."),
    }
}

fn entry(state: &State, uid: &str, instance: &InstanceState) -> Option<Value> {
    let args = &instance.args;
    let text = |key: &str| args.get(key).and_then(Value::as_str).unwrap_or_default();
    let version = args.get("version").and_then(Value::as_str).filter(|version| !version.is_empty());
    let should = pep440::normalise(&state.version)?;
    let outdated = match version {
        Some(version) => pep440::normalise(version)? != should,
        None => false,
    };
    Some(json!({
        "uid": uid,
        "last_seen": iso8601(instance.last_seen),
        "version": version,
        "golang_version": text("golangVersion"),
        "openssl_enabled": args.get("opensslEnabled").and_then(Value::as_bool).unwrap_or_default(),
        "openssl_version": text("opensslVersion"),
        "fips_enabled": null,
        "version_should": should,
        "version_outdated": outdated,
        "build_hash": text("buildHash"),
        "build_hash_should": "",
        "hostname": text("hostname"),
    }))
}
