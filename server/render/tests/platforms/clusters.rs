//! Applications beside an outpost on Kubernetes, and the set-ups that people published.

use outpost_render::Input;
use serde_json::json;

use crate::cases::{self, application, input};

/// Every kind, by name.
pub(crate) fn all() -> Vec<(&'static str, Input)> {
    let mut domain = input(vec![application(
        2,
        "domain",
        "forward_domain",
        "https://auth.example.com",
        json!({"cookie_domain": "example.com"}),
    )]);
    domain.site.namespace = Some("apps".to_owned());
    domain.site.hosts = vec!["wiki.example.com".to_owned(), "chat.example.com".to_owned()];
    let mut together = input(vec![
        application(1, "a_b", "forward_single", "https://one.example.com", json!({})),
        application(2, "a-b", "forward_single", "https://two.example.com:8443", json!({})),
        application(3, "7zip", "proxy", "https://three.example.com", json!({})),
    ]);
    together.outpost.config = json!({
        "kubernetes_ingress_class_name": "internal",
        "kubernetes_httproute_parent_refs": [{"name": "public", "namespace": "gateways"}],
        "kubernetes_httproute_annotations": {"example.com/owner": "sso"},
    })
    .as_object()
    .cloned()
    .unwrap_or_default();
    together.site.upstream = "https://app:8443".parse().ok();
    let mut many = input(vec![application(
        2,
        "domain",
        "forward_domain",
        "https://auth.example.com",
        json!({"cookie_domain": "example.com"}),
    )]);
    many.site.hosts = (1..=17).map(|number| format!("app{number}.example.com")).collect();
    // Names of objects that would be those of the outpost's own paths.
    let mut alike = input(vec![
        application(1, "a", "forward_single", "https://one.example.com", json!({})),
        application(2, "a-outpost", "forward_single", "https://two.example.com", json!({})),
    ]);
    alike.site.upstream = "http://app:8080".parse().ok();
    let mut all = cases::all();
    all.extend([
        ("domain_of_17_hosts", many),
        ("named_alike", alike),
        ("april_2026", april_2026()),
        ("ingress_of_2021_5", ingress_of_2021_5()),
        ("domain_apart", domain),
        ("several", together),
    ]);
    for (_, input) in &mut all {
        // An address is no Service.
        if input.site.upstream.as_ref().is_some_and(|url| url.domain().is_none()) {
            input.site.upstream = "http://app:3000".parse().ok();
        }
        input.site.version = "1.2.3".to_owned();
        if input.outpost.name.is_empty() {
            input.outpost.name = "proxy".to_owned();
        }
    }
    all
}

/// The write-up of April 2026: n8n in one namespace, the outpost in another, ingress-nginx of RKE2,
/// which refuses snippets. Ours corrects its unescaped `rd` and its incomplete list of headers.
fn april_2026() -> Input {
    let mut input =
        input(vec![application(1, "n8n", "forward_single", "https://app.djieno.com", json!({}))]);
    input.outpost.name = "Proxy Outpost".to_owned();
    input.outpost.config = json!({
        "kubernetes_namespace": "authentik-prd",
        "kubernetes_ingress_class_name": "nginx",
    })
    .as_object()
    .cloned()
    .unwrap_or_default();
    input.site.namespace = Some("n8n-prd".to_owned());
    input.site.upstream = "http://n8n:5678".parse().ok();
    input
}

/// The Ingress published for 2021.5, with the compatibility switch: its paths lead to the outpost,
/// and its headers reach the application, beside today's.
fn ingress_of_2021_5() -> Input {
    let old = json!({"akprox": true});
    input(vec![application(1, "app", "forward_single", "https://app.example.com", old)])
}
