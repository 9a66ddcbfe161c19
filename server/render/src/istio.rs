//! Istio: the check as an extension provider of the mesh, a policy that asks it, and routes for the
//! outpost's own paths. No EnvoyFilter: those break with every release.

use outpost_decision::target::Scheme;
use serde_json::{Value, json};

use crate::cluster::{COPIED, Cluster, Host, PORT, envoy_path};
use crate::front::{Front, HOP_HEADERS, Part, Role};
use crate::input::Input;
use crate::quote;
use crate::rendered::{File, RenderError, Rendered};
use crate::told::TOLD;
use crate::yaml::{self, Document};

/// Writes the part of the mesh configuration, the policy and the routes.
///
/// # Errors
/// When something cannot be named on Kubernetes.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let cluster = Cluster::of(input)?;
    cluster.refuse_additional("Istio")?;
    let mut files = Vec::new();
    let mut documents = Vec::new();
    for front in &cluster.fronts {
        let asked = front.parts.iter().find(|part| part.role == Role::Ask);
        if let Some(part) = asked.filter(|_| front.names.iter().any(|name| name.contains('*'))) {
            return Err(wildcard(part));
        }
    }
    if cluster.asked().next().is_some() {
        let intro = "Istio's mesh configuration: put this under meshConfig of the chart istiod (or \
                     of the IstioOperator), beside what is there. It takes effect with the policy in \
                     istio.yaml.";
        let text = yaml::file(intro, &[mesh(&cluster)]);
        files.push(File { name: "istio-mesh.yaml", text });
        documents.push(policy(&cluster));
    }
    for host in cluster.hosts() {
        documents.push(service(&cluster, &host)?);
    }
    let intro = format!(
        "Istio in front of the outpost {} (namespace {}), for:\n{}\
         kubectl apply -f istio.yaml, after istio-mesh.yaml where there is one.",
        cluster.outpost,
        cluster.home,
        crate::front::about(input),
    );
    files.push(File { name: "istio.yaml", text: yaml::file(&intro, &documents) });
    Ok(Rendered { files })
}

/// A policy matches `*.domain` or `host:*`, and never both: with a port behind its host, a request
/// would pass unchecked.
fn wildcard(part: &Part<'_>) -> RenderError {
    RenderError::Provider {
        provider: quote::comment(&part.application.provider.name),
        problem:
            "Istio's policies cannot name a wildcard host whatever its port: use a provider for \
                  the whole domain, or one for each host"
                .to_owned(),
    }
}

/// The check, for the whole mesh.
fn mesh(cluster: &Cluster<'_>) -> Document {
    Document::new(json!({"extensionProviders": [{
        "name": cluster.outpost,
        "envoyExtAuthzHttp": {
            "service": cluster.host(),
            "port": PORT,
            "pathPrefix": envoy_path(),
            "timeout": "10s",
            "failOpen": false,
            "includeRequestHeadersInCheck": TOLD,
            "headersToUpstreamOnAllow": cluster.headers(),
            "headersToDownstreamOnAllow": ["set-cookie"],
        },
    }]}))
    .note("/extensionProviders/0/envoyExtAuthzHttp/headersToUpstreamOnAllow", COPIED)
    .note(
        "/extensionProviders/0/envoyExtAuthzHttp/failOpen",
        "Nobody gets in while the outpost is away.",
    )
}

/// Asks for the hosts of applications in forward auth, at the ingress gateway.
fn policy(cluster: &Cluster<'_>) -> Document {
    let rules: Vec<Value> = cluster
        .fronts
        .iter()
        .filter(|front| front.parts.iter().any(|part| part.role == Role::Ask))
        .map(|front| {
            let both = |host: &String| [host.clone(), format!("{host}:*")];
            let hosts: Vec<String> = front.names.iter().flat_map(both).collect();
            let open: Vec<String> = open_prefixes(front)
                .into_iter()
                .flat_map(|prefix| [prefix.clone(), format!("{prefix}/*")])
                .collect();
            json!({"to": [{"operation": {"hosts": hosts, "notPaths": open}}]})
        })
        .collect();
    Document::new(json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": cluster.outpost, "namespace": "istio-system"},
        "spec": {
            "selector": {"matchLabels": {"istio": "ingressgateway"}},
            "action": "CUSTOM",
            "provider": {"name": cluster.outpost},
            "rules": rules,
        },
    }))
    .comment("Requests for these hosts are checked with the outpost before anything else.")
    .note("/metadata/namespace", "Namespace and labels of your ingress gateway.")
    .note(
        "/spec/rules",
        "Paths that the routes below send to the outpost are not checked: people sign in there, or \
         the outpost checks by itself (proxy mode).",
    )
}

