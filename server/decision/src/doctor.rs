//! What is wrong around the outpost, beyond a single provider's configuration: worked out from
//! what was seen of traffic, replicas, applications and core. Each finding has a stable code.

use std::net::IpAddr;

use crate::COMPATIBLE_VERSION;
use crate::decision::Reason;
use crate::finding::{Finding, Severity};
use crate::provider::Provider;
use crate::route::OwnHints;
use crate::ruleset::{ProviderFinding, Ruleset};
use crate::target::Target;
use crate::time::Timestamp;

mod traffic;

pub use traffic::{Observed, disagreements, trusted_clients, unfinished_sign_ins};

/// From which difference on clocks are found fault with, in seconds.
const SKEW_WARNING: i64 = 5;
/// From which difference on sign-ins fail.
const SKEW_ERROR: i64 = 60;

/// Months between releases of core and the one this program was checked against that are nothing
/// to worry about.
const MONTHS_APART: i64 = 6;

fn error(code: &'static str, message: String, remedy: &str) -> Finding {
    Finding::new(Severity::Error, code, message, remedy)
}

fn warning(code: &'static str, message: String, remedy: &str) -> Finding {
    Finding::new(Severity::Warning, code, message, remedy)
}

fn info(code: &'static str, message: String, remedy: &str) -> Finding {
    Finding::new(Severity::Info, code, message, remedy)
}

/// Providers whose callbacks end at another provider, or at none: nobody can sign in there.
#[must_use]
pub fn callbacks(ruleset: &Ruleset, akprox: bool, now: Timestamp) -> Vec<ProviderFinding> {
    let hints = OwnHints { akprox, has_cookie: &|_| false, now };
    let found = ruleset.providers().iter().filter(|provider| !provider.external.wildcard);
    found
        .filter_map(|provider| {
            let target = callback(provider)?;
            let ends_at = ruleset.route_own(&target, &hints).map(|routed| routed.provider);
            let others = ends_at.filter(|other| other.pk != provider.pk)?;
            // Beside others on one host the state of a callback tells whose it is.
            let shares =
                ruleset.at_host(&target.authority).any(|at_host| at_host.pk == provider.pk);
            (!shares).then(|| {
                let message = format!(
                    "Sign-ins come back to {}, which belongs to provider {:?}: nobody can sign in \
                     at this one.",
                    target.authority, others.name
                );
                let remedy = "Give the provider an external host of its own.";
                (provider.pk, error("callback_elsewhere", message, remedy))
            })
        })
        .collect()
}

/// Where core sends browsers back to.
fn callback(provider: &Provider) -> Option<Target> {
    let (_, rest) = provider.redirect_uri.split_once("://")?;
    let uri = &rest[rest.find('/')?..];
    let (path, query) = match uri.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (uri, None),
    };
    Some(Target {
        scheme: provider.external.scheme,
        authority: provider.external.authority.clone(),
        path: path.to_owned(),
        query,
    })
}

/// A peer that sent forwarding headers which were not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbelieved {
    /// Its address.
    pub peer: IpAddr,
    /// Whether it is a trusted proxy, of whose headers one kind is not read.
    pub peer_trusted: bool,
    /// The headers.
    pub headers: Vec<&'static str>,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}

