use serde_json::{Map, Value, json};

use super::naming::slug;
use super::{Names, Options};
use crate::input::Outpost;
use crate::rendered::RenderError;

fn map(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

#[test]
fn nothing_is_the_defaults_of_core() {
    let nothing = Options::read(&Map::new()).expect("read");
    assert_eq!(nothing.object_naming_template, "ak-outpost-%(name)s");
    assert!(nothing.docker_map_ports && !nothing.authentik_host_insecure);
    let kubernetes = &nothing.kubernetes;
    assert_eq!(kubernetes.replicas, 1);
    assert_eq!(kubernetes.ingress_secret_name.as_deref(), Some("authentik-outpost-tls"));
    assert_eq!(kubernetes.service_type, "ClusterIP");
    assert_eq!(kubernetes.ingress_path_type, "Prefix");
    // What core serves of an outpost that nobody touched, nulls included.
    let served = map(json!({
        "log_level": "info", "docker_labels": null, "authentik_host": "", "docker_network": null,
        "container_image": null, "docker_map_ports": true, "refresh_interval": "minutes=5",
        "kubernetes_replicas": 1, "kubernetes_namespace": "default",
        "authentik_host_browser": "", "object_naming_template": "ak-outpost-%(name)s",
        "authentik_host_insecure": false, "kubernetes_json_patches": null,
        "kubernetes_service_type": "ClusterIP", "kubernetes_ingress_path_type": null,
        "kubernetes_image_pull_secrets": [], "kubernetes_ingress_class_name": null,
        "kubernetes_disabled_components": [], "kubernetes_ingress_annotations": {},
        "kubernetes_ingress_secret_name": "authentik-outpost-tls",
        "kubernetes_httproute_annotations": {}, "kubernetes_httproute_parent_refs": [],
    }));
    assert_eq!(Options::read(&served).expect("read"), nothing);
}

#[test]
fn options_written_in_another_way_are_understood() {
    let options = Options::read(&map(json!({
        "kubernetes_replicas": " 3 ",
        "authentik_host_insecure": "True",
        "docker_map_ports": 0,
        "docker_labels": ["a=b=c", "d="],
        "kubernetes_ingress_annotations": {"a.b/c": true, "d": 10, "e": null},
        "kubernetes_disabled_components": "Secret, Prometheus ServiceMonitor,",
        "kubernetes_image_pull_secrets": "one,two",
        "kubernetes_service_type": "loadbalancer",
        "kubernetes_ingress_secret_name": "",
        "kubernetes_httproute_parent_refs": [{"name": "g", "port": "443", "namespace": null}],
        "kubernetes_json_patches": {"Deployment": [{"op": "remove", "path": "/a"}], "x": null},
    })))
    .expect("read");
    assert!(options.authentik_host_insecure && !options.docker_map_ports);
    assert_eq!(options.docker_labels["a"], "b=c");
    assert_eq!(options.docker_labels["d"], "");
    let kubernetes = options.kubernetes;
    assert_eq!(kubernetes.replicas, 3);
    assert_eq!(kubernetes.ingress_annotations["a.b/c"], "true");
    assert_eq!(kubernetes.ingress_annotations["d"], "10");
    assert_eq!(kubernetes.ingress_annotations.len(), 2);
    assert_eq!(kubernetes.disabled_components, ["secret", "prometheus servicemonitor"]);
    assert_eq!(kubernetes.image_pull_secrets, ["one", "two"]);
    assert_eq!(kubernetes.service_type, "LoadBalancer");
    assert_eq!(kubernetes.ingress_secret_name, None);
    assert_eq!(json!(kubernetes.httproute_parent_refs), json!([{"name": "g", "port": 443}]));
    assert_eq!(kubernetes.json_patches["deployment"].len(), 1);
}

#[test]
fn what_cannot_be_followed_is_said_with_what_to_write() {
    for (name, value, says) in [
        ("kubernetes_replicas", json!("many"), "whole number"),
        ("kubernetes_replicas", json!(-1), "whole number"),
        ("kubernetes_replicas", json!([1]), "whole number"),
        ("authentik_host_insecure", json!("perhaps"), "true or false"),
        ("authentik_host", json!("https://a\nb"), "one line"),
        ("kubernetes_namespace", json!("My Namespace"), "lower-case"),
        ("kubernetes_ingress_class_name", json!("nginx; evil"), "lower-case"),
        ("kubernetes_image_pull_secrets", json!(["ok", "not ok"]), "lower-case"),
        ("kubernetes_service_type", json!("ExternalName"), "ClusterIP or NodePort or LoadBalancer"),
        ("kubernetes_ingress_path_type", json!("Exact"), "Prefix or ImplementationSpecific"),
        ("kubernetes_ingress_annotations", json!([1]), "by their names"),
        ("kubernetes_ingress_annotations", json!({"a b": "c"}), "prefix/name"),
        ("kubernetes_httproute_parent_refs", json!([{"namespace": "x"}]), "list of gateways"),
        ("kubernetes_httproute_parent_refs", json!("gateway"), "list of gateways"),
        ("kubernetes_json_patches", json!([]), "by component"),
        ("kubernetes_json_patches", json!({"service": {}}), "by component"),
        ("container_image", json!("a b"), "registry/name:tag"),
        ("docker_labels", json!({"a": {}}), "by their names"),
    ] {
        let error = Options::read(&map(json!({name: value}))).expect_err(name);
        let RenderError::Option { option, problem } = &error else { panic!("{error}") };
        assert_eq!(*option, name);
        assert!(problem.contains(says), "{error}");
    }
}

/// Made with Django's `slugify` 5.2.
#[test]
fn slugs_are_those_of_core() {
    for (name, expected) in [
        ("authentik Embedded Outpost", "authentik-embedded-outpost"),
        ("Proxy  Outpost -- 2", "proxy-outpost-2"),
        ("Ünïcödé ﬁne", "unicode-fine"),
        ("_private_", "private"),
        ("a_b", "a_b"),
        ("a.b/c", "abc"),
        ("日本", ""),
        (" - x - ", "x"),
        ("½ way", "12-way"),
        ("tab\tand\nline", "tab-and-line"),
    ] {
        assert_eq!(slug(name), expected, "{name:?}");
    }
}

#[test]
fn names_follow_the_template() {
    let outpost = Outpost {
        uuid: "4C0E8E7B-1F7E-4B21-9D4A-6B0E0AC2F001".to_owned(),
        name: "Proxy Outpost".to_owned(),
        ..Outpost::default()
    };
    for (template, expected) in [
        ("ak-outpost-%(name)s", "ak-outpost-proxy-outpost"),
        ("AK_%(name)s.%(name)s", "ak-proxy-outpost-proxy-outpost"),
        ("x%(uuid)s", "x4c0e8e7b1f7e4b219d4a6b0e0ac2f001"),
        ("a%%b", "a-b"),
        ("plain", "plain"),
    ] {
        let names = Names::of(&outpost, template).expect(template);
        assert_eq!(names.object, expected, "{template}");
        assert_eq!(names.slug, "proxy-outpost");
        assert_eq!(names.uuid, "4c0e8e7b1f7e4b219d4a6b0e0ac2f001");
    }
    for template in ["%(uuid)s", "%s", "%(name)", "100%", "%%", "", &"x".repeat(64)] {
        let error = Names::of(&outpost, template).expect_err(template);
        assert!(matches!(error, RenderError::Option { option: "object_naming_template", .. }));
    }
    // A name of which nothing is left.
    let outpost = Outpost { name: "日本".to_owned(), ..outpost };
    assert_eq!(Names::of(&outpost, "ak-outpost-%(name)s").expect("a name").object, "ak-outpost");
}
