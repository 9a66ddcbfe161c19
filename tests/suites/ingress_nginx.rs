//! What `outpost render ingress-nginx` writes, asked about as the controller asks: its template
//! (rootfs/etc/nginx/template/nginx.tmpl of kubernetes/ingress-nginx) says which headers a check
//! bears, and the annotations and the `ConfigMap` fill them in. There is no controller that could
//! run here, and no snippet that could be missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use outpost_decision::compile::{CompileContext, compile_provider};
use outpost_decision::headers::IdentityRule;
use outpost_render::{Application, Input, Outpost, Site, Target, render};
use outpost_tests::{Browser, World};
use serde_json::json;

use crate::ask::{Verdict, cookie, raw, world};

/// Annotations of the application's Ingress, and data of the `ConfigMap`, by name.
struct Controller {
    annotations: BTreeMap<String, String>,
    data: BTreeMap<String, String>,
}

/// A request as a client sends it and the controller routes it.
#[derive(Clone, Copy)]
struct Request<'a> {
    /// The `Host` header, with a port.
    header: &'a str,
    /// The host whose Ingress it came to: that of the first line, where it names one.
    routed: &'a str,
    uri: &'a str,
    more: &'a [(&'a str, &'a str)],
}

impl Controller {
    /// With what is rendered for an application in forward auth at `host`.
    fn guarding(world: &World, host: &str) -> Self {
        let record = json!({
            "pk": 1,
            "name": "Single",
            "external_host": world.url(host, ""),
            "mode": "forward_single",
            "client_id": "client",
            "client_secret": "secret",
            "cookie_secret": "cookie secret",
            "assigned_application_slug": "single",
            "assigned_application_name": "Single",
            "oidc_configuration": {
                "issuer": "http://core.test/application/o/single/",
                "authorization_endpoint": "http://core.test/application/o/authorize/",
                "token_endpoint": "http://core.test/application/o/token/",
                "jwks_uri": "http://core.test/application/o/single/jwks/",
            },
        });
        let record = serde_json::from_value(record).unwrap();
        let provider = compile_provider(&record, &CompileContext::default()).unwrap().provider;
        let input = Input {
            outpost: Outpost { name: "proxy".to_owned(), ..Outpost::default() },
            applications: vec![Application {
                provider: Arc::new(provider),
                rule: IdentityRule::default(),
                additional: Vec::new(),
            }],
            site: Site::default(),
        };
        let text = render(Target::IngressNginx, &input).unwrap().to_string();
        let documents: Vec<&str> = text.split("---\n").collect();
        let members = |with: &str, prefix: &str| -> BTreeMap<String, String> {
            let document = documents.iter().find(|document| document.contains(with)).unwrap();
            let lines = document.lines().filter_map(|line| line.strip_prefix(prefix));
            let pairs = lines.filter_map(|line| line.split_once(": "));
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        Self {
            annotations: members("/auth-url", "    nginx.ingress.kubernetes.io/"),
            data: members("kind: ConfigMap", "  X-")
                .into_iter()
                .map(|(k, v)| (format!("X-{k}"), v))
                .collect(),
        }
    }

    /// Asks the outpost about a request.
    async fn check(&self, world: &World, request: Request<'_>) -> Verdict {
        let Request { header, routed, uri, more } = request;
        let (host, path) =
            self.annotations["auth-url"].strip_prefix("http://").unwrap().split_once('/').unwrap();
        let host = host.split(':').next().unwrap();
        let mut set = vec![
            ("Host".to_owned(), host.to_owned()),
            ("X-Original-URL".to_owned(), format!("http://{header}{uri}")),
            ("X-Original-Method".to_owned(), "GET".to_owned()),
            ("X-Sent-From".to_owned(), "nginx-ingress-controller".to_owned()),
            ("X-Real-IP".to_owned(), "127.0.0.1".to_owned()),
            ("X-Forwarded-For".to_owned(), "127.0.0.1".to_owned()),
            ("X-Auth-Request-Redirect".to_owned(), uri.to_owned()),
        ];
        for (name, value) in &self.data {
            let value = value.replace("$host", routed).replace("$request_uri", uri);
            set.push((name.clone(), value));
        }
        // What the controller sets takes the place of what the client sent.
        let is_set = |name: &str| set.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let kept = more.iter().filter(|(name, _)| !is_set(name));
        let kept: Vec<_> = kept.map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let mut head = format!("GET /{path} HTTP/1.1\r\n");
        for (name, value) in set.iter().chain(&kept) {
            head += &format!("{name}: {value}\r\n");
        }
        raw(world.http(), head.as_bytes()).await
    }

    /// Where the controller sends a browser that is not signed in.
    fn sign_in(&self, uri: &str) -> String {
        let escaped: String = url::form_urlencoded::byte_serialize(uri.as_bytes()).collect();
        self.annotations["auth-signin"].replace("$escaped_request_uri", &escaped)
    }
}

#[tokio::test]
async fn nobody_is_refused_and_brought_back_to_the_very_page() {
    let world = world().await;
    let controller = Controller::guarding(&world, "single.test");
    let header = format!("single.test:{}", world.port());
    let uri = "/deep/page?a=1&b=%2F&c=%C3%A4&d=x+y";
    let request = Request { header: &header, routed: "single.test", uri, more: &[] };
    let verdict = controller.check(&world, request).await;
    assert_eq!(verdict.status, 401, "{verdict:?}");
    let browser = Browser::new();
    let page = world.url("single.test", uri);
    let answer = browser.sign_in(&controller.sign_in(uri), "alice").await;
    assert_eq!(answer.url.as_str(), page);
    let cookie = browser.cookie_header(&page.parse().unwrap()).unwrap();
    let request = Request { more: &[("Cookie", &cookie)], ..request };
    let verdict = controller.check(&world, request).await;
    assert_eq!(verdict.status, 200, "{verdict:?}");
    assert_eq!(verdict.header("X-authentik-username"), Some("alice"));
    // Every header that the controller copies is there, to overwrite the client's; but for the
    // credentials that nobody has: nginx takes away what is not there.
    for name in controller.annotations["auth-response-headers"].split(',') {
        assert_eq!(verdict.header(name).is_some(), name != "Authorization", "{name}");
    }
}

#[tokio::test]
async fn public_paths_are_public_and_nobody_there() {
    let world = world().await;
    let controller = Controller::guarding(&world, "single.test");
    let header = format!("single.test:{}", world.port());
    let request = Request { header: &header, routed: "single.test", uri: "/public/a", more: &[] };
    let verdict = controller.check(&world, request).await;
    assert_eq!(verdict.status, 200, "{verdict:?}");
    assert!(verdict.is_for_nobody(), "{verdict:?}");
}

#[tokio::test]
async fn what_a_client_claims_opens_nothing() {
    let world = world().await;
    let controller = Controller::guarding(&world, "single.test");
    let header = format!("single.test:{}", world.port());
    for more in [
        ("X-Original-URI", "/outpost.goauthentik.io/"),
        ("X-Original-URI", "/public/"),
        ("X-Original-URL", "http://single.test/public/"),
        ("X-Forwarded-Host", "app.domain.test"),
        ("X-Forwarded-Uri", "/public/"),
        ("X-authentik-username", "akadmin"),
    ] {
        let more = [more];
        let request =
            Request { header: &header, routed: "single.test", uri: "/private", more: &more };
        let verdict = controller.check(&world, request).await;
        assert_eq!(verdict.status, 401, "{more:?}: {verdict:?}");
    }
}

/// `GET http://single.test/ HTTP/1.1` with the `Host` of another application.
#[tokio::test]
async fn who_may_use_one_application_cannot_have_another_ones_request_checked() {
    let world = world().await;
    let controller = Controller::guarding(&world, "single.test");
    let cookie = cookie(&world, "auth.domain.test", "alice").await;
    let header = format!("app.domain.test:{}", world.port());
    let more = [("Cookie", cookie.as_str())];
    let own = Request { header: &header, routed: "app.domain.test", uri: "/", more: &more };
    let verdict = controller.check(&world, own).await;
    assert_eq!(verdict.status, 200, "alice may use that one: {verdict:?}");
    let verdict = controller.check(&world, Request { routed: "single.test", ..own }).await;
    assert_eq!(verdict.status, 400, "{verdict:?}");
}
