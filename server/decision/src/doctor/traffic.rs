//! What real requests tell of the configuration.

use std::collections::HashMap;
use std::net::IpAddr;

use super::{info, warning};
use crate::finding::Finding;
use crate::origin::TrustedNetworks;
use crate::provider::Provider;
use crate::ruleset::ProviderFinding;
use crate::target::{Authority, Scheme};

/// Most pairs of provider and peer that are looked at.
const MOST: usize = 1000;

/// Sign-ins that were begun, from which on one should have come back.
const BEGUN: u64 = 10;

/// A request that found its provider.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// Who sent it.
    pub peer: IpAddr,
    /// Whether that is a trusted proxy.
    pub peer_trusted: bool,
    /// Scheme of the URL, as it was understood.
    pub scheme: Scheme,
    /// Its host.
    pub authority: &'a Authority,
}

/// External hosts that differ in scheme or port from what requests come with. `observed` begins
/// with the newest: of each peer the last word counts.
pub fn disagreements<'a>(observed: impl IntoIterator<Item = Observed<'a>>) -> Vec<ProviderFinding> {
    let mut seen: HashMap<(i64, IpAddr), u64> = HashMap::new();
    let mut found: Vec<(Observed<'a>, &'static str)> = Vec::new();
    for one in observed {
        let key = (one.provider.pk, one.peer);
        let how = differs(&one);
        if let Some(count) = seen.get_mut(&key) {
            *count += u64::from(*count > 0 && how.is_some());
        } else if seen.len() < MOST {
            seen.insert(key, u64::from(how.is_some()));
            found.extend(how.map(|how| (one, how)));
        }
    }
    let mut told: Vec<ProviderFinding> = Vec::new();
    for (one, code) in found {
        // One peer is enough to say it.
        if told.iter().any(|(pk, finding)| *pk == one.provider.pk && finding.code == code) {
            continue;
        }
        let count = seen.get(&(one.provider.pk, one.peer)).copied().unwrap_or(1);
        told.push((one.provider.pk, finding(&one, code, count)));
    }
    told
}

/// What a request differs in.
fn differs(one: &Observed<'_>) -> Option<&'static str> {
    let external = &one.provider.external;
    if one.scheme != external.scheme {
        return Some("external_scheme_differs");
    }
    let port = external.authority.port_or_default(external.scheme);
    (one.authority.port_or_default(one.scheme) != port).then_some("external_port_differs")
}

fn finding(one: &Observed<'_>, code: &'static str, count: u64) -> Finding {
    let Observed { provider, peer, peer_trusted, scheme, authority } = *one;
    let external = provider.external.origin();
    let seen = format!("{}://{authority}", scheme.as_str());
    let message = format!(
        "Requests from {peer} come for {seen} ({count} in a row), and the external host is \
         {external}."
    );
    let remedy = match (code, peer_trusted) {
        (_, false) => {
            "If the peer is your reverse proxy, add its address to \
             AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS; else set the external host to the address that \
             people use."
        }
        ("external_scheme_differs", true) => {
            "Let the reverse proxy send X-Forwarded-Proto (nginx: $scheme in X-Original-URL) with \
             the scheme that browsers use, or change the external host."
        }
        (_, true) => {
            "Let the reverse proxy send the host with the port that browsers use (nginx: \
             $http_host), or change the external host."
        }
    };
    warning(code, message, remedy)
}

/// Clients whom proxies tell of, and who are in trusted networks themselves: whatever they claim of a
/// host, a scheme and an address is believed, and no limit counts them. `seen` are clients with their
/// peers, the newest first. Whoever connects by themselves may be a proxy that says nothing, and
/// whoever is at this machine may look after it.
pub fn trusted_clients(
    seen: impl IntoIterator<Item = (IpAddr, IpAddr)>,
    trusted: &TrustedNetworks,
) -> Option<Finding> {
    let mut told = seen.into_iter().filter(|(client, peer)| {
        client != peer && !client.is_loopback() && trusted.contains(*client)
    });
    let (client, peer) = told.next()?;
    let requests = 1 + told.count();
    let message = format!(
        "The proxy {peer} tells of the client {client}, which is in the trusted networks as well \
         ({requests} such requests): what clients there say of themselves is believed, and limits \
         do not count them."
    );
    let remedy = "Name the addresses of reverse proxies in AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS, \
                  and not the networks of users. If this is a proxy before that one, let it send \
                  X-Forwarded-For.";
    Some(info("clients_trusted", message, remedy))
}

/// Providers at which many sign-ins were begun and none came back: `begun` and `finished` by
/// provider.
#[must_use]
pub fn unfinished_sign_ins(
    tally: &HashMap<i64, (u64, u64)>,
    of: &[&Provider],
) -> Vec<ProviderFinding> {
    let unfinished = of.iter().filter_map(|provider| {
        let (begun, finished) = tally.get(&provider.pk).copied()?;
        (begun >= BEGUN && finished == 0).then(|| {
            let message = format!(
                "{begun} sign-ins were begun and none came back to {}.",
                provider.redirect_uri.split('?').next().unwrap_or_default()
            );
            let remedy = "Check that this address leads to the outpost: the reverse proxy has to \
                          send /outpost.goauthentik.io there.";
            (provider.pk, info("callback_not_seen", message, remedy))
        })
    });
    unfinished.collect()
}
