//! Which headers go where.

use serde_json::{Value, json};

use crate::front::{Front, HOP_HEADERS, HTTP2_SETTINGS, Part};
use crate::told::{SCHEME, TOLD};

/// Every spelling of the identity headers that some application takes for them.
const ALIASES: &str = "x[^a-z0-9]authentik[^a-z0-9].*";

/// Patterns of [`TOLD`], without the scheme, which the listener knows.
pub(super) fn asked() -> Vec<Value> {
    let names = TOLD.iter().filter(|name| **name != SCHEME);
    names.map(|name| json!({"exact": name})).collect()
}

/// Patterns of what applications are told.
pub(super) fn told(fronts: &[&Front<'_>]) -> Vec<Value> {
    names(fronts).into_iter().map(|name| json!({"exact": name})).collect()
}

/// What is removed from a request before anybody looks at it. `Authorization` is not among it: the
/// outpost reads it.
pub(super) fn removed(fronts: &[&Front<'_>]) -> Vec<Value> {
    let mut all: Vec<String> = HOP_HEADERS.iter().map(|name| name.to_ascii_lowercase()).collect();
    all.extend(
        ["x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-real-ip"].map(str::to_owned),
    );
    all.push(HTTP2_SETTINGS.to_ascii_lowercase());
    all.extend(names(fronts).into_iter().filter(|name| name != "authorization"));
    let mut removed: Vec<Value> = all.iter().map(|name| json!({"remove": name})).collect();
    removed.push(json!({"remove_on_match": {"key_matcher": {"safe_regex": {"regex": ALIASES}}}}));
    removed
}

/// The headers of all applications, in lower case, each once.
fn names(fronts: &[&Front<'_>]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let parts = fronts.iter().flat_map(|front| &front.parts);
    for name in parts.flat_map(|part: &Part<'_>| &part.headers) {
        let name = name.to_ascii_lowercase();
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