/// What the routes send to the outpost on a host.
fn open_prefixes(front: &Front<'_>) -> Vec<String> {
    let mut prefixes = front.own_prefixes();
    let passed = front.parts.iter().filter(|part| part.role == Role::Pass && !part.base.is_empty());
    prefixes.extend(passed.map(|part| part.base.to_owned()));
    prefixes
}

/// The routes of a host: first the outpost's own paths, then its applications.
fn service(cluster: &Cluster<'_>, place: &Host<'_, '_>) -> Result<Document, RenderError> {
    let front = place.front;
    let outpost = json!([{"destination": {"host": cluster.host(), "port": {"number": PORT}}}]);
    let below = |prefix: &str| {
        // `/a` and what lies below it, but not `/ab`.
        vec![json!({"uri": {"exact": prefix}}), json!({"uri": {"prefix": format!("{prefix}/")}})]
    };
    let own: Vec<Value> = front.own_prefixes().iter().flat_map(|prefix| below(prefix)).collect();
    let mut routes = vec![json!({
        "name": "outpost",
        "match": own,
        "route": outpost,
        "headers": {"request": {"remove": hops()}},
    })];
    let mut is_example = false;
    for (part, title) in place.parts.iter().filter(|(part, _)| part.role != Role::SignIn) {
        let mut route = json!({"name": title});
        if !part.base.is_empty() {
            route["match"] = below(part.base).into();
        }
        if part.role == Role::Pass {
            route["route"] = outpost.clone();
            route["headers"] = json!({"request": {"remove": hops()}});
        } else {
            let app = cluster.backend(title)?;
            is_example |= app.is_example;
            let host = format!("{}.{}.svc.cluster.local", app.name, cluster.namespace);
            route["route"] = json!([{"destination": {"host": host, "port": {"number": app.port}}}]);
            route["headers"] = json!({"request": {"remove": removed(part)}});
        }
        routes.push(route);
    }
    let mut text = "Where the host's paths lead.".to_owned();
    if front.scheme == Scheme::Https {
        text += " TLS ends at the gateway.";
    }
    if front.is_example {
        text += "\nFILL IN: one like this for each host below the domain, and its name in the \
                 policy above.";
    }
    if is_example {
        text += "\nFILL IN: the Service of the application, and its port.";
    }
    let mut document = Document::new(json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": cluster.metadata(place.own),
        "spec": {
            "hosts": front.names,
            "gateways": ["istio-system/ingressgateway"],
            "http": routes,
        },
    }))
    .comment(text)
    .note("/spec/gateways", "FILL IN: your Gateway.");
    let asked = front.parts.iter().filter(|part| part.role != Role::SignIn).enumerate();
    for (index, _) in asked.filter(|(_, part)| part.role == Role::Ask) {
        let pointer = format!("/spec/http/{}/headers", index + 1);
        let note = "What applications may believe, and neither the gateway nor the outpost has \
                    said: where a request came from, and other spellings of the headers that the \
                    outpost sets.";
        document = document.note(pointer, note);
    }
    Ok(document)
}

/// What is removed on the way to an application: nothing of it comes from the gateway or from the
/// outpost. The check comes first, and is told none of it.
fn removed(part: &Part<'_>) -> Vec<String> {
    let mut names = hops();
    for header in part.headers.iter().map(|header| header.to_ascii_lowercase()) {
        names.extend(spelt(&header, &['-', '_', '.']).into_iter().filter(|name| *name != header));
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// Headers by which proxies tell of a request, as applications behind CGI and WSGI read them.
fn hops() -> Vec<String> {
    let mut names: Vec<String> = HOP_HEADERS
        .iter()
        .flat_map(|name| spelt(&name.to_ascii_lowercase(), &['-', '_']))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A name with each of these marks in the place of each `-`.
fn spelt(name: &str, marks: &[char]) -> Vec<String> {
    let mut found = vec![String::new()];
    for letter in name.chars() {
        let here = if letter == '-' { marks } else { &[letter] };
        found = found
            .iter()
            .flat_map(|begun| here.iter().map(move |mark| format!("{begun}{mark}")))
            .collect();
    }
    found
}
