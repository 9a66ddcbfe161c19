//! Traefik: `forwardAuth`, as a file of its own, as Docker labels, as objects of Kubernetes.
//!
//! `trustForwardHeader` is off: Traefik then tells the outpost of the request that it has itself
//! received and routed, whatever its entry points believe.

pub(crate) mod custom;
pub(crate) mod labels;
pub(crate) mod rule;

use outpost_decision::headers::is_identity_name;
use outpost_decision::target::Scheme;
use serde_json::{Map, Value, json};

use crate::front::{self, Front, HOP_HEADERS, HTTP2_SETTINGS, Part, Role};
use crate::input::Input;
use crate::rendered::{RenderError, Rendered};
use crate::yaml::Document;
use rule::Version;

/// Path of the check.
const CHECK: &str = "/outpost.goauthentik.io/auth/traefik";

/// Name of the middleware that takes away what clients say of themselves.
const CLEAN: &str = "outpost-clean";

/// The outpost's own paths come before any application.
const OWN_PRIORITY: usize = 10_000;

/// Applications with a longer path come first.
const PRIORITY: usize = 1000;

/// What hosts that are named have above wildcards.
const NAMED: usize = 4000;

/// Writes the dynamic configuration.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let fronts = front::of(input)?;
    let plan = Plan::of(&fronts, input);
    let outpost = front::outpost(input)?;
    let (upstream, is_example) = front::upstream(input)?;
    let server = |url: String| json!({"loadBalancer": {"servers": [{"url": url}]}});

    let mut routers = Map::new();
    for router in &plan.routers {
        let mut value = json!({
            "rule": router.rule(Version::V3),
            "priority": router.priority,
            "service": router.service,
            "middlewares": router.middlewares,
        });
        if router.tls {
            value["tls"] = json!({});
        }
        routers.insert(router.name.clone(), value);
    }
    let mut middlewares = Map::new();
    middlewares.insert(CLEAN.to_owned(), clean());
    for (name, authority, port) in &plan.hosts {
        middlewares.insert(name.clone(), host(authority, *port));
    }
    for part in &plan.asking {
        let value = json!({"forwardAuth": plan.forward_auth(part, &outpost.url(), Version::V3)});
        middlewares.insert(middleware(part), value);
    }
    let mut services = Map::new();
    services.insert("outpost".to_owned(), server(outpost.url()));
    if !plan.asking.is_empty() {
        services.insert("application".to_owned(), server(upstream.url()));
    }
    let mut value = json!({
        "http": {"routers": routers, "middlewares": middlewares, "services": services},
    });
    if let Some((certificate, key)) = front::tls(input)? {
        value["tls"] = json!({"certificates": [{"certFile": certificate, "keyFile": key}]});
    }
    let mut document = Document::new(value)
        .comment(format!(
            "Traefik in front of applications that an authentik outpost guards: a file for the\n\
             folder that providers.file.directory names (Traefik 3.1 or later).\n\
             Requests to upgrade to anything but a websocket match no rule of an application: within\n\
             such a tunnel nobody would ask the outpost any more.\n\
             Applications:\n{}",
            front::about(input).trim_end()
        ))
        .note(
            format!("/http/middlewares/{CLEAN}"),
            "What clients say of themselves, and applications may believe. An empty value removes.",
        );
    for part in &plan.asking {
        document =
            plan.explain(document, &format!("/http/middlewares/{}/forwardAuth", middleware(part)));
    }
    for router in plan.routers.iter().filter(|router| router.is_example) {
        document = document.note(
            format!("/http/routers/{}", router.name),
            "An example: name the hosts of your applications below the domain.",
        );
    }
    if is_example {
        document =
            document.note("/http/services/application", "An example: where your application is.");
    }
    Ok(Rendered::one("outpost.yml", document.text()))
}

/// Everything that the three ways of writing have in common.
struct Plan<'a> {
    routers: Vec<Router>,
    /// Applications that the outpost is asked about; each once.
    asking: Vec<&'a Part<'a>>,
    /// Middlewares that say the host, and the authority and the port each of them says.
    hosts: Vec<(String, String, u16)>,
    /// Whether TLS ends in front of Traefik, so that the scheme is known by a header alone.
    tls_in_front: bool,
}

/// Requests and where they go.
struct Router {
    name: String,
    hosts: Vec<String>,
    paths: Vec<rule::Path>,
    priority: usize,
    middlewares: Vec<String>,
    service: &'static str,
    /// Whether it is left to the service which upgrades it takes; else websockets alone pass.
    upgrades: bool,
    tls: bool,
    is_example: bool,
}

impl Router {
    fn rule(&self, version: Version) -> String {
        let rule = rule::of(&self.hosts, &self.paths, version);
        if self.upgrades { rule } else { rule::websockets_alone(&rule, version) }
    }
}

