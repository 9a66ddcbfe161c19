//! Host and path to provider, by ordered specificity (contract 5).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::decision::Reason;
use crate::path;
use crate::provider::Provider;
use crate::ruleset::{Ruleset, Site};
use crate::target::{Authority, Scheme, Target};

mod own;

pub use own::OwnHints;

/// How a host found its provider, most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// The host and port of an `external_host`.
    ExactHost,
    /// The host name of exactly one site, on another port than its `external_host` names: the
    /// HTTPS listener beside the HTTP one, a port that a container engine maps.
    OtherPort,
    /// One label below the domain of a wildcard `external_host`.
    Wildcard,
    /// Under the `cookie_domain` of a `forward_domain` provider.
    CookieDomain,
    /// There is only one provider.
    OnlyProvider,
}

/// The provider that serves a request.
#[derive(Clone, Debug)]
pub struct Routed<'a> {
    /// The provider.
    pub provider: &'a Arc<Provider>,
    /// How it matched.
    pub matched: Match,
    /// The providers that would have matched less well, best first.
    pub lost: Vec<Lost>,
}

/// A provider that would have served a request, had there not been a better match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// Core's key of it.
    pub provider: i64,
    /// How it matched.
    pub matched: Match,
    /// Path of its external host; empty for the whole host.
    pub path: String,
}

/// Why no provider serves a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrouted {
    /// None serves the host.
    NoProvider,
    /// The host's applications live under other paths.
    PathUnserved,
    /// The path may lead to one application or to another, depending on who reads it.
    PathAmbiguous,
}

impl Unrouted {
    /// The reason for the decision.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::NoProvider => Reason::NoProvider,
            Self::PathUnserved => Reason::PathUnserved,
            Self::PathAmbiguous => Reason::PathAmbiguous,
        }
    }
}

/// What a host has to offer, whatever the path.
struct Offers<'a, 'h> {
    ruleset: &'a Ruleset,
    host: &'h str,
    named: Option<(&'a Site, Match)>,
    wildcard: Option<&'a Site>,
    only: Option<&'a Arc<Provider>>,
}

type Candidate<'a> = (&'a Arc<Provider>, Match);

impl<'a, 'h> Offers<'a, 'h> {
    /// Whether somebody names the host itself.
    const fn is_named(&self) -> bool {
        self.named.is_some() || self.wildcard.is_some()
    }

    fn has_paths(&self) -> bool {
        let sites = self.named.map(|(site, _)| site).into_iter().chain(self.wildcard);
        sites.into_iter().any(Site::has_paths)
            || self.only.is_some_and(|only| !only.external.path.is_empty())
    }

    /// Providers of a whole domain that the host belongs to, longest domain first.
    fn domains(&self) -> impl Iterator<Item = &'a Arc<Provider>> + use<'a, 'h> {
        self.ruleset.domain_matches(self.host)
    }

    /// Everybody who would serve `path` (decoded), best first.
    fn candidates(&self, path: &str) -> impl Iterator<Item = Candidate<'a>> {
        let named = self.named.into_iter();
        let named =
            named.flat_map(move |(site, matched)| site.below(path).map(move |app| (app, matched)));
        let wildcard = self.wildcard.into_iter().flat_map(move |site| site.below(path));
        let only =
            self.only.filter(|only| path::is_below(path, &path::of_base(&only.external.path)));
        named
            .chain(wildcard.map(|app| (app, Match::Wildcard)))
            .chain(self.domains().map(|provider| (provider, Match::CookieDomain)))
            .chain(only.map(|provider| (provider, Match::OnlyProvider)))
    }

    /// Who serves `target`, whose path decides; `None`: nobody.
    fn by_path(&self, target: &Target) -> Result<Option<Routed<'a>>, Unrouted> {
        let readings = match target.has_path() {
            true => path::readings(&target.path),
            // Who asks does not say about which path: there must not be two answers.
            false => self.named_paths(),
        };
        let first = readings.first().map_or("", |reading| reading.as_ref());
        let winner = |reading| self.candidates(reading).next().map(|(provider, _)| provider.pk);
        let expected = winner(first);
        if readings.iter().skip(1).any(|reading| winner(reading) != expected) {
            return Err(Unrouted::PathAmbiguous);
        }
        Ok(Routed::of(self.candidates(first)))
    }
}

