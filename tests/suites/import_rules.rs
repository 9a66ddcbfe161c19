//! House rules that neither the compiler nor clippy knows: who may import whom, and what lies where.

mod paths;
mod rules;

use std::fs;

use outpost_tests::repository::{read, root};
use rules::violations;

/// Every Rust file below `folder`, with its path from the workspace's root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left = vec![root().join(folder)];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let shown = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((shown, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn all_sources() -> Vec<(String, String)> {
    ["server", "dashboard", "deploy", "tests"].iter().flat_map(|folder| sources(folder)).collect()
}

#[test]
fn nobody_imports_what_is_not_theirs() {
    let files = all_sources();
    assert!(files.len() > 50, "the sources are not where they are looked for");
    let broken: Vec<String> =
        files.iter().flat_map(|(path, source)| violations(path, source)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_rules_catch_what_they_are_for() {
    for (path, source) in [
        ("server/decision/src/route.rs", "use std::time::{Duration, SystemTime};"),
        ("server/decision/src/route.rs", "fn f() { let now = std::time::Instant::now(); }"),
        ("server/decision/src/route.rs", "use tokio::sync::watch;"),
        ("server/decision/src/deep/er.rs", "fn f() { tracing::info!(\"x\"); }"),
        ("server/src/authentik/rest.rs", "use crate::session::Session;"),
        ("server/src/session/memory.rs", "use crate::{clock, upstream};"),
        ("server/src/oidc.rs", "use crate::{clock::now, authentik::{CoreApi, ApiError}};"),
        ("server/src/upstream/pool.rs", "use super::super::http::pages;"),
        ("server/src/upstream.rs", "use super::actors::Refresh;"),
        ("server/src/upstream/pool.rs", "fn f() { crate::oidc::exchange(); }"),
        ("server/src/http/pipeline.rs", "use crate::actors::Refresh;"),
        ("server/src/http.rs", "use crate::settings::Settings;"),
        ("server/src/http/pages.rs", "use crate::session::redis::RedisStore;"),
        ("server/src/http/pages.rs", "use redis::Client;"),
        ("server/src/http/start.rs", "use actix::Addr;"),
        ("server/src/boot.rs", "let system = actix::System::new();"),
        ("server/src/ops/dashboard/live.rs", "use actix_web_actors::ws;"),
        ("server/src/ops/metrics.rs", "use crate::boot::run;"),
        ("server/src/session.rs", "use crate::settings::Settings;"),
        ("server/src/publish.rs", "use crate::cli::Cli;"),
        ("dashboard/src/lib.rs", "use outpost::settings::Settings;"),
        ("dashboard/src/lib.rs", "use outpost_decision::decision::Reason;"),
        ("server/src/http/start.rs", "let now = std::time::SystemTime::now();"),
        ("server/src/http/start.rs", "let home = std::env::var(\"HOME\");"),
        ("server/src/http/mod.rs", ""),
    ] {
        assert!(!violations(path, source).is_empty(), "nothing said to {path}: {source}");
    }
}

#[test]
fn the_rules_leave_the_rest_alone() {
    for (path, source) in [
        ("server/decision/src/route.rs", "use crate::facts::Peer; use std::time::Duration;"),
        ("server/decision/src/route.rs", "// unlike tokio::sync, crate::x is fine\n"),
        ("server/decision/src/route.rs", "let text = \"tokio::sync::watch\"; let c = '\"';"),
        ("server/decision/src/route.rs", "/* use tokio::x; /* nested */ use tokio::y; */"),
        ("server/decision/src/route.rs", "fn f<'a>(x: &'a str) -> r#type::X { r#\"tokio::x\"# }"),
        ("server/src/authentik/rest.rs", "use super::connection; use crate::core_tls::X;"),
        ("server/src/session/memory.rs", "use super::{Session, StoreError};"),
        ("server/src/http/start.rs", "use actix_web::web; use crate::session::SessionStore;"),
        ("server/src/actors/registry.rs", "use actix::Actor; use crate::authentik::CoreApi;"),
        ("server/src/boot.rs", "use crate::{actors, http, settings, session};"),
        ("server/src/clock.rs", "let now = std::time::SystemTime::now();"),
        ("server/src/session/tests.rs", "let folder = std::env::temp_dir();"),
    ] {
        assert_eq!(violations(path, source), Vec::<String>::new(), "{path}: {source}");
    }
}

#[test]
fn the_pure_crate_and_the_pages_depend_on_nothing_they_must_not() {
    let dependencies = |manifest: &str| -> Vec<String> {
        let text = read(manifest);
        let (_, after) = text.split_once("[dependencies]").unwrap();
        let (section, _) = after.split_once("\n[").unwrap_or((after, ""));
        section
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .filter(|name| !name.is_empty() && !name.starts_with('#'))
            .map(str::to_owned)
            .collect()
    };
    let pure = dependencies("server/decision/Cargo.toml");
    assert!(pure.iter().any(|name| name == "url"), "{pure:?}");
    for name in &pure {
        let impure =
            ["actix", "tokio", "redis", "awc", "hyper", "tracing", "log", "rand", "config"];
        assert!(!impure.iter().any(|crate_| name.starts_with(crate_)), "{name}");
        assert!(!name.starts_with("outpost"), "{name}");
    }
    let pages = dependencies("dashboard/Cargo.toml");
    assert!(pages.iter().any(|name| name == "leptos"), "{pages:?}");
    assert!(!pages.iter().any(|name| name.starts_with("outpost")), "{pages:?}");
}

#[test]
fn the_top_level_is_the_map() {
    let known = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "config",
        "dashboard",
        "deploy",
        "server",
        "target",
        "tests",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || known.contains(&name.as_str()),
            "{name} is not on the map"
        );
    }
}

#[test]
fn files_stay_readable() {
    for (path, source) in all_sources() {
        let lines = source.lines().count();
        assert!(lines <= 600, "{path} has {lines} lines: one idea a file");
    }
}
