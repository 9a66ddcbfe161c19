//! Configuration in the words published for the outpost of 2021.5 (contract 16), for set-ups that
//! keep them: it needs the switch `compat.akprox`. Today's targets are better in every way; with
//! the switch on they serve the old paths as well.

use outpost_decision::headers::AKPROX_NAMES;
use outpost_decision::provider::Mode;
use serde_json::{Value, json};

use crate::front::{self, Front};
use crate::input::Input;
use crate::lines::Lines;
use crate::options::{Names, Options};
use crate::quote;
use crate::rendered::{RenderError, Rendered};
use crate::yaml::{self, Document};

/// The port of that time, on Kubernetes.
const PORT: u16 = 4180;

/// What Traefik asks.
const TRAEFIK_CHECK: &str = "/akprox/auth?traefik";

/// Name of Traefik's middleware, as published.
const MIDDLEWARE: &str = "authentik";

/// Locations for a server of nginx.
pub(crate) fn nginx(input: &Input) -> Result<Rendered, RenderError> {
    let front = only(input)?;
    let outpost = front::outpost(input)?;
    let mut out = Lines::default();
    out.comment(&format!(
        "nginx as published for the outpost of 2021.5: goes into the server of {}.\n\
         The outpost is told the host and no path, so no path is public, whatever the provider says.",
        front.names.join(", ")
    ));
    out.gap();
    out.comment("nginx' ingress has this variable; nginx by itself has none of the name.");
    out.put("set $escaped_request_uri $request_uri;");
    out.gap();
    out.block("location /akprox", |out| {
        out.put(format!("proxy_pass {};", outpost.url()));
        out.put("error_page 401 = @akprox_signin;");
        out.put("proxy_set_header X-Forwarded-Host $http_host;");
        out.put("auth_request_set $auth_cookie $upstream_http_set_cookie;");
        out.put("add_header Set-Cookie $auth_cookie;");
    });
    out.block("location @akprox_signin", |out| {
        out.put("internal;");
        out.put("add_header Set-Cookie $auth_cookie;");
        out.put("return 302 /akprox/start?rd=$escaped_request_uri;");
    });
    let (upstream, is_example) = front::upstream(input)?;
    out.block("location /", |out| {
        out.put("auth_request /akprox/auth?nginx;");
        out.put("error_page 401 = @akprox_signin;");
        if is_example {
            out.comment("An example: where your application is, and all your other options.");
        }
        out.put(format!("proxy_pass {};", upstream.url()));
        out.put("proxy_set_header Host $http_host;");
        out.comment("Who the user is: overwrites what the client sent.");
        for name in AKPROX_NAMES {
            let variable = name.to_ascii_lowercase().replace('-', "_");
            out.put(format!("auth_request_set $akprox_{variable} $upstream_http_{variable};"));
            out.put(format!("proxy_set_header {name} $akprox_{variable};"));
        }
    });
    Ok(Rendered::one("akprox.conf", out.finish()))
}

/// The ingress of the outpost's paths, and the annotations of the application's.
pub(crate) fn ingress(input: &Input) -> Result<Rendered, RenderError> {
    let front = only(input)?;
    let (service, namespace) = service(input)?;
    let host = only_name(&front)?;
    let origin = format!("{}://{host}{}", front.scheme.as_str(), front.port_suffix());
    let own = Document::new(json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": service, "namespace": namespace},
        "spec": {"rules": [{"host": host, "http": {"paths": [{
            "path": "/akprox",
            "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": PORT}}},
        }]}}]},
    }))
    .comment(
        "nginx' ingress as published for the outpost of 2021.5. This ingress handles checks and the \
         sign-in.",
    );
    let annotation = |name: &str| format!("nginx.ingress.kubernetes.io/{name}");
    let annotations: Value = [
        ("auth-url", format!("{origin}/akprox/auth?nginx")),
        ("auth-signin", format!("{origin}/akprox/start?rd=$escaped_request_uri")),
        ("auth-response-headers", AKPROX_NAMES.join(",")),
        ("auth-snippet", "proxy_set_header X-Forwarded-Host $http_host;\n".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (annotation(name), json!(value)))
    .collect();
    let yours = Document::new(json!({"metadata": {"annotations": annotations}})).comment(
        "Add these annotations to the ingress of your application. A controller that forbids \
         snippets takes what the target ingress-nginx writes.",
    );
    Ok(Rendered::one("akprox.yml", yaml::documents(&[own, yours])))
}

/// Traefik's dynamic configuration.
pub(crate) fn traefik(input: &Input) -> Result<Rendered, RenderError> {
    let front = only(input)?;
    let host = only_name(&front)?;
    let outpost = front::outpost(input)?.url();
    let (upstream, _) = front::upstream(input)?;
    let server = |url: String| json!({"loadBalancer": {"servers": [{"url": url}]}});
    let document = Document::new(json!({"http": {
        "middlewares": {MIDDLEWARE: forward_auth(&outpost)},
        "routers": {
            "default-router": {
                "rule": format!("Host(`{host}`)"),
                "middlewares": [MIDDLEWARE],
                "priority": 10,
                "service": "application",
            },
            "default-router-auth": {
                "rule": own_rule(host),
                "priority": 15,
                "service": "outpost",
            },
        },
        "services": {
            "application": server(upstream.url()),
            "outpost": server(outpost),
        },
    }}))
    .comment(
        "Traefik as published for the outpost of 2021.5: a file of its dynamic configuration.",
    );
    Ok(Rendered::one("akprox.yml", document.text()))
}

