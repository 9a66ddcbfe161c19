//! Every decision, as a table that is reviewed as a diff: request x credential x provider.
//!
//! `UPDATE_GOLDEN=1 cargo test -p outpost-decision --test decisions` writes it anew.

#![expect(clippy::expect_used, reason = "a test ends at the first surprise")]

use std::fmt::Write as _;
use std::path::Path;

use outpost_decision::compile::{CompileContext, compile_provider};
use outpost_decision::decide::{Credential, Inquiry, Scripts, decide};
use outpost_decision::decision::{Action, CredentialOutcome, CredentialScheme, Decision, Reason};
use outpost_decision::dialect::Dialect;
use outpost_decision::endpoint;
use outpost_decision::facts::ClientKind;
use outpost_decision::provider::{Mode, Provider};
use outpost_decision::target::{Authority, Scheme, Target};

const MODES: [&str; 3] = ["proxy", "forward_single", "forward_domain"];

const DIALECTS: [Option<Dialect>; 5] = [
    None,
    Some(Dialect::Nginx),
    Some(Dialect::Traefik),
    Some(Dialect::Caddy),
    Some(Dialect::Envoy),
];

const CLIENTS: [ClientKind; 3] = [ClientKind::Navigation, ClientKind::Fetch, ClientKind::Form];

const URLS: [&str; 13] = [
    "/",
    "/public/logo.png",
    "/public/../admin",
    "/public/%2e%2e/admin",
    "/admin?X-authentik-logout=true",
    "/any?X-authentik-auth-callback=true&code=c&state=s",
    "/outpost.goauthentik.io/start?rd=/x",
    "/outpost.goauthentik.io/sign_out",
    "/outpost.goauthentik.io/backchannel_logout",
    "/outpost.goauthentik.io/nothing",
    "/outpost.goauthentik.io/../admin",
    "/outpost.goauthentik.io/auth/envoy/../../../admin",
    "/outpost.goauthentik.io/auth/envoy/%2e%2e/%2e%2e/%2e%2e/admin",
];

fn credentials() -> [(&'static str, Credential); 8] {
    use CredentialOutcome::{Absent, Rejected, Unavailable, Valid};
    use CredentialScheme::{Basic, Bearer, Cookie};
    let of = |scheme, outcome| Credential { scheme, outcome };
    [
        ("none", of(Cookie, Absent)),
        ("session", of(Cookie, Valid)),
        ("unknown session", of(Cookie, Rejected(Reason::SessionUnknown))),
        ("other app's session", of(Cookie, Rejected(Reason::SessionOfOtherProvider))),
        ("store down", of(Cookie, Unavailable(Reason::StoreUnavailable))),
        ("good header", of(Bearer, Valid)),
        ("bad header", of(Basic, Rejected(Reason::HeaderRejected))),
        ("core down", of(Bearer, Unavailable(Reason::CoreUnavailable))),
    ]
}

fn provider(mode: &str, intercept: bool) -> Provider {
    let record = serde_json::json!({
        "pk": 1,
        "name": "golden",
        "internal_host": "http://127.0.0.1:8080",
        "external_host": "http://app.example.com",
        "client_id": "client",
        "client_secret": "secret",
        "cookie_secret": "cookie-secret",
        "skip_path_regex": if mode == "forward_domain" {
            "^http://app\\.example\\.com/public/"
        } else {
            "^/public/"
        },
        "mode": mode,
        "cookie_domain": if mode == "forward_domain" { "example.com" } else { "" },
        "intercept_header_auth": intercept,
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
        "assigned_application_slug": "app",
        "assigned_application_name": "App",
    });
    let record = serde_json::from_value(record).expect("a record");
    compile_provider(&record, &CompileContext::default()).expect("compiles").provider
}

fn target(url: &str) -> Target {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (url, None),
    };
    Target {
        scheme: Scheme::Http,
        authority: Authority::parse("app.example.com").expect("a host"),
        path: path.to_owned(),
        query,
    }
}

fn decision(
    provider: &Provider,
    dialect: Option<Dialect>,
    url: &str,
    client: ClientKind,
    credential: Credential,
) -> Decision {
    let target = target(url);
    let endpoint = endpoint::classify(&target.path, target.query.as_deref(), provider.own_paths());
    let inquiry = Inquiry {
        endpoint,
        dialect,
        target: &target,
        provider,
        client,
        credential,
        scripts: Scripts::Challenge,
    };
    decide(&inquiry, Vec::new())
}

