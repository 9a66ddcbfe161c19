use std::sync::Arc;

use outpost_decision::compile::{CompileContext, compile_provider};
use outpost_decision::ruleset::Ruleset;
use serde_json::json;

use super::super::testing::parts;
use super::super::{ViewParts, Views};
use super::*;
use crate::publish::published;

/// Name, mode, external host, cookie domain, skip rules.
const PROVIDERS: [(&str, &str, &str, &str, &str); 3] = [
    ("app", "proxy", "https://app.test", "", "^/public/"),
    ("single", "forward_single", "https://single.test", "", ""),
    ("domain", "forward_domain", "https://sso.d.test", "d.test", ""),
];

fn views() -> Views {
    let providers = (1..).zip(PROVIDERS).map(|(pk, (name, mode, external, domain, skip))| {
        let record = json!({
            "pk": pk, "name": name, "mode": mode, "external_host": external,
            "internal_host": "http://10.1.1.1:8080", "cookie_domain": domain,
            "skip_path_regex": skip, "client_id": "c", "client_secret": "s",
            "cookie_secret": "k", "scopes_to_request": ["openid"],
            "oidc_configuration": {
                "issuer": "https://core/application/o/app/",
                "authorization_endpoint": "https://core/application/o/authorize/",
                "token_endpoint": "https://core/application/o/token/",
                "jwks_uri": "https://core/application/o/app/jwks/",
                "id_token_signing_alg_values_supported": ["HS256"],
            },
            "assigned_application_slug": name, "assigned_application_name": name,
        });
        let record = serde_json::from_value(record).unwrap();
        Arc::new(compile_provider(&record, &CompileContext::default()).unwrap().provider)
    });
    let ruleset = Ruleset::build(providers.collect()).0;
    let (_, snapshot) = published(Snapshot { generation: 1, ruleset, ..Snapshot::default() });
    Views::new(ViewParts { snapshot, ..parts() })
}

fn form(url: &str, via: Via) -> ExplainForm {
    ExplainForm { url: url.to_owned(), via, ..ExplainForm::default() }
}

#[test]
fn what_would_be_decided_and_answered() {
    let views = views();
    let signed_in = |url, via| ExplainForm { user: "jo".to_owned(), ..form(url, via) };
    let stranger = |url, via| ExplainForm { peer: "203.0.113.9".to_owned(), ..form(url, via) };
    for (form, reason, outcome, answer) in [
        (form("https://app.test/", Via::Direct), "not_signed_in", Outcome::SignIn, "302 Found"),
        (
            signed_in("https://app.test/", Via::Direct),
            "session",
            Outcome::Allowed,
            "the request goes to http://10.1.1.1:8080 with who asks told in X-authentik-username",
        ),
        (
            form("https://app.test/public/x", Via::Direct),
            "skip_path",
            Outcome::Allowed,
            "without an identity",
        ),
        (
            form("https://nobody.test/", Via::Direct),
            "no_provider",
            Outcome::Denied,
            "400 Bad Request",
        ),
        (
            form("https://single.test/", Via::Nginx),
            "not_signed_in",
            Outcome::SignIn,
            "401 Unauthorized to nginx",
        ),
        (
            signed_in("https://single.test/", Via::Traefik),
            "session",
            Outcome::Allowed,
            "200 OK with who asks told in X-authentik-username",
        ),
        (
            form("https://wiki.d.test/", Via::Caddy),
            "not_signed_in",
            Outcome::SignIn,
            "a redirect to the sign-in at https://core",
        ),
        (
            stranger("https://single.test/", Via::Caddy),
            "peer_untrusted",
            Outcome::Denied,
            "500 Internal Server Error",
        ),
        (form("https://single.test/", Via::Direct), "mode_mismatch", Outcome::Denied, "500"),
        (
            form("https://x.test/outpost.goauthentik.io/ping", Via::Direct),
            "",
            Outcome::Allowed,
            "204 No Content",
        ),
    ] {
        let page = views.explain(form.clone());
        let explained = page.explained.unwrap_or_else(|| panic!("{form:?}: {:?}", page.problem));
        let told = &explained.reasoning;
        assert_eq!((told.reason.as_str(), told.outcome), (reason, outcome), "{form:?}");
        assert!(explained.answer.contains(answer), "{form:?}: {}", explained.answer);
        assert!(!explained.answer.is_empty() && !explained.request.is_empty());
    }
}

#[test]
fn nothing_secret_is_shown_and_what_is_left_open_is_said() {
    let headers = "Authorization: Bearer s3cr3t\nCookie: a=s3cr3t\nX-Real-IP: 192.0.2.7";
    let asked = ExplainForm {
        headers: headers.to_owned(),
        ..form("https://app.test/cb?code=s3cr3t&x=1", Via::Direct)
    };
    let explained = views().explain(asked).explained.unwrap();
    let shown = serde_json::to_string(&explained).unwrap();
    assert!(!shown.contains("s3cr3t"), "{shown}");
    assert_eq!(
        explained.request,
        [
            "GET /cb?code=******&x=1 HTTP/1.1",
            "Host: app.test",
            "Authorization: ******",
            "Cookie: ******",
            "X-Real-IP: 192.0.2.7",
        ]
    );
    assert!(explained.answer.contains("authentik would be asked"), "{}", explained.answer);
}

#[test]
fn what_nearly_matched_is_named_with_its_provider() {
    let asked = form("https://www.app.test/", Via::Direct);
    let near = views().explain(asked).explained.unwrap().reasoning.near;
    assert_eq!(near.len(), 1, "{near:?}");
    assert_eq!((near[0].what.as_str(), near[0].provider.name.as_str()), ("app.test", "app"));
}

#[test]
fn without_a_url_nothing_was_asked_and_mistakes_are_told() {
    let views = views();
    let nothing = views.explain(ExplainForm::default());
    assert_eq!((nothing.problem, nothing.explained), (None, None));
    let wrong = views.explain(form("app.test", Via::Direct));
    assert!(wrong.explained.is_none() && wrong.problem.unwrap().contains("https://"));
}
