//! Docker labels, as part of a Compose file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rule::Version;
use super::{CLEAN, Plan, clean, host, middleware};
use crate::front;
use crate::input::Input;
use crate::quote::Address;
use crate::rendered::{RenderError, Rendered};
use crate::yaml::Document;

/// Labels of the outpost's container, and those of the application's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    /// Routers for the outpost's own paths and for what it forwards by itself, and middlewares.
    pub(crate) outpost: BTreeMap<String, String>,
    /// Routers for applications that the outpost is asked about.
    pub(crate) application: BTreeMap<String, String>,
}

/// Writes the part of a Compose file.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let (_, is_example) = front::upstream(input)?;
    let labels = of(input)?;
    let asks = !labels.application.is_empty();
    let mut services = json!({"outpost": {"labels": compose(&labels.outpost)}});
    if asks {
        services["application"] = json!({"labels": compose(&labels.application)});
    }
    let mut document = Document::new(json!({"services": services}))
        .comment(format!(
            "Labels by which Traefik (3.1 or later, with its Docker provider) asks an authentik\n\
             outpost. A dollar sign of Traefik's stands twice, since Compose replaces single ones.\n\
             Requests to upgrade to anything but a websocket match no rule of an application: within\n\
             such a tunnel nobody would ask the outpost any more.\n\
             Applications:\n{}",
            front::about(input).trim_end()
        ))
        .note("/services/outpost", "The container of the outpost.")
        .note("/services/application", "The container of your application.");
    if is_example && asks {
        document = document.note(
            "/services/application/labels/traefik.http.services.application.loadbalancer.server.port",
            "An example: the port that your application listens on.",
        );
    }
    Ok(Rendered::one("compose.labels.yml", document.text()))
}

/// The labels as Traefik reads them.
pub(crate) fn of(input: &Input) -> Result<Labels, RenderError> {
    let fronts = front::of(input)?;
    let plan = Plan::of(&fronts, input);
    let outpost = front::outpost(input)?;
    let (upstream, _) = front::upstream(input)?;
    let mut labels = Labels::default();
    service(&mut labels.outpost, "outpost", &outpost);
    if !plan.asking.is_empty() {
        service(&mut labels.application, "application", &upstream);
    }
    for router in &plan.routers {
        let to = match router.service {
            "outpost" => &mut labels.outpost,
            _ => &mut labels.application,
        };
        let mut put = |field: &str, value: String| {
            to.insert(format!("traefik.http.routers.{}.{field}", router.name), value);
        };
        put("rule", router.rule(Version::V3));
        put("priority", router.priority.to_string());
        put("service", router.service.to_owned());
        put("middlewares", router.middlewares.join(","));
        if router.tls {
            put("tls", "true".to_owned());
        }
    }
    flatten(&mut labels.outpost, &format!("traefik.http.middlewares.{CLEAN}"), &clean());
    for (name, authority, port) in &plan.hosts {
        let name = format!("traefik.http.middlewares.{name}");
        flatten(&mut labels.outpost, &name, &host(authority, *port));
    }
    for part in &plan.asking {
        let value = plan.forward_auth(part, &outpost.url(), Version::V3);
        let name = format!("traefik.http.middlewares.{}.forwardauth", middleware(part));
        flatten(&mut labels.outpost, &name, &value);
    }
    Ok(labels)
}

fn service(labels: &mut BTreeMap<String, String>, name: &str, at: &Address) {
    labels.insert("traefik.enable".to_owned(), "true".to_owned());
    let server = format!("traefik.http.services.{name}.loadbalancer.server");
    labels.insert(format!("{server}.port"), at.port.to_string());
    if at.tls {
        labels.insert(format!("{server}.scheme"), "https".to_owned());
    }
}

/// A value as labels: members behind dots, lists behind commas.
fn flatten(labels: &mut BTreeMap<String, String>, name: &str, value: &Value) {
    let text = match value {
        Value::Object(members) => {
            for (member, value) in members {
                flatten(labels, &format!("{name}.{}", member.to_ascii_lowercase()), value);
            }
            return;
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(scalar).collect();
            items.join(",")
        }
        other => scalar(other),
    };
    labels.insert(name.to_owned(), text);
}

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As a Compose file has them.
fn compose(labels: &BTreeMap<String, String>) -> Value {
    labels.iter().map(|(name, value)| (name.clone(), json!(value.replace('$', "$$")))).collect()
}