impl Ruleset {
    /// The provider that serves `target`: by its host, and where the host has several
    /// applications by the one with the longest path.
    ///
    /// Without a port, the default port of the scheme is tried first and then the other one: the
    /// scheme is our guess where no trusted proxy tells it, and must not cost anybody the match.
    /// Where several providers share the host name on different ports, only the port decides.
    ///
    /// # Errors
    /// When none does, or when the path leads to different ones depending on who reads it.
    pub fn route(&self, target: &Target) -> Result<Routed<'_>, Unrouted> {
        let offers = self.offers(&target.authority, target.scheme);
        let routed = match offers.has_paths() {
            true => offers.by_path(target)?,
            false => Routed::of(offers.candidates("")),
        };
        routed.ok_or_else(|| match offers.is_named() || offers.only.is_some() {
            true => Unrouted::PathUnserved,
            false => Unrouted::NoProvider,
        })
    }

    /// Whether a request that came in under the name `own` may be about `routed`, the provider that
    /// `target` led to, where a client could have named `target` itself.
    ///
    /// A reverse proxy that asks under a name of its own is nobody's application: any target fits.
    /// One that passes the application's name on must be asking about that application, or else
    /// who may use one application would be let into another. Paths of the outpost's own lie
    /// outside of every application's, and are about whom `hints` say, as `target` itself was.
    #[must_use]
    pub fn may_ask_about(
        &self,
        own: &Authority,
        target: &Target,
        routed: &Routed<'_>,
        hints: &OwnHints<'_>,
    ) -> bool {
        if *own == target.authority {
            return true; // It would lead to the same one once more.
        }
        let offers = self.offers(own, target.scheme);
        if !offers.is_named() && offers.domains().next().is_none() {
            return true;
        }
        let own_target = Target { authority: own.clone(), ..target.clone() };
        let fits = |found: Routed<'_>| found.provider.pk == routed.provider.pk;
        own.host == target.authority.host
            && self
                .route_own(&own_target, hints)
                .map_or_else(|| self.route(&own_target), Ok)
                .is_ok_and(fits)
    }

    /// The provider whose certificate answers for a TLS server name: the host name decides,
    /// whatever port or path the external host names (contract 12). Providers without a
    /// certificate do not count.
    #[must_use]
    pub fn provider_for_server_name(&self, name: &str) -> Option<&Arc<Provider>> {
        let name = Authority::parse(name)?.host;
        let certified = |provider: &&Arc<Provider>| provider.certificate.is_some();
        let first = |ports: Option<&'_ BTreeMap<u16, Site>>| {
            let apps = ports.into_iter().flat_map(BTreeMap::values).flat_map(Site::all);
            apps.filter(certified).map(|provider| provider.pk).min()
        };
        let named =
            first(self.exact.get(&*name)).or_else(|| first(self.wildcards.get(parent(&name)?)));
        match named {
            Some(pk) => self.provider(pk),
            None => self.domain_matches(&name).find(certified),
        }
    }

    /// The providers that name a host themselves, whatever the port or path.
    pub fn at_host(&self, authority: &Authority) -> impl Iterator<Item = &Arc<Provider>> {
        let named = self.exact.get(&*authority.host);
        let wild = parent(&authority.host).and_then(|domain| self.wildcards.get(domain));
        named.into_iter().chain(wild).flat_map(BTreeMap::values).flat_map(Site::all)
    }

    /// Who serves `reading`, one of the ways to read a path, at the host of `target`.
    pub(crate) fn served(&self, target: &Target, reading: &str) -> Option<&Arc<Provider>> {
        let offers = self.offers(&target.authority, target.scheme);
        offers.candidates(reading).next().map(|(provider, _)| provider)
    }

    fn offers<'a, 'h>(&'a self, authority: &'h Authority, scheme: Scheme) -> Offers<'a, 'h> {
        let host = &*authority.host;
        let site = |ports| site_at(ports, authority.port, scheme);
        let named = self.exact.get(host).and_then(site);
        let wildcard = parent(host).and_then(|domain| self.wildcards.get(domain)).and_then(site);
        let wildcard = wildcard.map(|(site, _)| site);
        let only = match self.providers() {
            [only]
                if named.is_none()
                    && wildcard.is_none()
                    && self.domain_matches(host).next().is_none() =>
            {
                Some(only)
            }
            _ => None,
        };
        Offers { ruleset: self, host, named, wildcard, only }
    }

    /// Providers whose cookie domain the host equals or lies under, longest domain first.
    fn domain_matches<'a, 'h>(
        &'a self,
        host: &'h str,
    ) -> impl Iterator<Item = &'a Arc<Provider>> + use<'a, 'h> {
        // Most outposts have no such provider at all.
        let host = Some(host).filter(|_| !self.domains.is_empty());
        std::iter::successors(host, |host| parent(host))
            .filter_map(|suffix| self.domains.get(suffix))
    }
}

impl<'a> Routed<'a> {
    /// The first of the candidates, and those it leaves behind.
    fn of(candidates: impl Iterator<Item = Candidate<'a>>) -> Option<Self> {
        // Folded, and not asked for one by one: that costs much where they come from many places.
        candidates.fold(None, |routed: Option<Self>, (provider, matched)| {
            let Some(mut routed) = routed else {
                return Some(Self { provider, matched, lost: Vec::new() });
            };
            let pk = provider.pk;
            if pk != routed.provider.pk && !routed.lost.iter().any(|lost| lost.provider == pk) {
                let path = provider.external.path.clone();
                routed.lost.push(Lost { provider: pk, matched, path });
            }
            Some(routed)
        })
    }
}

/// The site on the port that a request names, or means.
fn site_at(
    ports: &BTreeMap<u16, Site>,
    port: Option<u16>,
    scheme: Scheme,
) -> Option<(&Site, Match)> {
    let exact = match port {
        Some(port) => ports.get(&port),
        None => {
            let other = match scheme {
                Scheme::Http => Scheme::Https,
                Scheme::Https => Scheme::Http,
            };
            ports.get(&scheme.default_port()).or_else(|| ports.get(&other.default_port()))
        }
    };
    let only = || ports.values().next().filter(|_| ports.len() == 1);
    exact
        .map(|site| (site, Match::ExactHost))
        .or_else(|| only().map(|site| (site, Match::OtherPort)))
}

/// What follows the first label of a host.
fn parent(host: &str) -> Option<&str> {
    let dot = host.bytes().position(|byte| byte == b'.')?;
    host.get(dot + 1..)
}

#[cfg(test)]
mod tests;
