//! Hosts that are nearly the one asked for.

use super::{Kind, MOST, Near};
use crate::provider::{Mode, Provider};
use crate::ruleset::Ruleset;
use crate::target::{Authority, Target};

/// Most providers that are looked at.
const MOST_PROVIDERS: usize = 20_000;

/// Longest host name whose spelling is compared: longer ones are nobody's slip of the finger.
const LONGEST: usize = 96;

/// How near a host is, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    OtherPort,
    Www,
    Wildcard,
    Relative(usize),
    Misspelt(usize),
    SameName,
}

/// Hosts that nearly match, the nearest first.
pub(super) fn near(ruleset: &Ruleset, target: &Target) -> Vec<Near> {
    let mut found: Vec<(Nearness, &Provider, String, String)> = Vec::new();
    for provider in ruleset.providers().iter().take(MOST_PROVIDERS) {
        let own = of_provider(provider, target);
        let domain = of_domain(provider, &target.authority);
        let Some(best) = own.into_iter().chain(domain).min_by_key(|(nearness, ..)| *nearness)
        else {
            continue;
        };
        let (nearness, what, why_not) = best;
        // The list stays as short as what is told of it.
        let at = found.partition_point(|(known, ..)| *known <= nearness);
        if at < MOST {
            found.insert(at, (nearness, provider, what, why_not));
            found.truncate(MOST);
        }
    }
    let told = |(_, provider, what, why_not): (Nearness, &Provider, String, String)| Near {
        kind: Kind::Host,
        what,
        provider: provider.pk,
        why_not,
    };
    found.into_iter().map(told).collect()
}

/// Hosts that headers named which were not believed, and that somebody serves.
pub(super) fn claimed(
    ruleset: &Ruleset,
    target: &Target,
    claimed: &[(&str, Authority)],
) -> Vec<Near> {
    let mut found = Vec::new();
    for (header, authority) in claimed.iter().take(MOST) {
        if *authority == target.authority {
            continue;
        }
        let claimed = Target { authority: authority.clone(), ..target.clone() };
        if let Ok(routed) = ruleset.route(&claimed) {
            let why_not = format!(
                "{header} names {authority}, which would match, but the peer that sent it is not \
                 a trusted proxy."
            );
            let what = authority.to_string();
            found.push(Near { kind: Kind::Host, what, provider: routed.provider.pk, why_not });
        }
    }
    found
}

type Found = (Nearness, String, String);

fn of_provider(provider: &Provider, target: &Target) -> Option<Found> {
    let asked = &target.authority;
    let external = &provider.external;
    let named = external.authority.to_string();
    let host = &*external.authority.host;
    let told = |nearness, why: String| Some((nearness, named.clone(), why));
    if let Some(domain) = host.strip_prefix("*.").filter(|_| external.wildcard) {
        return match asked.host.strip_suffix(domain) {
            Some("") => told(
                Nearness::Wildcard,
                format!("The wildcard stands for hosts below {domain}, not for {domain} itself."),
            ),
            Some(below) if below.ends_with('.') && below.trim_end_matches('.').contains('.') => {
                told(
                    Nearness::Wildcard,
                    format!(
                        "The wildcard stands for one label; {} has more below {domain}.",
                        asked.host
                    ),
                )
            }
            Some(below) if below.ends_with('.') => told(
                Nearness::OtherPort,
                format!(
                    "The provider is on {}; the request named {}.",
                    port_of(provider),
                    port(target)
                ),
            ),
            _ => None,
        };
    }
    if *asked.host == *host {
        let why = format!(
            "The provider is on {}; the request named {}.",
            port_of(provider),
            port(target)
        );
        return told(Nearness::OtherPort, why);
    }
    if let Some((with, _)) = with_www(&asked.host, host) {
        let why = if with == host {
            format!("The provider has the host with www., the request {} without.", asked.host)
        } else {
            format!("The provider has the host without www., the request {} with.", asked.host)
        };
        return told(Nearness::Www, why);
    }
    if asked.is_within(host) {
        let labels = labels(&asked.host) - labels(host);
        let why =
            format!("{} is below this host, and the provider serves this host alone.", asked.host);
        return told(Nearness::Relative(labels), why);
    }
    if external.authority.is_within(&asked.host) && asked.host.contains('.') {
        let labels = labels(host) - labels(&asked.host);
        let why = format!("This host is below {}, which no provider names.", asked.host);
        return told(Nearness::Relative(labels), why);
    }
    if let Some(distance) = misspelt(&asked.host, host) {
        return told(Nearness::Misspelt(distance), format!("{} is spelt differently.", asked.host));
    }
    let first = |host: &str| host.split('.').next().unwrap_or_default().to_owned();
    if asked.host.contains('.') && !is_address(&asked.host) && first(&asked.host) == first(host) {
        let why = format!("{} has the same name in another domain.", asked.host);
        return told(Nearness::SameName, why);
    }
    None
}

