//! Ingresses for ingress-nginx, without snippets: hardened clusters refuse those, and anybody who
//! may write one may read every secret of the controller.
//!
//! It needs none: the controller tells the check the whole URL (`X-Original-URL`), a ConfigMap adds
//! what is missing, and answers of the check reach the browser with their cookies by themselves.

use outpost_decision::OUTPOST_PREFIX;
use outpost_decision::target::Scheme;
use serde_json::{Map, Value, json};

use crate::cluster::{Backend, Cluster, PORT};
use crate::front::{Front, HOP_HEADERS, HTTP2_SETTINGS, Part, Role};
use crate::input::Input;
use crate::place::start_url;
use crate::rendered::{RenderError, Rendered};
use crate::yaml::{self, Document};

/// Name of the annotations, without what follows the slash.
const PREFIX: &str = "nginx.ingress.kubernetes.io";

/// Writes the Ingresses.
///
/// # Errors
/// When something cannot be named on Kubernetes.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let cluster = Cluster::of(input)?;
    let mut documents = Vec::new();
    if cluster.is_apart() {
        documents.push(alias(&cluster));
    }
    if cluster.asked().next().is_some() {
        documents.push(told(&cluster));
        documents.push(clean(&cluster));
    }
    for host in cluster.hosts() {
        let front = host.front;
        if front.parts.iter().any(|part| part.role != Role::Pass || !part.base.is_empty()) {
            documents.push(own(&cluster, front, host.own));
        }
        for (part, title) in host.parts {
            let place = Place { cluster: &cluster, front, part, title };
            match part.role {
                Role::Ask => documents.push(asked(&place)?),
                Role::Pass => documents.push(passed(&place)),
                Role::SignIn => {}
            }
        }
    }
    let intro = format!(
        "ingress-nginx in front of the outpost {} (namespace {}), for:\n{}\
         kubectl apply -f ingress-nginx.yaml\n\
         No snippet is needed. The outpost believes what the controller says of a request where its \
         pods have private addresses; name other networks in AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS \
         of the outpost.\n\
         No annotation takes away what clients say in the words of proxies, and how they ask for \
         tunnels past the check: the controller has to, by the ConfigMap {}.\n\
         Users with many groups send large cookies and get large headers: where requests end in 400 \
         or 502, raise large-client-header-buffers in the controller's ConfigMap as well.",
        cluster.outpost,
        cluster.home,
        crate::front::about(input),
        cleaning(&cluster),
    );
    Ok(Rendered::one("ingress-nginx.yaml", yaml::file(&intro, &documents)))
}

/// An application on a host.
struct Place<'p> {
    cluster: &'p Cluster<'p>,
    front: &'p Front<'p>,
    part: &'p Part<'p>,
    /// What its objects are called.
    title: &'p str,
}

/// The outpost under a name of the applications' namespace: an Ingress leads to Services beside it
/// only.
fn alias(cluster: &Cluster<'_>) -> Document {
    Document::new(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": cluster.metadata(&cluster.outpost),
        "spec": {
            "type": "ExternalName",
            "externalName": cluster.host(),
            "ports": [{"name": "http", "port": PORT, "targetPort": PORT}],
        },
    }))
    .comment(
        "The outpost lives in another namespace, and an Ingress leads to Services of its own \
         namespace only: this is another name for it.",
    )
}

/// What the check is told beside what the controller tells it: the host by which a request was
/// routed. It alone tells the `Host` header, and a request whose first line names another host is
/// routed by that one: it could be checked for one application and reach another. The outpost
/// refuses a request about which the two disagree.
fn told(cluster: &Cluster<'_>) -> Document {
    Document::new(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": cluster.metadata(&checks(cluster)),
        "data": {"X-Forwarded-Host": "$host", "X-Original-URI": "$request_uri"},
    }))
    .comment(
        "What the outpost is told with each check: the host by which the controller has routed the \
         request, besides the one that the client's header names. Where they differ, a request could \
         be checked for one application and reach another: the outpost refuses it.",
    )
}

/// Name of the ConfigMap for checks.
fn checks(cluster: &Cluster<'_>) -> String {
    format!("{}-check", cluster.outpost)
}

/// Headers of [`HOP_HEADERS`] that the controller sets by itself, whatever a client sent.
const SET: &str = "X-Forwarded-Scheme";

