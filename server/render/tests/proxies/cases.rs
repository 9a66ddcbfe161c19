//! Providers of every kind, and sites to write for.

use std::sync::Arc;

use outpost_decision::compile::{CompileContext, compile_provider};
use outpost_decision::headers::IdentityRule;
use outpost_render::{Application, Input, Outpost, Site, TlsFiles};
use serde_json::{Value, json};

/// A provider as core serves it; `more` wins.
pub(crate) fn application(
    pk: i64,
    slug: &str,
    mode: &str,
    external: &str,
    more: Value,
) -> Application {
    compiled(pk, slug, mode, external, more).expect("a provider")
}

/// A provider as core serves it, if it compiles; `more` wins.
pub(crate) fn compiled(
    pk: i64,
    slug: &str,
    mode: &str,
    external: &str,
    more: Value,
) -> Option<Application> {
    let core = "https://authentik.example.com/application/o";
    let mut record = json!({
        "pk": pk,
        "name": format!("Provider for {slug}"),
        "external_host": external,
        "mode": mode,
        "client_id": format!("client-{pk}"),
        "client_secret": "secret",
        "cookie_secret": "cookie secret",
        "assigned_application_slug": slug,
        "assigned_application_name": slug,
        "oidc_configuration": {
            "issuer": format!("{core}/{slug}/"),
            "authorization_endpoint": format!("{core}/authorize/"),
            "token_endpoint": format!("{core}/token/"),
            "jwks_uri": format!("{core}/{slug}/jwks/"),
        },
    });
    if mode == "proxy" {
        record["internal_host"] = json!("http://application:8080");
    }
    let akprox = more["akprox"] == json!(true);
    if let Value::Object(more) = more {
        for (name, value) in more {
            record[name] = value;
        }
    }
    let record = serde_json::from_value(record).expect("a record");
    let context = CompileContext { akprox, ..CompileContext::default() };
    let provider = compile_provider(&record, &context).ok()?.provider;
    let provider = Arc::new(provider);
    Some(Application { provider, rule: IdentityRule::default(), additional: Vec::new() })
}

/// These applications at a site of which nothing is said.
pub(crate) fn input(applications: Vec<Application>) -> Input {
    let outpost = Outpost { name: "proxy".to_owned(), ..Outpost::default() };
    Input { outpost, applications, site: Site::default() }
}

/// A site of which everything is said.
fn full_site() -> Site {
    Site {
        outpost: "https://outpost.internal:9443".parse().expect("a URL"),
        upstream: Some("http://10.0.0.7:3000".parse().expect("a URL")),
        hosts: ["wiki.example.com", "*.apps.example.com", "elsewhere.test"]
            .map(str::to_owned)
            .to_vec(),
        listen: Some("127.0.0.1:8080".parse().expect("an address")),
        tls: Some(TlsFiles {
            certificate: "/etc/ssl/fullchain.pem".to_owned(),
            key: "/etc/ssl/key.pem".to_owned(),
        }),
        ..Site::default()
    }
}

/// Every kind, by name.
pub(crate) fn all() -> Vec<(&'static str, Input)> {
    let none = || json!({});
    let single =
        || application(1, "grafana", "forward_single", "https://grafana.example.com", none());
    let domain = || {
        let more = json!({"cookie_domain": "example.com"});
        application(2, "domain", "forward_domain", "https://auth.example.com", more)
    };
    let mut known = input(vec![domain()]);
    known.site = full_site();
    let mut extra = application(
        3,
        "old",
        "forward_single",
        "http://old.example.com:8000",
        json!({
            "akprox": true,
            "basic_auth_enabled": true,
            "basic_auth_password_attribute": "password",
        }),
    );
    extra.additional = vec!["Remote-User".to_owned()];
    vec![
        ("single", input(vec![single()])),
        ("domain", input(vec![domain()])),
        ("domain_with_hosts", known),
        ("proxy", input(vec![application(4, "app", "proxy", "https://app.example.com", none())])),
        ("more_headers", input(vec![extra])),
        (
            "wildcard",
            input(vec![application(5, "any", "forward_single", "https://*.example.com", none())]),
        ),
        (
            "paths",
            input(vec![
                application(6, "a", "forward_single", "https://host.example.com/a/", none()),
                application(7, "b", "forward_single", "https://host.example.com/a/b/", none()),
                application(8, "c", "proxy", "https://host.example.com/c", none()),
            ]),
        ),
    ]
}
