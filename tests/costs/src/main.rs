//! Decisions to be counted: `decisions SCENARIO ROUNDS` makes the same one so many times, and nothing
//! else; `decisions` lists the scenarios.
//!
//! What one costs is the difference between two runs, so that whatever a run costs once is no part
//! of it. The suite `costs` counts instructions and allocations that way, under valgrind.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program for measuring")]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use outpost_decision::compile::{CompileContext, compile_provider};
use outpost_decision::decide::{Credential, Inquiry, Scripts, decide};
use outpost_decision::decision::{CredentialOutcome, CredentialScheme, Decision};
use outpost_decision::facts::{Headers, Peer};
use outpost_decision::gather::{Gathered, Hints, Received, Rules, gather};
use outpost_decision::origin::{Trust, TrustedNetworks};
use outpost_decision::provider::Provider;
use outpost_decision::ruleset::Ruleset;
use outpost_decision::time::Timestamp;

/// One request, who serves it, and what is to be decided.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    /// Path and query of the request as it arrives.
    url: &'static str,
    /// What a reverse proxy adds to [`BROWSER`], and what a script says.
    headers: &'static [(&'static str, &'static str)],
    /// Whether the session cookie is good.
    session: bool,
    mode: &'static str,
    /// How many providers there are.
    providers: usize,
    /// How many unauthenticated paths the provider has. [`PUBLIC`] matches the last one.
    rules: usize,
    /// Code of the action.
    expected: &'static str,
}

/// Key of the provider that is asked about; its number is in its host.
const ASKED: usize = 7;

/// Traefik, or Caddy, asks about somebody's page.
const FORWARDED: &[(&str, &str)] = &[
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "app7.test"),
    ("x-forwarded-uri", "/page?x=1&y=two"),
    ("x-forwarded-method", "GET"),
];

const ORIGINAL_URL: &[(&str, &str)] = &[("x-original-url", "https://app7.test/page?x=1&y=two")];

/// The path of a request that needs no session.
const PUBLIC: &[(&str, &str)] = &[
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "app7.test"),
    ("x-forwarded-uri", "/public/99/logo.png"),
    ("x-forwarded-method", "GET"),
];

const SCRIPT: &[(&str, &str)] = &[
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "app7.test"),
    ("x-forwarded-uri", "/api/things?page=2"),
    ("x-forwarded-method", "GET"),
    ("sec-fetch-mode", "cors"),
    ("x-requested-with", "XMLHttpRequest"),
];

/// Traefik asks about somebody who is signed in, at one of ten providers: the others differ from it.
const TRAEFIK: Scenario = Scenario {
    name: "traefik, session",
    url: "/outpost.goauthentik.io/auth/traefik",
    headers: FORWARDED,
    session: true,
    mode: "forward_single",
    providers: 10,
    rules: 0,
    expected: "allow",
};

const NGINX: Scenario = Scenario {
    name: "nginx, session",
    url: "/outpost.goauthentik.io/auth/nginx",
    headers: ORIGINAL_URL,
    ..TRAEFIK
};

const SCENARIOS: [Scenario; 10] = [
    TRAEFIK,
    Scenario { name: "caddy, session", url: "/outpost.goauthentik.io/auth/caddy", ..TRAEFIK },
    NGINX,
    Scenario {
        name: "envoy, session",
        url: "/outpost.goauthentik.io/auth/envoy/page?x=1&y=two",
        headers: &[],
        ..TRAEFIK
    },
    Scenario { name: "nginx, nobody", session: false, expected: "challenge", ..NGINX },
    Scenario { name: "traefik, nobody", session: false, expected: "begin_sign_in", ..TRAEFIK },
    Scenario {
        name: "traefik, script without session",
        headers: SCRIPT,
        session: false,
        expected: "challenge",
        ..TRAEFIK
    },
    Scenario {
        name: "traefik, last of 100 public paths",
        headers: PUBLIC,
        session: false,
        rules: 100,
        expected: "skip",
        ..TRAEFIK
    },
    Scenario { name: "traefik, session, 1,000 providers", providers: 1000, ..TRAEFIK },
    Scenario {
        name: "proxy mode, session",
        url: "/page?x=1&y=two",
        headers: &[],
        mode: "proxy",
        ..TRAEFIK
    },
];