/// Peers whose forwarding headers are not believed. Anybody may send such headers; one with a
/// private address is most likely the operator's own proxy.
#[must_use]
pub fn unbelieved(seen: &[Unbelieved]) -> Vec<Finding> {
    let mut seen: Vec<&Unbelieved> = seen.iter().collect();
    seen.sort_by_key(|of| (!of.peer_trusted && !is_private(of.peer), std::cmp::Reverse(of.count)));
    seen.into_iter()
        .take(10)
        .map(|Unbelieved { peer, peer_trusted, headers, count, .. }| {
            let (headers, times) = (headers.join(", "), times(*count));
            if *peer_trusted {
                let message = format!(
                    "The trusted proxy {peer} tells the client by {headers} alone ({times}), which \
                     is not read."
                );
                let remedy = "Set listen.forwarded to true, or have the proxy send X-Forwarded-For, \
                              -Host and -Proto.";
                return warning("forwarded_not_read", message, remedy);
            }
            let message = format!(
                "{peer} sends {headers} ({times}), and is not among the trusted proxies: the \
                 headers are ignored."
            );
            if is_private(*peer) {
                let remedy = "If it is your reverse proxy, add its address to \
                              AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS.";
                warning("proxy_not_trusted", message, remedy)
            } else {
                let remedy = "If it is a proxy of yours, add its address to \
                              AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS; else there is nothing to do.";
                info("proxy_not_trusted", message, remedy)
            }
        })
        .collect()
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// An application that does not take connections.
#[must_use]
pub fn unreachable(internal: &str, cause: &str) -> Finding {
    let message = format!("The application cannot be reached at {internal}: {cause}.");
    let remedy = "Check that the application runs, the internal host of the provider, and its \
                  certificate where the internal host is https.";
    error("upstream_unreachable", message, remedy)
}

/// By how many seconds core's clock is ahead of ours; less than nothing: behind.
#[must_use]
pub fn clock_skew(ahead: i64) -> Option<Finding> {
    let apart = ahead.abs();
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    let message = format!(
        "Core's clock is {apart} s {way} this machine's: tokens seem to begin or end at other \
         times than core means."
    );
    let remedy = "Let both machines get their time from the network (NTP).";
    match apart {
        _ if apart > SKEW_ERROR => Some(error("clock_skew", message, remedy)),
        _ if apart > SKEW_WARNING => Some(warning("clock_skew", message, remedy)),
        _ => None,
    }
}

/// An outpost in front of core that has nothing to do.
#[must_use]
pub fn embedded(is_embedded: bool, providers: usize) -> Option<Finding> {
    (is_embedded && providers == 0).then(|| {
        let message = "The embedded outpost has no provider: every request is core's.".to_owned();
        warning("embedded_without_providers", message, Reason::NothingAssigned.remedy())
    })
}

/// A replica and what it says of its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaConfiguration<'a> {
    /// Name of its machine.
    pub hostname: &'a str,
    /// A fingerprint of its configuration; empty: it has none yet.
    pub configuration: &'a str,
    /// Its version.
    pub version: &'a str,
}

/// Replicas that do not serve the same; `others` are compared with `this`.
#[must_use]
pub fn replicas(
    this: &ReplicaConfiguration<'_>,
    others: &[ReplicaConfiguration<'_>],
) -> Option<Finding> {
    if this.configuration.is_empty() {
        return None;
    }
    let differs = |other: &&ReplicaConfiguration<'_>| {
        !other.configuration.is_empty() && other.configuration != this.configuration
    };
    let names: Vec<&str> = others.iter().filter(differs).map(|other| other.hostname).collect();
    let versions = others.iter().filter(differs).any(|other| other.version != this.version);
    (!names.is_empty()).then(|| {
        let message = format!(
            "{} serve{} another configuration than {}.",
            names.join(", "),
            if names.len() == 1 { "s" } else { "" },
            this.hostname
        );
        let remedy = if versions {
            "They run different versions: finish the update."
        } else {
            "Check that each replica reaches core, and that all have the same settings; a change \
             takes a moment to reach all."
        };
        warning("replicas_differ", message, remedy)
    })
}

/// Other instances of this outpost that core has heard of, by host name: replicas without a store
/// that they share sign people out of each other.
#[must_use]
pub fn other_instances(shared: bool, met: usize, heard_of: &[String]) -> Option<Finding> {
    if heard_of.len() <= met {
        return None;
    }
    let names = heard_of.join(", ");
    Some(if shared {
        let message = format!(
            "Core knows other instances of this outpost ({names}), and not all of them use this \
             session store."
        );
        let remedy = "Give every replica the same sessions.store and the same sessions.prefix.";
        warning("store_elsewhere", message, remedy)
    } else {
        let message = format!(
            "Core knows other instances of this outpost ({names}), and this one keeps its sessions \
             to itself: who is signed in at one is not at the other, and revocations reach one alone."
        );
        let remedy = "Give every replica the same sessions.store: redis://, or redis+sentinel:// \
                      or redis+cluster://.";
        error("store_not_shared", message, remedy)
    })
}

/// The version that core expects of outposts, where it is another release.
#[must_use]
pub fn version(expected: Option<&str>) -> Option<Finding> {
    let apart = months(expected?)? - months(COMPATIBLE_VERSION)?;
    let expected = expected?;
    let (way, remedy) = match apart {
        0 => return None,
        1.. => ("newer", "Look for a newer outpost."),
        _ => ("older", "Update core."),
    };
    let message = format!(
        "Core is of version {expected}, {way} than {COMPATIBLE_VERSION}, with which this outpost \
         was checked."
    );
    Some(if apart.abs() > MONTHS_APART {
        warning("core_version", message, remedy)
    } else {
        info("core_version", message, remedy)
    })
}

/// Months of a version `year.month.patch`.
fn months(version: &str) -> Option<i64> {
    let mut parts = version.split('.');
    let year: i64 = parts.next()?.parse().ok()?;
    let month: i64 = parts.next()?.parse().ok()?;
    (2020..3000).contains(&year).then_some(year * 12 + month)
}

#[cfg(test)]
mod tests;
