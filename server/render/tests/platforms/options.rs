//! Outposts with one option each.

use outpost_render::{Input, Secret, SecretKey};
use serde_json::{Value, json};

use crate::cases::{application, input};

/// One application of each mode, and an outpost of which core says `config`.
pub(crate) fn with(config: Value) -> Input {
    let none = || json!({});
    let mut input = input(vec![
        application(1, "grafana", "forward_single", "https://grafana.example.com", none()),
        application(
            2,
            "domain",
            "forward_domain",
            "https://auth.example.com",
            json!({"cookie_domain": "example.com"}),
        ),
        application(3, "wiki", "proxy", "https://wiki.example.com", none()),
    ]);
    input.outpost.name = "Proxy Outpost".to_owned();
    input.outpost.uuid = "4c0e8e7b-1f7e-4b21-9d4a-6b0e0ac2f001".to_owned();
    input.outpost.config = json!({
        "authentik_host": "https://authentik.example.com",
        "kubernetes_namespace": "authentik",
    })
    .as_object()
    .cloned()
    .unwrap_or_default();
    if let Value::Object(config) = config {
        input.outpost.config.extend(config);
    }
    // Goldens are not to change with each release.
    input.site.version = "1.2.3+build".to_owned();
    input
}

/// A case for every option, by name.
pub(crate) fn kubernetes() -> Vec<(&'static str, Input)> {
    let mut shared = with(json!({"kubernetes_replicas": 3}));
    shared.site.store = Some(SecretKey { name: "outpost-store".to_owned(), key: "url".to_owned() });
    shared.site.token = Some(Secret::new("the-token".to_owned()));
    let mut old = with(json!({}));
    old.applications = vec![application(
        1,
        "old",
        "forward_single",
        "https://old.example.com",
        json!({"akprox": true}),
    )];
    let mut paths = with(json!({"kubernetes_httproute_parent_refs": [{"name": "gateway"}]}));
    paths.applications = vec![
        application(1, "a", "forward_single", "https://host.example.com/a", json!({})),
        application(2, "b", "proxy", "https://host.example.com/b/", json!({})),
        application(3, "any", "forward_single", "https://*.apps.example.com", json!({})),
        application(4, "address", "proxy", "http://192.0.2.7:8000", json!({})),
    ];
    let mut many = with(json!({
        "kubernetes_httproute_parent_refs": [{"name": "gateway"}],
        "kubernetes_disabled_components": ["ingress"],
    }));
    let host = |pk: i64| {
        let external = format!("https://app{pk}.example.com");
        application(pk, &format!("app{pk}"), "forward_single", &external, json!({}))
    };
    many.applications = (1..=17).map(host).collect();
    let mut nobody = with(json!({}));
    nobody.applications.clear();
    vec![
        ("httproute_of_17_hosts", many),
        ("defaults", with(json!({}))),
        ("no_applications", nobody),
        ("shared_store", shared),
        ("akprox", old),
        ("hosts_and_paths", paths),
        ("authentik_host_empty", with(json!({"authentik_host": ""}))),
        (
            "authentik_host_browser_insecure",
            with(json!({
                "authentik_host": "http://authentik-server.authentik",
                "authentik_host_browser": "https://authentik.example.com",
                "authentik_host_insecure": true,
            })),
        ),
        ("object_naming_template", with(json!({"object_naming_template": "op-%(uuid)s"}))),
        ("container_image", with(json!({"container_image": "registry.example.com/outpost:7"}))),
        (
            "container_image_stock",
            with(json!({"container_image": "ghcr.io/goauthentik/proxy:2026.8.1"})),
        ),
        ("kubernetes_replicas", with(json!({"kubernetes_replicas": 3}))),
        ("kubernetes_namespace", with(json!({"kubernetes_namespace": "sso"}))),
        (
            "kubernetes_ingress_annotations",
            with(json!({"kubernetes_ingress_annotations": {
                "cert-manager.io/cluster-issuer": "letsencrypt",
                "nginx.ingress.kubernetes.io/proxy-buffer-size": "64k",
            }})),
        ),
        (
            "kubernetes_ingress_secret_name",
            with(json!({"kubernetes_ingress_secret_name": "wildcard-tls"})),
        ),
        (
            "kubernetes_ingress_secret_name_empty",
            with(json!({"kubernetes_ingress_secret_name": ""})),
        ),
        ("kubernetes_ingress_class_name", with(json!({"kubernetes_ingress_class_name": "nginx"}))),
        (
            "kubernetes_ingress_path_type",
            with(json!({"kubernetes_ingress_path_type": "ImplementationSpecific"})),
        ),
        (
            "kubernetes_httproute",
            with(json!({
                "kubernetes_httproute_annotations": {"example.com/owner": "sso"},
                "kubernetes_httproute_parent_refs": [
                    {"name": "public", "namespace": "gateways", "sectionName": "https"},
                ],
                "kubernetes_disabled_components": ["ingress"],
            })),
        ),
        ("kubernetes_service_type", with(json!({"kubernetes_service_type": "LoadBalancer"}))),
        (
            "kubernetes_disabled_components",
            with(json!({"kubernetes_disabled_components": [
                "secret", "ingress", "traefik middleware", "prometheus servicemonitor", "other",
            ]})),
        ),
        (
            "kubernetes_image_pull_secrets",
            with(json!({"kubernetes_image_pull_secrets": ["registry", "mirror"]})),
        ),
        (
            "kubernetes_json_patches",
            with(json!({"kubernetes_service_type": "LoadBalancer", "kubernetes_json_patches": {
                "deployment": [
                    {"op": "add", "path": "/spec/template/spec/nodeSelector",
                     "value": {"kubernetes.io/arch": "arm64"}},
                    {"op": "add", "path": "/spec/template/spec/containers/0/env/-",
                     "value": {"name": "TZ", "value": "UTC"}},
                    {"op": "replace",
                     "path": "/spec/template/spec/containers/0/resources/limits/memory",
                     "value": "1Gi"},
                ],
                "service": [{"op": "add", "path": "/spec/externalTrafficPolicy",
                             "value": "Local"}],
                "ingress": [{"op": "remove", "path": "/spec/tls"}],
                "prometheus servicemonitor": [{"op": "add",
                     "path": "/spec/endpoints/0/interval", "value": "15s"}],
                "traefik middleware": [{"op": "add",
                     "path": "/metadata/labels/team", "value": "sso"}],
            }})),
        ),
    ]
}