fn for_each(
    mut visit: impl FnMut(&Provider, Option<Dialect>, &str, ClientKind, Credential, &Decision),
) {
    for mode in MODES {
        for intercept in [true, false] {
            let provider = provider(mode, intercept);
            for dialect in DIALECTS {
                for url in URLS {
                    for client in CLIENTS {
                        for (_, credential) in credentials() {
                            let decision = decision(&provider, dialect, url, client, credential);
                            visit(&provider, dialect, url, client, credential, &decision);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_table_is_as_reviewed() {
    let mut table = String::new();
    for mode in MODES {
        let (provider, lenient) = (provider(mode, true), provider(mode, false));
        for dialect in DIALECTS {
            let asks = dialect.map_or("directly", Dialect::as_str);
            for url in URLS {
                for client in CLIENTS {
                    let _ = writeln!(table, "{mode} | {asks} | {client:?} | {url}");
                    let mut last = String::new();
                    for (name, credential) in credentials() {
                        let told = describe(&decision(&provider, dialect, url, client, credential));
                        if told != last {
                            let _ = writeln!(table, "    {name:<20} {told}");
                        }
                        last = told;
                        let other = describe(&decision(&lenient, dialect, url, client, credential));
                        if other != last {
                            let _ =
                                writeln!(table, "    {:<20} {other}", format!("{name}, passed on"));
                        }
                    }
                }
            }
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/decisions.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(golden.parent().expect("a folder")).expect("folder");
        std::fs::write(&golden, &table).expect("written");
    }
    let reviewed = std::fs::read_to_string(&golden).expect("the golden table");
    for (number, (now, then)) in table.lines().zip(reviewed.lines()).enumerate() {
        assert_eq!(now, then, "line {} of the golden table differs", number + 1);
    }
    assert_eq!(table.lines().count(), reviewed.lines().count());
}

fn describe(decision: &Decision) -> String {
    let action = match &decision.action {
        Action::Allow => "allow",
        Action::Skip => "skip",
        Action::PassOwnPath => "pass own path",
        Action::RedirectToStart { .. } => "redirect to start",
        Action::BeginSignIn { return_to: Some(_) } => "begin sign-in",
        Action::BeginSignIn { return_to: None } => "begin sign-in to rd",
        Action::Challenge => "challenge",
        Action::FinishSignIn => "finish sign-in",
        Action::SignOut => "sign out",
        Action::KeepForm => "keep form",
        Action::TakeLogoutToken => "take logout token",
        Action::Deny => "deny",
        Action::Unavailable => "unavailable",
    };
    match decision.rule {
        Some(line) => format!("{action} ({}, line {line})", decision.reason.code()),
        None => format!("{action} ({})", decision.reason.code()),
    }
}

/// What must hold of every cell, whatever the table says.
#[test]
fn nobody_is_let_through_without_a_reason() {
    let mut seen = 0;
    for_each(|provider, dialect, url, client, credential, decision| {
        seen += 1;
        let about = format!(
            "{:?} {dialect:?} {url} {client:?} {credential:?}: {decision:?}",
            provider.mode
        );
        match &decision.action {
            Action::Allow => {
                assert_eq!(credential.outcome, CredentialOutcome::Valid, "{about}");
                assert_eq!(dialect.is_none(), provider.mode == Mode::Proxy, "{about}");
            }
            Action::Skip => {
                assert!(decision.rule.is_some() && url == "/public/logo.png", "{about}");
            }
            Action::PassOwnPath => {
                assert!(url.starts_with("/outpost.goauthentik.io/"), "{about}");
                assert!(!url.contains("..") && !url.contains('%'), "{about}");
                assert!(dialect.is_some(), "{about}");
            }
            Action::RedirectToStart { .. } | Action::BeginSignIn { return_to: Some(_) } => {
                assert!(client.is_navigation(), "{about}");
            }
            Action::KeepForm => {
                assert_eq!(client, ClientKind::Form, "{about}");
                assert!(dialect.is_none() && provider.mode == Mode::Proxy, "{about}");
                assert_ne!(credential.outcome, CredentialOutcome::Valid, "{about}");
            }
            _ => {}
        }
        if let CredentialOutcome::Unavailable(_) = credential.outcome {
            assert_ne!(decision.action, Action::Allow, "{about}");
        }
    });
    assert_eq!(seen, 3 * 2 * 5 * URLS.len() * CLIENTS.len() * 8);
}

/// The names of reasons are an interface: metrics, logs and pages carry them.
#[test]
fn reasons_have_distinct_names_and_something_to_say() {
    let mut codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        assert!(!reason.explanation().is_empty(), "{reason:?}");
        let serialized = serde_json::to_value(reason).expect("a name");
        assert_eq!(serialized, reason.code(), "{reason:?}");
    }
}