impl<'a> Plan<'a> {
    fn of(fronts: &'a [Front<'a>], input: &Input) -> Self {
        let has_files = input.site.tls.is_some();
        let mut plan = Plan {
            routers: Vec::new(),
            asking: Vec::new(),
            hosts: Vec::new(),
            tls_in_front: false,
        };
        for front in fronts {
            let tls = front.scheme == Scheme::Https && (has_files || input.site.listen.is_none());
            plan.tls_in_front |= front.scheme == Scheme::Https && !tls;
            let Some(first) = front.parts.first() else { continue };
            // A host by itself comes before a wildcard that covers it.
            let above = if front.has_wildcard() { 0 } else { NAMED };
            let mut before = vec![CLEAN.to_owned()];
            if let Some(name) = front.only_name() {
                let authority = format!("{name}{}", front.port_suffix());
                let named = format!("host-{}", plan.hosts.len() + 1);
                before.push(named.clone());
                plan.hosts.push((named, authority, front.port));
            }
            let own = front.own_prefixes().into_iter().map(rule::Path::Below).collect();
            plan.routers.push(Router {
                name: plan.unused(format!("outpost-{}", first.id)),
                hosts: front.names.clone(),
                paths: own,
                priority: OWN_PRIORITY + above,
                middlewares: before.clone(),
                service: "outpost",
                upgrades: true,
                tls,
                is_example: front.is_example,
            });
            for part in &front.parts {
                let mut middlewares = before.clone();
                let service = match part.role {
                    Role::Ask => {
                        middlewares.push(middleware(part));
                        "application"
                    }
                    Role::Pass => "outpost",
                    Role::SignIn => continue,
                };
                if part.role == Role::Ask && !plan.asking.iter().any(|known| known.id == part.id) {
                    plan.asking.push(part);
                }
                let paths = match part.base {
                    "" => Vec::new(),
                    base => vec![
                        rule::Path::Exactly(base.to_owned()),
                        rule::Path::Below(base.to_owned()),
                    ],
                };
                plan.routers.push(Router {
                    name: plan.unused(part.id.clone()),
                    hosts: front.names.clone(),
                    paths,
                    priority: PRIORITY + above + part.base.len(),
                    middlewares,
                    service,
                    upgrades: part.role == Role::Pass,
                    tls,
                    is_example: front.is_example,
                });
            }
        }
        plan
    }

    /// A router's name that no other has.
    fn unused(&self, wanted: String) -> String {
        let taken = |name: &str| {
            let name = front::folded(name);
            self.routers.iter().any(|router| front::folded(&router.name) == name)
        };
        front::unused(wanted, taken)
    }

    /// The `forwardAuth` of an application.
    fn forward_auth(&self, part: &Part<'_>, outpost: &str, version: Version) -> Value {
        let mut value = json!({
            "address": format!("{outpost}{CHECK}"),
            "trustForwardHeader": self.tls_in_front,
            "authResponseHeaders": part.headers,
            "authResponseHeadersRegex": aliases(&part.headers),
        });
        if version == Version::V3 {
            let cookie = &part.application.provider.cookie.name;
            value["addAuthCookiesToResponse"] = json!([cookie]);
        }
        value
    }

    /// Says in comments why it is so.
    fn explain(&self, document: Document, at: &str) -> Document {
        let trust = if self.tls_in_front {
            "TLS ends in front of Traefik: its entry point must name that proxy in \
             forwardedHeaders.trustedIPs, and nobody else."
        } else {
            "The outpost is told of the request that Traefik has routed, not of what it claims."
        };
        document
            .note(format!("{at}/trustForwardHeader"), trust)
            .note(
                format!("{at}/authResponseHeaders"),
                "All of them: each overwrites what the client sent.",
            )
            .note(
                format!("{at}/authResponseHeadersRegex"),
                "Other spellings that applications take for the same, in a client's request.",
            )
            .note(format!("{at}/addAuthCookiesToResponse"), "For those who sign in with a header.")
    }
}

/// The middleware of an application. No other of ours begins so.
fn middleware(part: &Part<'_>) -> String {
    format!("auth-{}", part.id)
}

/// The middleware [`CLEAN`].
fn clean() -> Value {
    let removed: Map<String, Value> = HOP_HEADERS
        .into_iter()
        .chain([HTTP2_SETTINGS])
        .map(|n| (n.to_owned(), json!("")))
        .collect();
    json!({"headers": {"customRequestHeaders": removed}})
}

/// The middleware that says host and port by the names of the configuration: the client's `Host`
/// may name any port.
fn host(authority: &str, port: u16) -> Value {
    json!({"headers": {"customRequestHeaders": {
        "Host": authority,
        "X-Forwarded-Host": authority,
        "X-Forwarded-Port": port.to_string(),
    }}})
}

/// A regular expression for every spelling of the headers.
fn aliases(headers: &[String]) -> String {
    // With dashes alone, names of the other kinds are removed or set by Traefik itself.
    let hops =
        "x([_.](forwarded|original|real|rewrite)[-_.]|-(forwarded|original|real|rewrite)[_.]).+";
    let mut words = vec!["x[-_.]authentik[-_.].+".to_owned(), hops.to_owned()];
    let others = headers.iter().filter(|name| !is_identity_name(name) && name.contains('-'));
    words.extend(others.map(|name| name.to_ascii_lowercase().replace('-', "[-_.]")));
    format!("(?i)^({})$", words.join("|"))
}
