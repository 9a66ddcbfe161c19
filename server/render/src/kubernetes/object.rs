//! The small objects that core's integration makes as well.

use outpost_decision::OUTPOST_PREFIX;
use outpost_decision::headers::is_identity_name;
use outpost_decision::provider::Mode;
use serde_json::json;

use super::plan::Plan;
use crate::front::{HOP_HEADERS, HTTP2_SETTINGS};
use crate::input::{Application, each_once};
use crate::yaml::Document;

/// What stands in the place of a token that nobody gave.
pub(crate) const TOKEN_PLACEHOLDER: &str = "fill-in-the-token-of-the-outpost";
/// What stands in the place of core's URL where its option is empty.
pub(crate) const HOST_PLACEHOLDER: &str = "https://authentik.example.com";

pub(super) fn secret(plan: &Plan<'_>) -> Document {
    let options = &plan.options;
    let token = plan.input.site.token.as_ref();
    let host = Some(options.authentik_host.as_str()).filter(|host| !host.is_empty());
    let mut document = Document::new(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": plan.metadata(&plan.names.object),
        "stringData": {
            "authentik_host": host.unwrap_or(HOST_PLACEHOLDER),
            "authentik_host_browser": options.authentik_host_browser,
            "authentik_host_insecure": options.authentik_host_insecure.to_string(),
            "token": token.map_or(TOKEN_PLACEHOLDER, |token| token.reveal()),
        },
    }));
    if host.is_none() {
        let note =
            "FILL IN: where authentik is. The option authentik_host of the outpost is empty.";
        document = document.note("/stringData/authentik_host", note);
    }
    if options.authentik_host_insecure {
        let note = "authentik's certificate is not verified: whoever can put themselves between the \
                    two can sign in as anybody.";
        document = document.note("/stringData/authentik_host_insecure", note);
    }
    if token.is_none() {
        let note = format!(
            "FILL IN: authentik shows the token on the page of the outpost (View Deployment Info). \
             Better still, keep it out of files: leave this object out and say\n  \
             kubectl -n {} create secret generic {} \\\n    \
             --from-literal=authentik_host={} \\\n    \
             --from-literal=authentik_host_browser={} \\\n    \
             --from-literal=authentik_host_insecure={} --from-file=token=/dev/stdin",
            options.kubernetes.namespace,
            plan.names.object,
            quoted(host.unwrap_or(HOST_PLACEHOLDER)),
            quoted(&options.authentik_host_browser),
            options.authentik_host_insecure,
        );
        document = document.note("/stringData/token", note);
    }
    document
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

pub(super) fn service(plan: &Plan<'_>) -> Document {
    let ports = plan.ports().into_iter().map(
        |(name, port)| json!({"name": name, "port": port, "protocol": "TCP", "targetPort": port}),
    );
    Document::new(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": plan.metadata(&plan.names.object),
        "spec": {
            "type": plan.options.kubernetes.service_type,
            "ports": ports.collect::<Vec<_>>(),
            "selector": plan.selector(),
        },
    }))
}

pub(super) fn monitor(plan: &Plan<'_>) -> Document {
    Document::new(json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": plan.metadata(&plan.names.object),
        "spec": {
            "endpoints": [{"port": "http-metrics", "path": "/metrics"}],
            "selector": {"matchLabels": {
                "app.kubernetes.io/name": "authentik-proxy",
                "goauthentik.io/outpost-type": "proxy",
                "goauthentik.io/outpost-uuid": plan.names.uuid,
            }},
        },
    }))
    .note(
        "/spec/selector/matchLabels",
        "Labels of the Service, without those that change with a version.",
    )
}

/// The middleware for applications in forward auth, where there are any.
pub(super) fn middleware(plan: &Plan<'_>) -> Option<Document> {
    let asks = |application: &&Application| application.provider.mode != Mode::Proxy;
    let asking = || plan.input.applications.iter().filter(asks);
    let headers = headers_of(asking());
    if headers.is_empty() {
        return None;
    }
    let cookies: Vec<&str> = asking().map(|app| app.provider.cookie.name.as_str()).collect();
    let (name, namespace) = (&plan.names.object, &plan.options.kubernetes.namespace);
    let document = Document::new(json!({
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "Middleware",
        "metadata": plan.metadata(name),
        "spec": {"forwardAuth": {
            "address": format!("http://{name}.{namespace}:9000{OUTPOST_PREFIX}/auth/traefik"),
            "addAuthCookiesToResponse": cookies,
            "authResponseHeaders": headers,
            "authResponseHeadersRegex": spellings(&headers),
            "trustForwardHeader": false,
        }},
    }));
    let at = |field: &str| format!("/spec/forwardAuth/{field}");
    let document = document
        .note(at("addAuthCookiesToResponse"), "For those who sign in with a header.")
        .note(
            at("authResponseHeaders"),
            "All that the outpost sets, empty ones included: each overwrites what a client sent.",
        )
        .note(
            at("authResponseHeadersRegex"),
            "What else is taken away from what clients send, since applications may believe it: \
             other spellings of the same (x_authentik_username), and headers in which proxies tell \
             of the request (X-Original-URL): a path that is checked, and another that is served; \
             and what asks for a tunnel (HTTP2-Settings), in which nobody is checked any more. \
             The outpost's answers carry none of them.",
        )
        .note(
            at("trustForwardHeader"),
            "The outpost is told of the request as Traefik itself received it, whatever an entry \
             point believes. Where TLS ends in front of Traefik: true, with the addresses of what \
             ends it in the entry point's forwardedHeaders.trustedIPs, and nothing else.",
        );
    Some(document)
}

/// A regular expression (Go's) for every spelling of these headers, and of those by which proxies
/// tell of a request, that some application takes for them. What it matches, Traefik takes away
/// from a client's request, and copies from the outpost's answer if it is there.
pub(crate) fn spellings(headers: &[impl AsRef<str>]) -> String {
    let mut words = vec!["x[-_.]authentik[-_.].+".to_owned()];
    let others = headers.iter().map(AsRef::as_ref).filter(|name| !is_identity_name(name));
    let others = others.filter(|name| name.contains('-'));
    let any = |name: &str| name.to_ascii_lowercase().replace('-', "[-_.]");
    words.extend(others.chain(HOP_HEADERS).chain([HTTP2_SETTINGS]).map(any));
    format!("(?i)^({})$", words.join("|"))
}

/// Every header that has to be copied for any of these applications, each once, in the order of
/// their lists.
pub(crate) fn headers_of<'a>(applications: impl Iterator<Item = &'a Application>) -> Vec<String> {
    each_once(applications.flat_map(Application::headers))
}

/// Whether this is the image of authentik's own outpost.
pub(crate) fn is_stock(image: &str) -> bool {
    let image = image.split('@').next().unwrap_or_default();
    // A colon before the last slash is that of the registry's port.
    let name = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    };
    ["goauthentik/proxy", "beryju/authentik-proxy"].iter().any(|stock| name.ends_with(stock))
}
