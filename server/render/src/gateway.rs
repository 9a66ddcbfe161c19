//! The Gateway API: routes for the outpost's own paths, and the check as a policy of Envoy Gateway.

use outpost_decision::OUTPOST_PREFIX;
use serde_json::{Value, json};

use crate::cluster::{COPIED, Cluster, PORT, ROUTE_HOSTS, ROUTE_MATCHES, envoy_path, numbered};
use crate::front::{Front, HOP_HEADERS, Part, Role};
use crate::input::Input;
use crate::rendered::{RenderError, Rendered};
use crate::told::TOLD;
use crate::yaml::{self, Document};

const GROUP: &str = "gateway.networking.k8s.io";

/// Writes the routes and the policies.
///
/// # Errors
/// When something cannot be named on Kubernetes.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let cluster = Cluster::of(input)?;
    cluster.refuse_additional("Envoy Gateway")?;
    let asks = cluster.asked().next().is_some();
    let mut documents = Vec::new();
    if cluster.is_apart() {
        documents.push(grant(&cluster, asks));
    }
    for host in cluster.hosts() {
        documents.extend(own(&cluster, host.front, host.own));
        for (part, title) in host.parts.iter().filter(|(part, _)| part.role == Role::Ask) {
            for (index, hosts) in host.front.names.chunks(ROUTE_HOSTS).enumerate() {
                let name = numbered(title, index);
                documents.push(application(&cluster, host.front, part, (title, &name), hosts)?);
                documents.push(policy(&cluster, part, &name));
            }
        }
    }
    let mut intro = format!(
        "The Gateway API in front of the outpost {} (namespace {}), for:\n{}\
         kubectl apply -f gateway.yaml",
        cluster.outpost,
        cluster.home,
        crate::front::about(input),
    );
    if asks {
        intro += "\nThe API has no check of its own: the SecurityPolicies are Envoy Gateway's. It \
                  refuses headers with _ by itself (withUnderscoresAction), which applications would \
                  take for the outpost's: leave that as it is. With another gateway take its own \
                  means to ask http://";
        intro += &format!("{}:{PORT}{OUTPOST_PREFIX}/auth/...", cluster.host());
    }
    Ok(Rendered::one("gateway.yaml", yaml::file(&intro, &documents)))
}

/// Lets routes and policies beside the applications name the outpost's Service.
fn grant(cluster: &Cluster<'_>, asks: bool) -> Document {
    let mut from = vec![json!({
        "group": GROUP, "kind": "HTTPRoute", "namespace": cluster.namespace,
    })];
    if asks {
        from.push(json!({
            "group": "gateway.envoyproxy.io",
            "kind": "SecurityPolicy",
            "namespace": cluster.namespace,
        }));
    }
    let name = format!("{}-{}", cluster.outpost, cluster.namespace);
    Document::new(json!({
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {
            "name": name,
            "namespace": cluster.home,
            "labels": {"app.kubernetes.io/part-of": cluster.outpost},
        },
        "spec": {
            "from": from,
            "to": [{"group": "", "kind": "Service", "name": cluster.outpost}],
        },
    }))
    .comment("The outpost lives in another namespace: its own has to allow that it is named.")
}

/// What goes to the outpost: its own paths, and applications in proxy mode.
fn own(cluster: &Cluster<'_>, front: &Front<'_>, name: &str) -> Vec<Document> {
    let passed = front.parts.iter().filter(|part| part.role == Role::Pass);
    let mut paths: Vec<String> = passed
        .map(|part| if part.base.is_empty() { "/".to_owned() } else { part.base.to_owned() })
        .collect();
    if !paths.iter().any(|path| path == "/") {
        paths.extend(front.own_prefixes());
    }
    let matches: Vec<Value> =
        paths.iter().map(|path| json!({"path": {"type": "PathPrefix", "value": path}})).collect();
    let of = |(index, (hosts, matches)): (usize, (&[String], &[Value]))| {
        let rules = json!([{
            "matches": matches,
            "filters": [untold()],
            "backendRefs": [outpost(cluster)],
        }]);
        route(cluster, hosts, &numbered(name, index), &rules).comment(
            "What belongs to the outpost: all of an application in proxy mode, else where people \
             sign in and out.",
        )
    };
    let hosts = front.names.chunks(ROUTE_HOSTS);
    let both =
        hosts.flat_map(|hosts| matches.chunks(ROUTE_MATCHES).map(move |matches| (hosts, matches)));
    both.enumerate().map(of).collect()
}

/// Takes away what no gateway and no outpost has said of a request: applications may believe it.
/// The check comes first, and is told none of it.
fn untold() -> Value {
    json!({"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": HOP_HEADERS}})
}

/// The application's route.
fn application(
    cluster: &Cluster<'_>,
    front: &Front<'_>,
    part: &Part<'_>,
    (title, name): (&str, &str),
    hosts: &[String],
) -> Result<Document, RenderError> {
    let app = cluster.backend(title)?;
    let path = if part.base.is_empty() { "/" } else { part.base };
    let rules = json!([{
        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
        "filters": [untold()],
        "backendRefs": [{"name": app.name, "port": app.port}],
    }]);
    let mut text =
        "The application. If it has a route already, name that one in the policy.".to_owned();
    if front.is_example {
        text += "\nFILL IN: one like this for each host below the domain.";
    }
    if app.is_example {
        text += "\nFILL IN: the Service of the application, and its port.";
    }
    if app.tls {
        text += "\nIt speaks TLS: say so with a BackendTLSPolicy.";
    }
    Ok(route(cluster, hosts, name, &rules).comment(text).note(
        "/spec/rules/0/filters",
        "What clients say of a request in the words of proxies, and applications may believe: \
         another path than the one that was checked.",
    ))
}

/// The check of the application's route.
fn policy(cluster: &Cluster<'_>, part: &Part<'_>, name: &str) -> Document {
    Document::new(json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "SecurityPolicy",
        "metadata": cluster.metadata(name),
        "spec": {
            "targetRefs": [{"group": GROUP, "kind": "HTTPRoute", "name": name}],
            "extAuth": {
                "failOpen": false,
                "headersToExtAuth": TOLD,
                "http": {
                    "backendRefs": [outpost(cluster)],
                    "path": envoy_path(),
                    "headersToBackend": part.headers,
                },
            },
        },
    }))
    .comment("The route's requests are checked with the outpost.")
    .note("/spec/extAuth/failOpen", "Nobody gets in while the outpost is away.")
    .note("/spec/extAuth/http/headersToBackend", COPIED)
}

fn route(cluster: &Cluster<'_>, hosts: &[String], name: &str, rules: &Value) -> Document {
    let options = &cluster.options.kubernetes;
    let mut metadata = cluster.metadata(name);
    if !options.httproute_annotations.is_empty() {
        metadata["annotations"] = json!(options.httproute_annotations);
    }
    let is_known = !options.httproute_parent_refs.is_empty();
    let parents = match is_known {
        true => json!(options.httproute_parent_refs),
        false => json!([{"name": "gateway"}]),
    };
    let document = Document::new(json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {"parentRefs": parents, "hostnames": hosts, "rules": rules},
    }));
    if is_known {
        return document;
    }
    let note = "FILL IN: your Gateway (kubernetes_httproute_parent_refs of the outpost).";
    document.note("/spec/parentRefs", note)
}

/// The outpost's Service as a backend.
fn outpost(cluster: &Cluster<'_>) -> Value {
    let mut backend = json!({"name": cluster.outpost, "port": PORT});
    if cluster.is_apart() {
        backend["namespace"] = cluster.home.as_str().into();
    }
    backend
}
