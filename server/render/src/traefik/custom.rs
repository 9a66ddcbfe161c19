//! Objects of Kubernetes: `Middleware` and `IngressRoute`.

use serde_json::{Value, json};

pub(crate) use super::rule::Version;
use super::{CLEAN, Plan, Router, clean, host, middleware};
use crate::front;
use crate::input::Input;
use crate::options::Names;
use crate::options::Options;
use crate::rendered::{RenderError, Rendered};
use crate::yaml::{self, Document};

/// Writes the objects for a generation of Traefik.
pub(crate) fn render(input: &Input, version: Version) -> Result<Rendered, RenderError> {
    let options = Options::read(&input.outpost.config)?;
    let service = Names::of(&input.outpost, &options.object_naming_template)?.object;
    let home = options.kubernetes.namespace.as_str();
    let namespace = input.site.namespace.as_deref().unwrap_or(home);
    let fronts = front::of(input)?;
    let plan = Plan::of(&fronts, input);
    let (upstream, is_example) = front::upstream(input)?;
    let group = match version {
        Version::V2 => "traefik.containo.us/v1alpha1",
        Version::V3 => "traefik.io/v1alpha1",
    };
    let object = |kind: &str, name: &str, spec: Value| {
        let name = front::folded(name);
        Document::new(json!({
            "apiVersion": group,
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        }))
    };
    let mut documents = vec![
        object("Middleware", CLEAN, clean())
            .comment(format!(
                "Traefik on Kubernetes asks an authentik outpost ({} {}).\n\
                 Requests to upgrade to anything but a websocket match no rule of an application:\n\
                 within such a tunnel nobody would ask the outpost any more.\n\
                 Applications:\n{}\
                 What clients say of themselves, and applications may believe. An empty value removes.",
                match version {
                    Version::V2 => "Traefik 2, resources of",
                    Version::V3 => "Traefik 3, resources of",
                },
                group,
                front::about(input),
            )),
    ];
    for (name, authority, port) in &plan.hosts {
        documents.push(
            object("Middleware", name, host(authority, *port))
                .comment("The host by its own name and port, whatever port the client names."),
        );
    }
    let address = format!("http://{service}.{home}:9000");
    for part in &plan.asking {
        let spec = json!({"forwardAuth": plan.forward_auth(part, &address, version)});
        let document = object("Middleware", &middleware(part), spec);
        documents.push(plan.explain(document, "/spec/forwardAuth"));
    }
    let elsewhere = (home != namespace).then_some(home);
    for router in &plan.routers {
        let route = route(router, version, &service, elsewhere, upstream.port);
        let mut spec = json!({"routes": [route]});
        if router.tls {
            spec["tls"] = json!({});
        }
        let mut document = object("IngressRoute", &router.name, spec);
        if router.is_example {
            let text = "An example: name the hosts of your applications below the domain.";
            document = document.note("/spec/routes", text);
        }
        if router.service == "application" && is_example {
            let text = "An example: the service of your application.";
            document = document.note("/spec/routes/0/services", text);
        }
        if router.tls {
            document =
                document.note("/spec/tls", "Name the certificate: secretName, or a certResolver.");
        }
        if router.service == "outpost" && home != namespace {
            let text = "In another namespace: Traefik's Kubernetes provider must allow it \
                        (allowCrossNamespace).";
            document = document.note("/spec/routes/0/services", text);
        }
        documents.push(document);
    }
    Ok(Rendered::one("traefik.yml", yaml::documents(&documents)))
}

fn route(router: &Router, version: Version, outpost: &str, home: Option<&str>, port: u16) -> Value {
    let middlewares: Vec<Value> =
        router.middlewares.iter().map(|name| json!({"name": front::folded(name)})).collect();
    let mut service = match router.service {
        "outpost" => json!({"name": outpost, "port": 9000}),
        name => json!({"name": name, "port": port}),
    };
    if let Some(home) = home.filter(|_| router.service == "outpost") {
        service["namespace"] = json!(home);
    }
    json!({
        "kind": "Rule",
        "match": router.rule(version),
        "priority": router.priority,
        "middlewares": middlewares,
        "services": [service],
    })
}