fn of_domain(provider: &Provider, asked: &Authority) -> Option<Found> {
    let domain =
        provider.cookie_domain.as_ref().filter(|_| provider.mode == Mode::ForwardDomain)?;
    let mut suffixes = std::iter::successors(Some(&*asked.host), |host| {
        host.split_once('.').map(|(_, rest)| rest)
    });
    let distance =
        suffixes.find_map(|suffix| misspelt(suffix, domain).filter(|_| suffix.contains('.')))?;
    let why =
        format!("{} is not below the cookie domain {domain}: it is spelt differently.", asked.host);
    Some((Nearness::Misspelt(distance), domain.clone(), why))
}

fn port_of(provider: &Provider) -> String {
    let external = &provider.external;
    format!("port {}", external.authority.port_or_default(external.scheme))
}

fn port(target: &Target) -> String {
    match target.authority.port {
        Some(port) => format!("port {port}"),
        None => {
            format!("no port, which means {} or the other scheme's", target.scheme.default_port())
        }
    }
}

/// The two hosts, the one with `www.` first, where that is all they differ in.
fn with_www<'a>(one: &'a str, other: &'a str) -> Option<(&'a str, &'a str)> {
    let is = |with: &str, without: &str| with.strip_prefix("www.") == Some(without);
    if is(one, other) {
        Some((one, other))
    } else if is(other, one) {
        Some((other, one))
    } else {
        None
    }
}

fn labels(host: &str) -> usize {
    host.split('.').count()
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
}

/// By how many slips of the finger two hosts differ, where that is few for their length.
fn misspelt(one: &str, other: &str) -> Option<usize> {
    let (short, long) = (one.len().min(other.len()), one.len().max(other.len()));
    let most = match short {
        0..=3 => return None,
        4..=7 => 1,
        _ => 2,
    };
    // Addresses that differ by a digit are other machines.
    if long > LONGEST || long - short > most || is_address(one) || is_address(other) {
        return None;
    }
    distance(one.as_bytes(), other.as_bytes(), most).filter(|distance| *distance > 0)
}

/// The distance of two texts in insertions, removals, replacements and swaps of neighbours, if it
/// is at most `most`.
fn distance(one: &[u8], other: &[u8], most: usize) -> Option<usize> {
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut line = Vec::with_capacity(last.len());
        line.push(row + 1);
        for (column, b) in other.iter().enumerate() {
            let replaced = last[column] + usize::from(a != b);
            let mut cell = replaced.min(last[column + 1] + 1).min(line[column] + 1);
            let swapped = row > 0 && column > 0 && one[row - 1] == *b && *a == other[column - 1];
            if swapped {
                let at: &Vec<usize> = &before;
                cell = cell.min(at[column - 1] + 1);
            }
            line.push(cell);
        }
        if line.iter().min().is_some_and(|least| *least > most) {
            return None;
        }
        before = std::mem::replace(&mut last, line);
    }
    last.last().copied().filter(|distance| *distance <= most)
}
