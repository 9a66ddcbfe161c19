//! The hosts and paths that lead to the outpost: Ingress and HTTPRoute.

use std::collections::{BTreeMap, BTreeSet};

use outpost_decision::provider::{Mode, Provider};
use outpost_decision::target::Scheme;
use serde_json::{Map, Value, json};

use super::plan::Plan;
use crate::cluster::{ROUTE_HOSTS, ROUTE_MATCHES};
use crate::options::is_subdomain;
use crate::place::outpost_paths;
use crate::yaml::Document;

/// What each host sends to the outpost.
#[derive(Default)]
struct Hosts {
    /// Paths by host, sorted.
    paths: BTreeMap<String, BTreeSet<String>>,
    /// Those that browsers reach over TLS.
    tls: BTreeSet<String>,
    /// External hosts that no Ingress can name.
    left_out: Vec<String>,
}

fn hosts(plan: &Plan<'_>) -> Hosts {
    let mut hosts = Hosts::default();
    for application in &plan.input.applications {
        let provider = &application.provider;
        let Some(host) = host(provider) else {
            hosts.left_out.push(provider.external.origin());
            continue;
        };
        if provider.external.scheme == Scheme::Https {
            hosts.tls.insert(host.clone());
        }
        hosts.paths.entry(host).or_default().extend(outpost_paths(provider));
    }
    hosts
}

/// The host of a provider as Kubernetes takes it: a name, not an address.
pub(crate) fn host(provider: &Provider) -> Option<String> {
    let host = &provider.external.authority.host;
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_address = name.parse::<std::net::Ipv4Addr>().is_ok();
    (is_subdomain(name) && !is_address).then(|| host.as_ref().to_owned())
}

/// The Ingress, where there is a host for it.
pub(super) fn ingress(plan: &Plan<'_>) -> Option<Document> {
    let hosts = hosts(plan);
    if hosts.paths.is_empty() {
        return None;
    }
    let options = &plan.options.kubernetes;
    let path_type = &options.ingress_path_type;
    let backend = json!({"service": {"name": plan.names.object, "port": {"name": "http"}}});
    let rules: Vec<Value> = hosts
        .paths
        .iter()
        .map(|(host, paths)| {
            let paths: Vec<Value> = paths
                .iter()
                .map(|path| json!({"path": path, "pathType": path_type, "backend": backend}))
                .collect();
            json!({"host": host, "http": {"paths": paths}})
        })
        .collect();
    let mut spec = json!({"rules": rules});
    if let Some(class) = &options.ingress_class_name {
        spec["ingressClassName"] = class.as_str().into();
    }
    match &options.ingress_secret_name {
        Some(secret) if !hosts.tls.is_empty() => {
            spec["tls"] = json!([{"hosts": hosts.tls, "secretName": secret}]);
        }
        _ => {}
    }
    let mut metadata = plan.metadata(&plan.names.object);
    metadata["annotations"] = annotations(plan).into();
    let mut comment = "Hosts and paths that belong to the outpost: all of an application in proxy \
                       mode, else where people sign in and out."
        .to_owned();
    for origin in &hosts.left_out {
        comment += &format!("\nLeft out, since an Ingress needs a host name: {origin}");
    }
    if !options.httproute_parent_refs.is_empty() {
        comment += "\nThe same is in httproute.yaml: write \"ingress\" into the option \
                    kubernetes_disabled_components if the gateway is to do it.";
    }
    // Core's default stays: current versions of ingress-nginx take it, and ImplementationSpecific
    // means what each controller takes it for, exact paths with some.
    if path_type == "Prefix" {
        comment += "\nWhere ingress-nginx (1.12, early 1.13) refuses a path with dots as Prefix, set \
                    the option kubernetes_ingress_path_type to ImplementationSpecific.";
    }
    let mut document = Document::new(json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": spec,
    }));
    let size = "/metadata/annotations/nginx.ingress.kubernetes.io~1proxy-buffer-size";
    document = document.comment(comment).note(
        size,
        "Answers of the outpost carry cookies and, in proxy mode, whatever the application sends.",
    );
    let body = "/metadata/annotations/nginx.ingress.kubernetes.io~1proxy-body-size";
    document
        .note(body, "Uploads of any size, streams and websockets for applications in proxy mode.")
        .into()
}

/// Core's annotations for large headers and TLS, then the operator's. Core's sticky sessions are
/// left out: replicas share theirs, and a check of forward auth never comes through the Ingress.
fn annotations(plan: &Plan<'_>) -> Map<String, Value> {
    let mut annotations: Vec<(String, String)> = [
        ("nginx.ingress.kubernetes.io/proxy-buffer-size", "32k"),
        ("nginx.ingress.kubernetes.io/proxy-buffers-number", "4"),
        ("traefik.ingress.kubernetes.io/router.tls", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let forwards = plan.input.applications.iter().any(|a| a.provider.mode == Mode::Proxy);
    if forwards {
        for (name, value) in [
            ("proxy-body-size", "0"),
            ("proxy-read-timeout", "3600"),
            ("proxy-request-buffering", "off"),
            ("proxy-send-timeout", "3600"),
        ] {
            annotations.push((format!("nginx.ingress.kubernetes.io/{name}"), value.to_owned()));
        }
    }
    let wanted = plan.options.kubernetes.ingress_annotations.iter();
    annotations.extend(wanted.map(|(name, value)| (name.clone(), value.clone())));
    annotations.into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// HTTPRoutes: one for each set of paths, since a rule counts for every host of its route. Core
/// makes one, with matches of the header `Host`, which gateways need not support.
pub(super) fn routes(plan: &Plan<'_>) -> Vec<Document> {
    let options = &plan.options.kubernetes;
    if options.httproute_parent_refs.is_empty() {
        return Vec::new();
    }
    let mut by_paths: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for (host, paths) in hosts(plan).paths {
        by_paths.entry(paths.into_iter().collect()).or_default().push(host);
    }
    // The one with nothing but the outpost's own paths takes the place of core's.
    let mut groups: Vec<_> = by_paths.into_iter().collect();
    groups.sort_by_key(|(paths, _)| (paths.iter().any(|path| path == "/"), paths.len()));
    let groups = groups.iter().flat_map(|(paths, hosts)| {
        let hosts = hosts.chunks(ROUTE_HOSTS);
        hosts.flat_map(|hosts| paths.chunks(ROUTE_MATCHES).map(move |paths| (paths, hosts)))
    });
    let mut documents = Vec::new();
    for (index, (paths, hosts)) in groups.enumerate() {
        let name = match index {
            0 => plan.names.object.clone(),
            _ => format!("{}-{}", plan.names.object, index + 1),
        };
        let mut metadata = plan.metadata(&name);
        if !options.httproute_annotations.is_empty() {
            metadata["annotations"] = json!(options.httproute_annotations);
        }
        let matches: Vec<Value> = paths
            .iter()
            .map(|path| json!({"path": {"type": "PathPrefix", "value": path}}))
            .collect();
        documents.push(Document::new(json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": metadata,
            "spec": {
                "parentRefs": options.httproute_parent_refs,
                "hostnames": hosts,
                "rules": [{
                    "matches": matches,
                    "backendRefs": [{"name": plan.names.object, "port": 9000}],
                }],
            },
        })));
    }
    documents
}
