//! Envoy: `ext_authz` over HTTP, as a whole static configuration.
//!
//! Paths are neither normalised nor merged: outpost and application see the very bytes that the
//! client sent, and decide alike.

mod cluster;
mod headers;
mod route;

use outpost_decision::target::Scheme;
use serde_json::{Value, json};

use crate::front::{self, Front};
use crate::input::Input;
use crate::rendered::{RenderError, Rendered};
use crate::yaml::Document;

/// Prefix of the path of each check; the original path follows it.
const CHECK: &str = "/outpost.goauthentik.io/auth/envoy";

/// Certificate and key as long as nobody has named any.
const EXAMPLE_TLS: (&str, &str) = ("/etc/envoy/fullchain.pem", "/etc/envoy/key.pem");

/// Writes the bootstrap file.
pub(crate) fn render(input: &Input) -> Result<Rendered, RenderError> {
    let fronts = front::of(input)?;
    let outpost = front::outpost(input)?;
    let (upstream, is_example) = front::upstream(input)?;
    let tls = front::tls(input)?;
    let asks = front::asks(&fronts);

    let listeners = group(&fronts, input);
    let values: Vec<Value> = listeners
        .iter()
        .map(|one| listener(one, tls.unwrap_or(EXAMPLE_TLS), &outpost.url()))
        .collect();
    let mut clusters = vec![cluster::of("outpost", &outpost)];
    if asks {
        clusters.push(cluster::of("application", &upstream));
    }
    let value = json!({"static_resources": {"listeners": values, "clusters": clusters}});
    let mut document = Document::new(value).comment(format!(
        "Envoy (1.35 or later) in front of applications that an authentik outpost guards. Start it\n\
         with it (envoy --config-path envoy.yaml), or take listeners and clusters over into yours.\n\
         Applications:\n{}",
        front::about(input).trim_end()
    ));
    for (index, one) in listeners.iter().enumerate() {
        document = explain(document, index, one, tls.is_some());
    }
    if is_example && asks {
        document =
            document.note("/static_resources/clusters/1", "An example: where your application is.");
    }
    Ok(Rendered::one("envoy.yaml", document.text()))
}

/// Fronts that one listener serves.
struct Listener<'a> {
    address: String,
    port: u16,
    scheme: Scheme,
    tls: bool,
    fronts: Vec<&'a Front<'a>>,
}

/// Fronts by where they listen. `http` and `https` behind one plain port have listeners that tell
/// the outpost different things: they cannot share it, and the last one is refused by Envoy.
fn group<'a>(fronts: &'a [Front<'a>], input: &Input) -> Vec<Listener<'a>> {
    let mut listeners: Vec<Listener<'a>> = Vec::new();
    for front in fronts {
        let (address, port) = match input.site.listen {
            Some(listen) => (listen.ip().to_string(), listen.port()),
            None => ("0.0.0.0".to_owned(), front.port),
        };
        let files = input.site.tls.is_some() || input.site.listen.is_none();
        let tls = front.scheme == Scheme::Https && files;
        let same = |known: &&mut Listener<'_>| {
            known.address == address && known.port == port && known.scheme == front.scheme
        };
        match listeners.iter_mut().find(same) {
            Some(known) => known.fronts.push(front),
            None => {
                let scheme = front.scheme;
                listeners.push(Listener { address, port, scheme, tls, fronts: vec![front] });
            }
        }
    }
    listeners
}

fn listener(one: &Listener<'_>, tls: (&str, &str), outpost: &str) -> Value {
    let virtual_hosts: Vec<Value> =
        one.fronts.iter().map(|front| route::virtual_host(front)).collect();
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "outpost",
        "use_remote_address": true,
        "max_request_headers_kb": 96,
        "stream_idle_timeout": "3600s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "common_http_protocol_options": {"headers_with_underscores_action": "DROP_HEADER"},
        "early_header_mutation_extensions": [{
            "name": "envoy.http.early_header_mutation.header_mutation",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
                "mutations": headers::removed(&one.fronts),
            },
        }],
        "route_config": {
            "name": "outpost",
            "ignore_port_in_host_matching": true,
            "virtual_hosts": virtual_hosts,
        },
        "http_filters": [check(one, outpost), {
            "name": "envoy.filters.http.router",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            },
        }],
    });
    let mut chain = json!({
        "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": manager,
        }],
    });
    if one.tls {
        chain["transport_socket"] = cluster::downstream_tls(tls);
    }
    json!({
        "name": format!("web-{}", one.port),
        "address": {"socket_address": {"address": one.address, "port_value": one.port}},
        "filter_chains": [chain],
    })
}

/// The filter that asks the outpost.
fn check(one: &Listener<'_>, outpost: &str) -> Value {
    json!({
        "name": "envoy.filters.http.ext_authz",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "failure_mode_allow": false,
            "status_on_error": {"code": "ServiceUnavailable"},
            "allowed_headers": {"patterns": headers::asked()},
            "http_service": {
                "path_prefix": CHECK,
                "server_uri": {"uri": outpost, "cluster": "outpost", "timeout": "30s"},
                "authorization_request": {
                    "headers_to_add": [{"key": "x-forwarded-proto", "value": one.scheme.as_str()}],
                },
                "authorization_response": {
                    "allowed_upstream_headers": {"patterns": headers::told(&one.fronts)},
                    "allowed_client_headers_on_success": {
                        "patterns": [{"exact": "set-cookie"}],
                    },
                },
            },
        },
    })
}

/// Says in comments why it is so.
fn explain(document: Document, index: usize, one: &Listener<'_>, has_files: bool) -> Document {
    let chain = format!("/static_resources/listeners/{index}/filter_chains/0");
    let manager = format!("{chain}/filters/0/typed_config");
    let check = format!("{manager}/http_filters/0/typed_config");
    let mut document = document
        .note(
            format!("{manager}/use_remote_address"),
            "The client is who connects. Behind another proxy see xff_num_trusted_hops.",
        )
        .note(format!("{manager}/max_request_headers_kb"), "Tokens and groups make headers large.")
        .note(
            format!("{manager}/common_http_protocol_options"),
            "x_authentik_username is X-authentik-username to many applications.",
        )
        .note(
            format!("{manager}/early_header_mutation_extensions"),
            "What clients say of themselves, and outpost and applications believe.",
        )
        .note(
            format!("{check}/allowed_headers"),
            "What the outpost needs to know a session, and a page from a script. No body.",
        )
        .note(
            format!("{check}/http_service/authorization_request"),
            "The scheme that browsers use.",
        )
        .note(
            format!("{check}/http_service/authorization_response/allowed_upstream_headers"),
            "Who the user is: all of them, for the application.",
        );
    for (at, front) in one.fronts.iter().enumerate() {
        if front.is_example {
            document = document.note(
                format!("{manager}/route_config/virtual_hosts/{at}/domains"),
                "An example: name the hosts of your applications below the domain.",
            );
        }
    }
    if one.tls && !has_files {
        document = document
            .note(format!("{chain}/transport_socket"), "An example: the certificate of the host.");
    }
    document
}
