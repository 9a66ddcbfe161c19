//! Which provider answers where, as a table that is reviewed as a diff: host x path x providers.
//!
//! `UPDATE_GOLDEN=1 cargo test -p outpost-decision --test routes` writes it anew.

#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use outpost_decision::compile::{CompileContext, compile_provider};
use outpost_decision::embedded::{Place, place};
use outpost_decision::provider::Provider;
use outpost_decision::route::{OwnHints, Routed, Unrouted};
use outpost_decision::ruleset::Ruleset;
use outpost_decision::target::{Authority, Scheme, Target};
use outpost_decision::time::Timestamp;

/// Name, mode, external host, cookie domain.
const PROVIDERS: [(&str, &str, &str, &str); 9] = [
    ("root", "proxy", "https://host.test", ""),
    ("slash", "proxy", "https://host.test/app/", ""),
    ("nested", "forward_single", "https://host.test/app/deep/", ""),
    ("bare", "proxy", "https://bare.test/app", ""),
    ("bare-fwd", "forward_single", "https://bare.test/fwd", ""),
    ("port", "proxy", "https://host.test:8443", ""),
    ("wild", "proxy", "https://*.wild.test", ""),
    ("own", "proxy", "https://own.wild.test/only/", ""),
    ("domain", "forward_domain", "https://sso.test", "wild.test"),
];

const HOSTS: [&str; 9] = [
    "host.test",
    "host.test:8443",
    "host.test:9000",
    "bare.test",
    "any.wild.test",
    "own.wild.test",
    "a.any.wild.test",
    "sso.test",
    "nobody.test",
];

const PATHS: [&str; 18] = [
    "/",
    "/app",
    "/app/x",
    "/apple",
    "/app/deep",
    "/app/deeper",
    "/fwd/x",
    "/only/x",
    "/static/x.css",
    "/app/../x",
    "/app/%2e%2e/x",
    "/app/..;/x",
    "/app%2fx",
    "//app/x",
    "/app/x//y",
    "/outpost.goauthentik.io/start?rd=/app/x",
    "/app/outpost.goauthentik.io/callback?code=c&state=s",
    "*",
];

fn provider(pk: usize, (name, mode, external, domain): (&str, &str, &str, &str)) -> Provider {
    let record = serde_json::json!({
        "pk": pk,
        "name": name,
        "internal_host": "http://127.0.0.1:8080",
        "external_host": external,
        "client_id": name,
        "client_secret": "secret",
        "cookie_secret": name,
        "mode": mode,
        "cookie_domain": domain,
        "scopes_to_request": ["openid"],
        "oidc_configuration": {
            "issuer": "http://core/application/o/app/",
            "authorization_endpoint": "http://core/application/o/authorize/",
            "token_endpoint": "http://core/application/o/token/",
            "jwks_uri": "http://core/application/o/app/jwks/",
            "id_token_signing_alg_values_supported": ["HS256"],
        },
    });
    let record = serde_json::from_value(record).expect("a record");
    compile_provider(&record, &CompileContext::default()).expect("compiles").provider
}

fn rules(providers: &[(&str, &str, &str, &str)]) -> Ruleset {
    let providers = providers.iter().enumerate();
    Ruleset::build(providers.map(|(pk, about)| Arc::new(provider(pk, *about))).collect()).0
}

fn routed<'a>(rules: &'a Ruleset, target: &Target) -> Result<Routed<'a>, Unrouted> {
    let hints = OwnHints { akprox: false, has_cookie: &|_| false, now: Timestamp(0) };
    rules.route_own(target, &hints).map_or_else(|| rules.route(target), Ok)
}

fn describe(rules: &Ruleset, target: &Target) -> String {
    let found = routed(rules, target);
    let mut text = match &found {
        Err(unrouted) => unrouted.reason().code().to_owned(),
        Ok(routed) => {
            let mut text = format!("{} ({:?})", routed.provider.name, routed.matched);
            for lost in &routed.lost {
                let name = rules.provider(lost.provider).map_or("", |it| it.name.as_str());
                let _ = write!(text, ", not {name} ({:?})", lost.matched);
            }
            text
        }
    };
    match place(target, false, found.as_ref().map_err(|why| *why)) {
        Place::Outpost => {}
        Place::StaticFiles => text.push_str("; embedded: a static file"),
        Place::Core => text.push_str("; embedded: core"),
    }
    text
}

#[test]
fn the_table_is_as_reviewed() {
    let (all, one, none) = (rules(&PROVIDERS), rules(&PROVIDERS[1..2]), Ruleset::default());
    let mut table = String::new();
    for (name, rules) in [("all", &all), ("one", &one), ("none", &none)] {
        for host in HOSTS {
            let _ = writeln!(table, "{name} | {host}");
            for path in PATHS {
                let (path, query) = match path.split_once('?') {
                    Some((path, query)) => (path, Some(query.to_owned())),
                    None => (path, None),
                };
                let authority = Authority::parse(host).expect("a host");
                let target =
                    Target { scheme: Scheme::Https, authority, path: path.to_owned(), query };
                let _ = writeln!(table, "    {path:<40} {}", describe(rules, &target));
            }
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/routes.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &table).expect("written");
    }
    let reviewed = std::fs::read_to_string(&golden).expect("the golden table");
    for (number, (now, then)) in table.lines().zip(reviewed.lines()).enumerate() {
        assert_eq!(now, then, "line {} of the golden table differs", number + 1);
    }
    assert_eq!(table.lines().count(), reviewed.lines().count());
}

/// Whoever reads the path, the same provider is found: on every host, for every spelling.
#[test]
fn no_reading_of_a_path_leads_to_another_application() {
    let all = rules(&PROVIDERS);
    let mut seen = 0;
    for host in HOSTS {
        for path in PATHS.iter().filter(|path| path.starts_with('/') && !path.contains('?')) {
            let at = |path: &str| {
                let authority = Authority::parse(host).expect("a host");
                let path = path.to_owned();
                let target = Target { scheme: Scheme::Https, authority, path, query: None };
                all.route(&target).map(|routed| routed.provider.pk)
            };
            let Ok(found) = at(path) else { continue };
            for reading in outpost_decision::path::readings(path) {
                // A reading that is odd itself may be refused; it never leads elsewhere.
                if let Ok(other) = at(&reading) {
                    assert_eq!(found, other, "{host}{path} read as {reading}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 50, "{seen}");
}