/// What the controller takes away from every request: applications that believe such a header
/// would serve another path than the one that was checked.
fn clean(cluster: &Cluster<'_>) -> Document {
    let names = HOP_HEADERS.into_iter().filter(|name| *name != SET).chain([HTTP2_SETTINGS]);
    let data: Map<String, Value> = names.map(|name| (name.to_owned(), json!(""))).collect();
    let name = cleaning(cluster);
    Document::new(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": cluster.metadata(&name),
        "data": data,
    }))
    .comment(format!(
        "What clients say of a request in the words of proxies, and some applications believe: a \
         path that is checked (/public/x), and another that is served (X-Rewrite-URL: /admin). And \
         what asks for HTTP/2 without TLS: the controller passes any Upgrade on, and in that tunnel \
         nobody is checked any more. An empty value takes a header away. It does so where the controller's own ConfigMap names \
         it, for every host:\n  proxy-set-headers: {}/{name}\n\
         (controller.config of the chart). Do that unless your applications ignore all of these headers.",
        cluster.namespace,
    ))
}

/// Name of the `ConfigMap` for the controller.
fn cleaning(cluster: &Cluster<'_>) -> String {
    format!("{}-clean", cluster.outpost)
}

/// The Ingress for the outpost's own paths. It asks nobody: people sign in there.
fn own(cluster: &Cluster<'_>, front: &Front<'_>, name: &str) -> Document {
    let backend = backend(&cluster.outpost, PORT);
    let prefixes = front.own_prefixes();
    let paths = prefixes.iter().map(String::as_str);
    let annotations =
        [("enable-global-auth", "false".to_owned()), ("proxy-buffer-size", "32k".to_owned())];
    let mut metadata = cluster.metadata(name);
    metadata["annotations"] = annotated(annotations);
    // `Prefix` with a dot in the path is refused by the controller (strict-validate-path-type) in
    // 1.12 and early 1.13. This takes what follows without a slash along: the outpost answers that
    // it knows no such page.
    let mut spec = spec(cluster, front, "ImplementationSpecific", &backend, paths);
    let alone = front.parts.iter().all(|part| part.role == Role::SignIn);
    let secure = front.scheme == Scheme::Https && alone;
    if secure {
        spec["tls"] = json!([{"hosts": front.names, "secretName": format!("{name}-tls")}]);
    }
    let mut document = Document::new(json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": spec,
    }));
    if secure {
        document = document.note(
            "/spec/tls",
            "The Secret of the host's certificate, in this namespace. No other Ingress has this \
             host: without it, the controller serves a certificate that no browser trusts.",
        );
    }
    document
        .comment(
            "The outpost's own paths: signing in and out. In the namespace of the application, \
             where its certificate is; the controller puts Ingresses of one host together. Leave it \
             out where another Ingress, such as the one that authentik made, has the same host and \
             path: the controller takes only one.",
        )
        .note(
            format!("/metadata/annotations/{PREFIX}~1enable-global-auth"),
            "Whoever signs in is not signed in yet.",
        )
}

/// The application's Ingress, which asks the outpost.
fn asked(place: &Place<'_>) -> Result<Document, RenderError> {
    let Place { cluster, front, part, title } = place;
    let app = cluster.backend(title)?;
    let annotations = [
        ("auth-url", format!("http://{}:{PORT}{OUTPOST_PREFIX}/auth/nginx", cluster.host())),
        ("auth-signin", sign_in(front, part)),
        ("auth-response-headers", part.headers.join(",")),
        ("auth-proxy-set-headers", format!("{}/{}", cluster.namespace, checks(cluster))),
        ("proxy-body-size", "0".to_owned()),
        ("proxy-buffer-size", "32k".to_owned()),
    ];
    let at = |name: &str| format!("/metadata/annotations/{PREFIX}~1{name}");
    let document = application(place, &app, &annotations)
        .comment(comment(front, &app))
        .note(
            at("auth-url"),
            "Asked within the cluster: quicker than through the application's host, and no \
             certificate is in the way. Do not set auth-method: with it the controller tells the \
             path twice, and the outpost refuses what it cannot be sure of.",
        )
        .note(
            at("auth-signin"),
            "Where people sign in: the host of the application (for a whole domain, the \
             authentication URL), never authentik's. $escaped_request_uri keeps the query: an \
             unescaped $request_uri loses everything behind the first &.",
        )
        .note(
            at("auth-response-headers"),
            "All that the outpost sets, empty ones included: each overwrites what a client sent. \
             Set-Cookie is not among them: that would send the outpost's cookie to the application. \
             The controller hands cookies of the check to the browser by itself.",
        )
        .note(
            at("proxy-body-size"),
            "Uploads of any size; the controller's own limit is 1m. How much is too much, the \
             application says.",
        )
        .note(
            at("proxy-buffer-size"),
            "The answer to a check carries all of these headers; with the default of 4k a long list \
             of groups ends in 502.",
        );
    Ok(document)
}

