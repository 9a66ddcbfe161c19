//! Hosts and paths.

use serde_json::{Value, json};

use crate::front::{Front, Part, Role};

/// The virtual host of a front.
pub(super) fn virtual_host(front: &Front<'_>) -> Value {
    let mut routes: Vec<Value> = front
        .own_prefixes()
        .into_iter()
        .map(|prefix| unasked(to(json!({"prefix": format!("{prefix}/")}), "outpost")))
        .collect();
    for part in &front.parts {
        match part.role {
            Role::Ask => routes.push(to(place(part), "application")),
            Role::Pass => routes.push(unasked(to(place(part), "outpost"))),
            Role::SignIn => {}
        }
    }
    if !front.has_root() {
        routes.push(unasked(json!({
            "match": {"prefix": "/"},
            "direct_response": {"status": 404},
        })));
    }
    // The client's Host may name any port; what is known is written.
    let authority = front.only_name().map(|name| format!("{name}{}", front.port_suffix()));
    if let Some(authority) = &authority {
        for route in routes.iter_mut().filter_map(|route| route.get_mut("route")) {
            route["host_rewrite_literal"] = json!(authority);
        }
    }
    let told = authority.unwrap_or_else(|| "%REQ(:AUTHORITY)%".to_owned());
    let set = |name: &str, value: String| {
        json!({
            "header": {"key": name, "value": value},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        })
    };
    json!({
        "name": front.names.first(),
        "domains": front.names,
        "routes": routes,
        "request_headers_to_add": [
            set("x-forwarded-host", told),
            set("x-forwarded-port", front.port.to_string()),
            set("x-forwarded-proto", front.scheme.as_str().to_owned()),
        ],
    })
}

fn place(part: &Part<'_>) -> Value {
    match part.base {
        "" => json!({"prefix": "/"}),
        base => json!({"path_separated_prefix": base}),
    }
}

/// A route without a limit on how long an answer takes.
fn to(place: Value, cluster: &str) -> Value {
    json!({"match": place, "route": {"cluster": cluster, "timeout": "0s"}})
}

/// A route about which the outpost is not asked.
fn unasked(mut route: Value) -> Value {
    route["typed_per_filter_config"] = json!({
        "envoy.filters.http.ext_authz": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
            "disabled": true,
        },
    });
    route
}