/// What comes along with everything.
const BROWSER: [(&str, &str); 8] = [
    ("host", "app7.test"),
    ("x-forwarded-for", "192.0.2.7"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("accept-language", "en-US,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("connection", "keep-alive"),
    ("cookie", "authentik_proxy_0011aabb=qP2m3nD6xYv0cM5kT8wZ1rJ4uH7sB9fGqP2m3nD6xYv"),
];

fn provider(pk: usize, scenario: &Scenario) -> Provider {
    // To compile them takes longer than to match them a thousand times.
    let rules = if pk == ASKED { scenario.rules } else { 0 };
    let rules: Vec<String> = (0..rules).map(|number| format!("^/public/{number}/.*")).collect();
    let record = serde_json::json!({
        "pk": pk,
        "name": format!("app {pk}"),
        "internal_host": "http://127.0.0.1:8080",
        "external_host": format!("https://app{pk}.test"),
        "client_id": format!("client-{pk}"),
        "client_secret": "secret",
        "cookie_secret": "cookie-secret",
        "mode": scenario.mode,
        "cookie_domain": "",
        "skip_path_regex": rules.join("\n"),
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
        "assigned_application_slug": format!("app-{pk}"),
        "assigned_application_name": format!("app {pk}"),
    });
    let record = serde_json::from_value(record).expect("a record");
    compile_provider(&record, &CompileContext::default()).expect("compiles").provider
}

/// Headers in what the outpost has them in, read as it reads them (`server/src/http/fields.rs`): what it
/// costs to find one is part of every decision.
struct Fields(HeaderMap);

impl Headers for Fields {
    fn each(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    fn nth(&self, name: &str, index: usize) -> Option<&[u8]> {
        self.0.get_all(name).into_iter().nth(index).map(HeaderValue::as_bytes)
    }
}

impl FromIterator<(&'static str, &'static str)> for Fields {
    fn from_iter<T: IntoIterator<Item = (&'static str, &'static str)>>(pairs: T) -> Self {
        let field =
            |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        Self(pairs.into_iter().map(field).collect())
    }
}

/// From a request to the decision, as the outpost goes there, without what it does to look a
/// session up.
fn decided(received: &Received<'_, Fields>, rules: &Rules<'_>, credential: Credential) -> Decision {
    let hints = Hints { has_cookie: &|_| true, connection: None };
    match gather(received, rules, &hints) {
        Gathered::Refused(refusal) => refusal.decision,
        Gathered::Facts { facts, steps } => {
            let inquiry = Inquiry {
                endpoint: facts.endpoint,
                dialect: facts.dialect,
                target: &facts.target,
                provider: &facts.provider,
                client: facts.client,
                credential,
                scripts: Scripts::Challenge,
            };
            decide(&inquiry, steps)
        }
        other => panic!("nothing to decide about: {other:?}"),
    }
}

fn run(scenario: &Scenario, rounds: usize) {
    let providers = (1..=scenario.providers).map(|pk| Arc::new(provider(pk, scenario)));
    let (ruleset, _) = Ruleset::build(providers.collect());
    let trust = Trust::from(TrustedNetworks::default());
    let rules = Rules {
        trust: &trust,
        ruleset: &ruleset,
        loaded: true,
        embedded: false,
        akprox: false,
        keep_post_bytes: 0,
        now: Timestamp(1_700_000_000),
    };
    let headers: Fields = BROWSER.iter().chain(scenario.headers).copied().collect();
    let (path, query) = match scenario.url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (scenario.url, None),
    };
    let received = Received {
        method: "GET",
        path,
        query,
        authority: None,
        headers: &headers,
        peer: Peer { address: "10.0.0.1".parse().expect("an address"), tls: false },
    };
    let outcome =
        if scenario.session { CredentialOutcome::Valid } else { CredentialOutcome::Absent };
    let credential = Credential { scheme: CredentialScheme::Cookie, outcome };
    let first = decided(&received, &rules, credential);
    assert_eq!(first.action.code(), scenario.expected, "{}: {first:?}", scenario.name);
    for _ in 0..rounds {
        black_box(decided(black_box(&received), black_box(&rules), black_box(credential)));
    }
}

fn main() -> ExitCode {
    // Cargo adds one of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => SCENARIOS.iter().for_each(|scenario| println!("{}", scenario.name)),
        [name, rounds] => {
            let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
            let (Some(scenario), Ok(rounds)) = (scenario, rounds.parse()) else {
                return ExitCode::from(2);
            };
            run(scenario, rounds);
        }
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}