/// The Ingress of an application in proxy mode: all of it goes to the outpost.
fn passed(place: &Place<'_>) -> Document {
    let outpost =
        Backend { name: place.cluster.outpost.clone(), port: PORT, tls: false, is_example: false };
    let annotations = [
        ("enable-global-auth", "false".to_owned()),
        ("proxy-body-size", "0".to_owned()),
        ("proxy-buffer-size", "32k".to_owned()),
        ("proxy-read-timeout", "3600".to_owned()),
        ("proxy-request-buffering", "off".to_owned()),
        ("proxy-send-timeout", "3600".to_owned()),
    ];
    let at = |name: &str| format!("/metadata/annotations/{PREFIX}~1{name}");
    application(place, &outpost, &annotations)
        .comment("In proxy mode everything goes to the outpost, which forwards it.")
        .note(at("enable-global-auth"), "The outpost itself sees to it that people sign in.")
        .note(at("proxy-body-size"), "Uploads of any size; streams and websockets may be quiet.")
}

fn application(place: &Place<'_>, app: &Backend, annotations: &[(&str, String)]) -> Document {
    let Place { cluster, front, part, title } = place;
    let mut annotations = annotations.to_vec();
    if app.tls {
        annotations.push(("backend-protocol", "HTTPS".to_owned()));
    }
    let mut metadata = cluster.metadata(title);
    metadata["annotations"] = annotated(annotations);
    let path = if part.base.is_empty() { "/" } else { part.base };
    // Whatever the outpost's own Ingress is to have: /a must not lead /ab to this application.
    let backend = backend(&app.name, app.port);
    let mut spec = spec(cluster, front, "Prefix", &backend, std::iter::once(path));
    let secure = front.scheme == Scheme::Https;
    if secure {
        let secret = format!("{title}-tls");
        spec["tls"] = json!([{"hosts": front.names, "secretName": secret}]);
    }
    let document = Document::new(json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": spec,
    }));
    if secure {
        document.note("/spec/tls", "The Secret of the host's certificate, in this namespace.")
    } else {
        document
    }
}

fn comment(front: &Front<'_>, app: &Backend) -> String {
    let mut text =
        "The application. If it has an Ingress already, add the annotations to that one: \
                    nothing else of it changes."
            .to_owned();
    if front.is_example {
        text += "\nFILL IN: one like this for each host below the domain.";
    }
    if app.is_example {
        text += "\nFILL IN: the Service of the application, and its port.";
    }
    text
}

/// Where a browser goes that is not signed in, with the page it asked for.
fn sign_in(front: &Front<'_>, part: &Part<'_>) -> String {
    let provider = &part.application.provider;
    let start = start_url(provider);
    if provider.cookie_domain.is_some() {
        // From another host: the page's has to be told.
        let scheme = front.scheme.as_str();
        let host = match front.only_name() {
            Some(name) => format!("{name}{}", front.port_suffix()),
            None => "$http_host".to_owned(),
        };
        return format!("{start}?rd={scheme}://{host}$escaped_request_uri");
    }
    // The sign-in of a wildcard stays on the host that was asked for.
    let wildcard = provider.external.authority.to_string();
    let start = match provider.external.wildcard {
        true => start.replacen(&wildcard, "$http_host", 1),
        false => start,
    };
    format!("{start}?rd=$escaped_request_uri")
}

fn spec<'a>(
    cluster: &Cluster<'_>,
    front: &Front<'_>,
    path_type: &str,
    backend: &Value,
    paths: impl Iterator<Item = &'a str>,
) -> Value {
    let paths: Vec<Value> = paths
        .map(|path| json!({"path": path, "pathType": path_type, "backend": backend}))
        .collect();
    let rules: Vec<Value> =
        front.names.iter().map(|host| json!({"host": host, "http": {"paths": paths}})).collect();
    let class = cluster.options.kubernetes.ingress_class_name.as_deref().unwrap_or("nginx");
    json!({"ingressClassName": class, "rules": rules})
}

fn backend(service: &str, port: u16) -> Value {
    json!({"service": {"name": service, "port": {"number": port}}})
}

fn annotated<'a>(annotations: impl IntoIterator<Item = (&'a str, String)>) -> Value {
    let named = |(name, value)| (format!("{PREFIX}/{name}"), Value::from(value));
    Value::Object(annotations.into_iter().map(named).collect::<Map<_, _>>())
}