/// The same for Docker.
pub(crate) fn docker() -> Vec<(&'static str, Input)> {
    let mut told = with(json!({}));
    told.site.token = Some(Secret::new("the-$token".to_owned()));
    let mut old = with(json!({}));
    let more = json!({"akprox": true});
    old.applications =
        vec![application(1, "old", "forward_single", "http://old.example.com", more)];
    let mut hosts = with(json!({}));
    hosts.applications = vec![
        application(1, "a", "forward_single", "https://host.example.com/a/", json!({})),
        application(2, "b", "proxy", "https://host.example.com/b/", json!({})),
        application(3, "any", "forward_single", "https://*.apps.example.com", json!({})),
        // Would take the place of the router for the outpost's own paths.
        application(4, "router", "proxy", "https://router.example.com", json!({})),
    ];
    let mut nobody = with(json!({}));
    nobody.applications.clear();
    vec![
        ("defaults", with(json!({}))),
        ("no_applications", nobody),
        ("token", told),
        ("akprox", old),
        ("hosts_and_paths", hosts),
        ("authentik_host_empty", with(json!({"authentik_host": ""}))),
        (
            "authentik_host_browser_insecure",
            with(json!({
                "authentik_host": "http://authentik-server:9000",
                "authentik_host_browser": "https://authentik.example.com",
                "authentik_host_insecure": true,
            })),
        ),
        ("object_naming_template", with(json!({"object_naming_template": "op-%(uuid)s"}))),
        ("container_image", with(json!({"container_image": "registry.example.com/outpost:7"}))),
        (
            "container_image_stock",
            with(json!({"container_image": "ghcr.io/goauthentik/proxy:2026.8.1"})),
        ),
        ("docker_network", with(json!({"docker_network": "proxies"}))),
        ("docker_map_ports", with(json!({"docker_map_ports": false}))),
        (
            "docker_labels",
            with(json!({"docker_labels": {
                "com.example.team": "sso",
                "com.example.price": "$5 and ${HOME}",
                "traefik.enable": false,
            }})),
        ),
    ]
}
