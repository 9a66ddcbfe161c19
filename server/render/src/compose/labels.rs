//! Labels by which Traefik finds the outpost: core's, for the outpost's own paths and, in proxy
//! mode, for whole applications; and the middleware that other containers' routers name.

use std::collections::BTreeMap;

use outpost_decision::OUTPOST_PREFIX;
use outpost_decision::target::Scheme;

use crate::front::{self, Front, Role};
use crate::input::{Input, each_once};
use crate::kubernetes::object::spellings;
use crate::rendered::RenderError;
use crate::traefik::rule::{self, Version};

/// The labels, for an outpost whose container has this name.
///
/// # Errors
/// When a host or a path cannot be written.
pub(super) fn of(input: &Input, name: &str) -> Result<BTreeMap<String, String>, RenderError> {
    let fronts = front::of(input)?;
    let mut labels = BTreeMap::new();
    if fronts.is_empty() {
        return Ok(labels);
    }
    let service = format!("{name}-service");
    let mut put = |label: String, value: String| {
        labels.insert(format!("traefik.{label}"), value);
    };
    put("enable".to_owned(), "true".to_owned());
    let balancer = format!("http.services.{service}.loadbalancer");
    put(format!("{balancer}.server.port"), "9000".to_owned());
    put(format!("{balancer}.healthcheck.path"), format!("{OUTPOST_PREFIX}/ping"));
    put(format!("{balancer}.healthcheck.port"), "9300".to_owned());
    for (router, rule, scheme) in routers(&fronts) {
        let router = format!("http.routers.{name}-{router}");
        put(format!("{router}.rule"), rule);
        put(format!("{router}.service"), service.clone());
        if scheme == Scheme::Https {
            put(format!("{router}.tls"), "true".to_owned());
        }
    }
    let parts = fronts.iter().flat_map(|front| &front.parts);
    let asked = parts.filter(|part| part.role == Role::Ask);
    let headers = each_once(asked.flat_map(|part| &part.headers).cloned());
    if !headers.is_empty() {
        let check = format!("http.middlewares.{name}.forwardauth");
        put(format!("{check}.address"), format!("http://{name}:9000{OUTPOST_PREFIX}/auth/traefik"));
        put(format!("{check}.authResponseHeaders"), headers.join(","));
        put(format!("{check}.authResponseHeadersRegex"), spellings(&headers));
        put(format!("{check}.trustForwardHeader"), "false".to_owned());
    }
    Ok(labels)
}

/// Names, rules and schemes: one router for all own paths of a scheme, one for each application in
/// proxy mode. Traefik tries longer rules first.
fn routers(fronts: &[Front<'_>]) -> Vec<(String, String, Scheme)> {
    let mut routers = Vec::new();
    for (name, scheme) in [("router", Scheme::Https), ("router-plain", Scheme::Http)] {
        let own: Vec<String> = fronts
            .iter()
            .filter(|front| front.scheme == scheme && !front.is_example)
            .map(|front| {
                let paths = front.own_prefixes();
                let paths: Vec<_> =
                    paths.iter().map(|path| format!("PathPrefix(`{path}`)")).collect();
                format!("({}) && ({})", hosts(front), paths.join(" || "))
            })
            .collect();
        if !own.is_empty() {
            routers.push((name.to_owned(), own.join(" || "), scheme));
        }
    }
    for front in fronts {
        for part in front.parts.iter().filter(|part| part.role == Role::Pass) {
            let mut rule = format!("({})", hosts(front));
            if !part.base.is_empty() {
                rule += &format!(" && PathPrefix(`{}`)", part.base);
            }
            // A prefix, or an application called "router" would take the place of the above.
            routers.push((format!("app-{}", part.id), rule, front.scheme));
        }
    }
    routers
}

/// Any host of a front.
fn hosts(front: &Front<'_>) -> String {
    let rules = front.names.iter().map(|name| rule::host_rule(name, Version::V3));
    rules.collect::<Vec<_>>().join(" || ")
}