/// Docker labels for Traefik.
pub(crate) fn labels(input: &Input) -> Result<Rendered, RenderError> {
    let front = only(input)?;
    let host = only_name(&front)?;
    let outpost = front::outpost(input)?;
    let auth = format!("traefik.http.middlewares.{MIDDLEWARE}.forwardauth");
    let router = |name: &str, field: &str| format!("traefik.http.routers.{name}.{field}");
    let mut names = vec!["Set-Cookie"];
    names.extend(AKPROX_NAMES);
    let document = Document::new(json!({"services": {
        "authentik_proxy": {"labels": {
            "traefik.enable": "true",
            "traefik.http.services.authentik.loadbalancer.server.port": outpost.port.to_string(),
            router("authentik", "rule"): own_rule(host),
            router("authentik", "service"): "authentik",
            format!("{auth}.address"): format!("{}{TRAEFIK_CHECK}", outpost.url()),
            format!("{auth}.trustForwardHeader"): "true",
            format!("{auth}.authResponseHeaders"): names.join(","),
        }},
        "application": {"labels": {
            "traefik.enable": "true",
            router("application", "rule"): format!("Host(`{host}`)"),
            router("application", "middlewares"): format!("{MIDDLEWARE}@docker"),
        }},
    }}))
    .comment("Docker labels for Traefik as published for the outpost of 2021.5.");
    Ok(Rendered::one("akprox.yml", document.text()))
}

/// Traefik's objects of Kubernetes.
pub(crate) fn custom(input: &Input) -> Result<Rendered, RenderError> {
    let front = only(input)?;
    let host = only_name(&front)?;
    let (service, namespace) = service(input)?;
    let middleware = Document::new(json!({
        "apiVersion": "traefik.containo.us/v1alpha1",
        "kind": "Middleware",
        "metadata": {"name": MIDDLEWARE, "namespace": namespace},
        "spec": forward_auth(&format!("http://{service}:{PORT}")),
    }))
    .comment("Traefik's resources as published for the outpost of 2021.5.");
    let route = Document::new(json!({"spec": {"routes": [
        {
            "kind": "Rule",
            "match": format!("Host(`{host}`)"),
            "middlewares": [{"name": MIDDLEWARE}],
            "priority": 10,
            "services": [],
        },
        {
            "kind": "Rule",
            "match": own_rule(host),
            "priority": 15,
            "services": [{"kind": "Service", "name": service, "port": PORT}],
        },
    ]}}))
    .comment("Add the following to your IngressRoute.")
    .note("/spec/routes/0/services", "Yours, unchanged.");
    Ok(Rendered::one("akprox.yml", yaml::documents(&[middleware, route])))
}

fn forward_auth(outpost: &str) -> Value {
    let mut names = vec!["Set-Cookie"];
    names.extend(AKPROX_NAMES);
    json!({"forwardAuth": {
        "address": format!("{outpost}{TRAEFIK_CHECK}"),
        "trustForwardHeader": true,
        "authResponseHeaders": names,
    }})
}

fn own_rule(host: &str) -> String {
    format!("Host(`{host}`) && PathPrefix(`/akprox/`)")
}

/// Name and namespace of the outpost's service.
fn service(input: &Input) -> Result<(String, String), RenderError> {
    let options = Options::read(&input.outpost.config)?;
    let name = Names::of(&input.outpost, &options.object_naming_template)?.object;
    Ok((name, options.kubernetes.namespace))
}

/// The only application: the snippets of that time are for one.
fn only(input: &Input) -> Result<Front<'_>, RenderError> {
    let [application] = input.applications.as_slice() else {
        let problem = "this form is for one application: name it with --provider".to_owned();
        return Err(RenderError::Site { what: "provider", problem });
    };
    let provider = &application.provider;
    let refuse = |problem: &str| {
        let provider = quote::comment(&provider.name);
        Err(RenderError::Provider { provider, problem: problem.to_owned() })
    };
    if !provider.akprox {
        return refuse("the paths of 2021.5 are not served: switch compat.akprox on");
    }
    if provider.mode != Mode::ForwardSingle {
        return refuse("the form of 2021.5 is for mode forward_single");
    }
    let mut fronts = front::of(input)?;
    match fronts.pop() {
        Some(front) if front.has_root() && !front.has_wildcard() => Ok(front),
        _ => refuse("the form of 2021.5 is for the whole of one host"),
    }
}

fn only_name<'a>(front: &'a Front<'_>) -> Result<&'a str, RenderError> {
    front.only_name().ok_or(RenderError::NoApplication)
}
