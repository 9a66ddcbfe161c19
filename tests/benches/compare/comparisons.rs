//! What is compared with what, and what all comparisons begin with.

use std::pin::Pin;

use outpost_demo::core::ProviderSpec;

use super::figures::Found;
use super::load::Asked;
use super::options::Options;
use super::server::Server;
use super::turns::Side;
use super::{checks, others, proxying, refreshes, replicas, scale, sessions, sign_ins, starts};

type Comparison = for<'a> fn(&'a Options) -> Pin<Box<dyn Future<Output = Found> + 'a>>;

/// Every comparison that needs nothing but the outpost, by name.
pub(crate) const ALL: [(&str, Comparison); 14] = [
    ("Forward auth, warm session", |options| found(checks::warm(options))),
    ("Forward auth behind nginx", |options| found(checks::behind_nginx(options))),
    ("Proxy mode", |options| found(proxying::proxy_mode(options))),
    ("Sessions from Redis", |options| found(checks::cold(options))),
    ("Header authentication", |options| found(checks::by_header(options))),
    ("Sign-ins", |options| found(sign_ins::sign_ins(options))),
    ("Replicas", |options| found(replicas::replicas(options))),
    ("Refreshes under load", |options| found(refreshes::refreshes(options))),
    ("Scale: start to ready", |options| found(starts::starts(options))),
    ("Scale: providers", |options| found(scale::providers(options))),
    ("Scale: unauthenticated paths", |options| found(scale::skip_paths(options))),
    ("Scale: sessions at hand", |options| found(sessions::at_hand(options))),
    ("Scale: sessions in Redis", |options| found(sessions::in_redis(options))),
    ("Scale: connections", |options| found(scale::connections(options))),
];

/// Those with other proxies, by name.
pub(crate) const OTHERS: [(&str, Comparison); 3] = [
    ("Other proxies: forward auth", |options| found(others::forward_auth(options))),
    ("Other proxies: proxy mode", |options| found(others::proxy_mode(options))),
    ("Other proxies: sign-ins", |options| found(others::sign_ins(options))),
];

/// Those that can be made: the ones with other proxies where the command is told of any.
pub(crate) fn possible(
    options: &Options,
) -> impl Iterator<Item = &'static (&'static str, Comparison)> {
    let others = options.peer.is_some() || options.oauth2_proxy.is_some();
    ALL.iter().chain(OTHERS.iter().filter(move |_| others))
}

fn found<'a, F: Into<Found>>(
    comparison: impl Future<Output = F> + 'a,
) -> Pin<Box<dyn Future<Output = Found> + 'a>> {
    Box::pin(async { comparison.await.into() })
}

/// One request that is let through, again and again.
pub(crate) fn ok(request: String) -> Asked {
    Asked::Http { requests: vec![request], expect: 200 }
}

/// A side that asks one server as fast as it answers.
pub(crate) fn side<'a>(name: &str, server: &'a Server, asked: Asked) -> Side<'a> {
    Side {
        name: name.to_owned(),
        at: vec![server.at()],
        asked,
        servers: vec![server],
        connections: None,
        rate: None,
        meanwhile: None,
    }
}

/// A provider of forward auth.
pub(crate) fn forward(external: &str) -> Vec<ProviderSpec> {
    vec![ProviderSpec::forward_single("app", external)]
}

/// So many providers of forward auth; people ask for the first one.
pub(crate) fn providers(external: &str, count: usize) -> Vec<ProviderSpec> {
    let other = |number| {
        let host = format!("http://app-{number}.test");
        ProviderSpec::forward_single(&format!("app-{number}"), &host)
    };
    forward(external).into_iter().chain((1..count).map(other)).collect()
}
