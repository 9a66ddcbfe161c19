//! What is gathered from requests, as a table that is reviewed as a diff: peer x headers x URL.
//!
//! `UPDATE_GOLDEN=1 cargo test -p outpost-decision --test gathered` writes it anew.

#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use outpost_decision::compile::{CompileContext, compile_provider};
use outpost_decision::facts::Peer;
use outpost_decision::gather::{Connection, Gathered, Hints, Received, Rules, gather};
use outpost_decision::origin::{Trust, TrustedNetworks};
use outpost_decision::provider::Provider;
use outpost_decision::ruleset::Ruleset;
use outpost_decision::time::Timestamp;

/// Name, mode, external host, cookie domain.
const PROVIDERS: [(&str, &str, &str, &str); 6] = [
    ("app", "proxy", "https://app.test", ""),
    ("shop", "proxy", "https://shop.test/shop/", ""),
    ("blog", "proxy", "https://shop.test/blog/", ""),
    ("single", "forward_single", "https://single.test", ""),
    ("domain", "forward_domain", "https://sso.d.test", "d.test"),
    ("wild", "proxy", "https://*.wild.test", ""),
];

/// Path and query, then headers.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

const CASES: [Case; 42] = [
    ("/", &[("host", "app.test")]),
    ("/", &[("host", "app.test:9000")]),
    ("/x?y=z", &[("host", "nobody.test")]),
    ("/", &[]),
    ("/", &[("host", "app.test"), ("host", "app.test")]),
    ("/", &[("host", "app test")]),
    ("/", &[("host", "any.wild.test")]),
    ("/", &[("host", "single.test")]),
    ("/shop/cart", &[("host", "shop.test")]),
    ("/cart", &[("host", "shop.test")]),
    ("/shop/..;/blog", &[("host", "shop.test")]),
    ("/outpost.goauthentik.io/ping", &[("host", "nobody.test")]),
    ("/outpost.goauthentik.io/static/x", &[("host", "nobody.test")]),
    ("/shop/outpost.goauthentik.io/ping", &[("host", "shop.test")]),
    ("/outpost.goauthentik.io/start?rd=/blog/x", &[("host", "shop.test")]),
    ("/outpost.goauthentik.io/callback", &[("host", "app.test")]),
    ("/outpost.goauthentik.io/nothing", &[("host", "app.test")]),
    ("/", &[("host", "outpost"), ("x-forwarded-host", "app.test"), ("x-forwarded-proto", "https")]),
    ("/", &[("host", "outpost"), ("x-forwarded-host", "a.test, app.test")]),
    ("/", &[("host", "app.test"), ("x-forwarded-proto", "gopher")]),
    ("/", &[("host", "app.test"), ("x-forwarded-for", "198.51.100.7")]),
    ("/", &[("host", "app.test"), ("accept", "application/json")]),
    ("/", &[("host", "app.test"), ("upgrade", "websocket")]),
    (NGINX, &[("host", "outpost"), ("x-original-url", "https://single.test/a?b")]),
    (NGINX, &[("host", "single.test"), ("x-original-uri", "/a?b")]),
    (
        NGINX,
        &[("host", "d.test"), ("x-original-url", "https://app.d.test/a"), ("x-original-uri", "/a")],
    ),
    (
        NGINX,
        &[("host", "app.test"), ("x-original-url", "https://app.test/a"), ("x-original-uri", "/b")],
    ),
    (
        NGINX,
        &[
            ("host", "outpost"),
            ("x-original-url", "https://app.d.test/a"),
            ("x-original-uri", "/a"),
        ],
    ),
    (NGINX, &[("host", "single.test")]),
    (NGINX, &[("host", "outpost"), ("x-original-url", "single.test/a")]),
    (NGINX, &[("host", "outpost"), ("x-original-url", "https://nobody.test/a")]),
    (NGINX, &[("host", "outpost"), ("x-original-url", "https://app.test/a")]),
    (
        TRAEFIK,
        &[
            ("host", "outpost"),
            ("x-forwarded-host", "app.d.test"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-uri", "/a"),
            ("x-forwarded-method", "POST"),
        ],
    ),
    (
        TRAEFIK,
        &[("host", "outpost"), ("x-forwarded-host", "app.d.test"), ("x-forwarded-proto", "https")],
    ),
    (TRAEFIK, &[("host", "outpost"), ("x-forwarded-uri", "/a"), ("x-forwarded-proto", "https")]),
    (
        TRAEFIK,
        &[("host", "outpost"), ("x-forwarded-uri", "/a"), ("x-forwarded-host", "single.test")],
    ),
    (
        TRAEFIK,
        &[
            ("host", "outpost"),
            ("x-forwarded-host", "shop.test"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-uri", "/cart"),
        ],
    ),
    (
        CADDY,
        &[
            ("host", "single.test"),
            ("x-forwarded-host", "single.test"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-uri", "/a b"),
        ],
    ),
    (
        CADDY,
        &[
            ("host", "single.test"),
            ("x-forwarded-host", "single.test"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-uri", "/a"),
            ("x-forwarded-uri", "/a"),
        ],
    ),
    (
        "/outpost.goauthentik.io/auth/envoy/a?b",
        &[("host", "single.test"), ("x-forwarded-host", "other")],
    ),
    ("/outpost.goauthentik.io/auth/envoy", &[("host", "deep.app.d.test")]),
    ("/outpost.goauthentik.io/auth/envoy/a#b", &[("host", "single.test")]),
];

const NGINX: &str = "/outpost.goauthentik.io/auth/nginx";
const TRAEFIK: &str = "/outpost.goauthentik.io/auth/traefik";
const CADDY: &str = "/outpost.goauthentik.io/auth/caddy";

fn provider(pk: usize, (name, mode, external, domain): (&str, &str, &str, &str)) -> Provider {
    let record = serde_json::json!({
        "pk": pk,
        "name": name,
        "internal_host": "http://127.0.0.1:8080",
        "external_host": external,
        "client_id": "client",
        "client_secret": "secret",
        "cookie_secret": "cookie-secret",
        "mode": mode,
        "cookie_domain": domain,
        "scopes_to_request": ["openid"],
        "oidc_configuration": {
            "issuer": "http://core/application/o/app/",
            "authorization_endpoint": "http://core/application/o/authorize/",
            "token_endpoint": "http://core/application/o/token/",
            "introspection_endpoint": "http://core/application/o/introspect/",
            "end_session_endpoint": "http://core/application/o/app/end-session/",
            "jwks_uri": "http://core/application/o/app/jwks/",
            "id_token_signing_alg_values_supported": ["HS256"],
        },
        "assigned_application_slug": name,
        "assigned_application_name": name,
    });
    let record = serde_json::from_value(record).expect("a record");
    compile_provider(&record, &CompileContext::default()).expect("compiles").provider
}

fn ruleset() -> Ruleset {
    let compiled = (1..).zip(PROVIDERS).map(|(pk, about)| Arc::new(provider(pk, about)));
    Ruleset::build(compiled.collect()).0
}

/// Asks about one case; `trusted` says whether the peer is among the trusted proxies.
fn gathered(rules: &Rules<'_>, (url, headers): Case, trusted: bool) -> Gathered {
    let (path, query) = url.split_once('?').map_or((url, None), |(p, q)| (p, Some(q)));
    let address = if trusted { "10.0.0.1" } else { "203.0.113.9" };
    let received = Received {
        method: "GET",
        path,
        query,
        authority: None,
        headers,
        peer: Peer { address: address.parse().expect("an address"), tls: false },
    };
    gather(&received, rules, &Hints { has_cookie: &|_| false, connection: None })
}

fn described(gathered: &Gathered) -> (String, String) {
    let steps = |steps: &[_]| serde_json::to_string(steps).expect("JSON");
    match gathered {
        Gathered::Ping => ("ping".to_owned(), String::new()),
        Gathered::Static => ("static".to_owned(), String::new()),
        Gathered::Core(request) => (format!("core's {:?}", request.place), String::new()),
        Gathered::Refused(refusal) => {
            let decision = &refusal.decision;
            let host = refusal.host().unwrap_or_else(|| "-".to_owned());
            let (action, reason) = (decision.action.code(), decision.reason.code());
            (format!("{action} ({reason}) at {host}"), steps(&decision.steps))
        }
        Gathered::Facts { facts, steps: seen } => {
            let provider = &facts.provider.name;
            let what = format!(
                "{provider}: {:?} by {:?} of {}",
                facts.endpoint, facts.client, facts.target
            );
            (what, steps(seen))
        }
    }
}

#[test]
fn the_table_is_as_reviewed() {
    let (full, empty) = (ruleset(), Ruleset::default());
    let trust = Trust::from(TrustedNetworks::parse("10.0.0.0/8").expect("a network"));
    let standing = Rules {
        trust: &trust,
        ruleset: &full,
        loaded: true,
        embedded: false,
        akprox: false,
        keep_post_bytes: 0,
        now: Timestamp(1_700_000_000),
    };
    let kinds = [
        ("from a trusted proxy", standing, true),
        ("from anybody", standing, false),
        ("nothing loaded", Rules { loaded: false, ruleset: &empty, ..standing }, true),
        ("embedded", Rules { embedded: true, ..standing }, true),
        ("embedded, nothing assigned", Rules { embedded: true, ruleset: &empty, ..standing }, true),
    ];
    let mut table = String::new();
    for case in CASES {
        let headers: Vec<_> =
            case.1.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let _ = writeln!(table, "{} | {}", case.0, headers.join(" | "));
        let mut last = (String::new(), String::new());
        for (name, rules, trusted) in &kinds {
            let told = described(&gathered(rules, case, *trusted));
            if told != last {
                let _ = writeln!(table, "    {name:<28} {}", told.0);
                if !told.1.is_empty() {
                    let _ = writeln!(table, "    {:<28} {}", "", told.1);
                }
            }
            last = told;
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gathered.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &table).expect("written");
    }
    let reviewed = std::fs::read_to_string(&golden).expect("the golden table");
    for (number, (now, then)) in table.lines().zip(reviewed.lines()).enumerate() {
        assert_eq!(now, then, "line {} of the golden table differs", number + 1);
    }
    assert_eq!(table.lines().count(), reviewed.lines().count());
}

/// Whatever the headers, a peer that is not trusted is not believed.
#[test]
fn what_strangers_forward_never_names_the_host() {
    let full = ruleset();
    let trust = Trust::from(TrustedNetworks::parse("10.0.0.0/8").expect("a network"));
    let rules = Rules {
        trust: &trust,
        ruleset: &full,
        loaded: true,
        embedded: false,
        akprox: false,
        keep_post_bytes: 0,
        now: Timestamp(0),
    };
    let mut seen = 0;
    for case in CASES {
        if let Gathered::Facts { facts, .. } = gathered(&rules, case, false) {
            seen += 1;
            let own = case.1.iter().find(|(name, _)| *name == "host").map(|(_, value)| *value);
            assert_eq!(
                Some(&*facts.target.authority.host),
                own.and_then(|own| own.split(':').next())
            );
        }
    }
    assert!(seen > 10, "{seen}");
}

/// A connection that was made for one host is not used for another, and the steps say for which.
#[test]
fn a_connection_made_for_another_host_is_named() {
    let full = ruleset();
    let trust = Trust::from(TrustedNetworks::parse("10.0.0.0/8").expect("a network"));
    let rules = Rules {
        trust: &trust,
        ruleset: &full,
        loaded: true,
        embedded: false,
        akprox: false,
        keep_post_bytes: 0,
        now: Timestamp(0),
    };
    for (server_name, same, refused) in
        [("app.test", false, false), ("shop.test", false, true), ("shop.test", true, false)]
    {
        let received = Received {
            method: "GET",
            path: "/",
            query: None,
            authority: None,
            headers: &[("host", "app.test")][..],
            peer: Peer { address: "203.0.113.9".parse().expect("an address"), tls: true },
        };
        let same_certificate = |_: &str, _: &str| same;
        let connection =
            Connection { server_name: Some(server_name), same_certificate: &same_certificate };
        let hints = Hints { has_cookie: &|_| false, connection: Some(connection) };
        let (told, steps) = described(&gather(&received, &rules, &hints));
        assert_eq!(told.contains("misdirected"), refused, "{server_name} {same}: {told}");
        assert_eq!(steps.contains("server_name"), refused, "{server_name} {same}: {steps}");
    }
}
