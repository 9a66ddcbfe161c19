//! What is compared with what, and what all comparisons begin with.

use std::pin::Pin;

use outpost_demo::core::ProviderSpec;

use super::load::Asked;
use super::options::Options;
use super::server::Server;
use super::turns::{Compared, Side};
use super::{checks, proxying, scale};

type Comparison = for<'a> fn(&'a Options) -> Pin<Box<dyn Future<Output = Vec<Compared>> + 'a>>;

/// Every comparison, by name.
pub(crate) const ALL: [(&str, Comparison); 9] = [
    ("Forward auth, warm session", |options| Box::pin(checks::warm(options))),
    ("Forward auth behind nginx", |options| Box::pin(checks::behind_nginx(options))),
    ("Proxy mode", |options| Box::pin(proxying::proxy_mode(options))),
    ("Sessions from Redis", |options| Box::pin(checks::cold(options))),
    ("Header authentication", |options| Box::pin(checks::by_header(options))),
    ("Scale: providers", |options| Box::pin(scale::providers(options))),
    ("Scale: unauthenticated paths", |options| Box::pin(scale::skip_paths(options))),
    ("Scale: sessions", |options| Box::pin(scale::sessions(options))),
    ("Scale: connections", |options| Box::pin(scale::connections(options))),
];

/// One request that is let through, again and again.
pub(crate) fn ok(request: String) -> Asked {
    Asked::Http { requests: vec![request], expect: 200 }
}

/// A side that asks one server as fast as it answers.
pub(crate) fn side<'a>(name: &str, server: &'a Server, asked: Asked) -> Side<'a> {
    Side {
        name: name.to_owned(),
        at: server.at(),
        asked,
        servers: vec![server],
        connections: None,
        rate: None,
    }
}

/// A provider of forward auth.
pub(crate) fn forward(external: &str) -> Vec<ProviderSpec> {
    vec![ProviderSpec::forward_single("app", external)]
}
