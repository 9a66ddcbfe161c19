//! The outpost's own paths on a host with several applications: core calls back at the root of
//! the host where an external host has no final slash, and reverse proxies send their own prefix
//! there. Which application is meant then stands in the request, not in its path.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Candidate, Match, Offers, Routed};
use crate::endpoint::{self, OwnPaths};
use crate::facts::Endpoint;
use crate::login::{self, Callback, StateError};
use crate::path::{self, PathView};
use crate::provider::Provider;
use crate::redirect;
use crate::ruleset::{Ruleset, Site};
use crate::target::{Authority, Target};
use crate::time::Timestamp;

/// What a request on one of the outpost's own paths says of the application it is about.
#[derive(Clone, Copy)]
pub struct OwnHints<'a> {
    /// Whether the paths of the 2021.5 outpost are served as well.
    pub akprox: bool,
    /// Whether the client sent a cookie of this name.
    pub has_cookie: &'a dyn Fn(&str) -> bool,
    /// The present.
    pub now: Timestamp,
}

impl Ruleset {
    /// The provider that a path of the outpost's own is about; `None` for every other path. The
    /// path chooses among the applications of the host as far as it can, then the state of a
    /// callback, the return target of a start, or a session cookie; then whose home the path is at;
    /// then the lowest key among those that match the host best.
    #[must_use]
    pub fn route_own(&self, target: &Target, hints: &OwnHints<'_>) -> Option<Routed<'_>> {
        if !endpoint::may_be_own(&target.path, hints.akprox) {
            return None;
        }
        let offers = self.offers(&target.authority, target.scheme);
        let groups: [Vec<Candidate<'_>>; 4] = [
            offers.named.map(|(site, matched)| apps(site, matched)).unwrap_or_default(),
            offers.wildcard.map(|site| apps(site, Match::Wildcard)).unwrap_or_default(),
            offers.domains().map(|provider| (provider, Match::CookieDomain)).collect(),
            offers.only.map(|only| (only, Match::OnlyProvider)).into_iter().collect(),
        ];
        let is_own = |provider: &Provider| {
            let paths = OwnPaths { akprox: hints.akprox, ..provider.own_paths() };
            endpoint::classify(&target.path, None, paths) != Endpoint::Application
        };
        // Who is most specific here is not who is meant: a wildcard's or a whole domain's sign-in
        // on the host of an application below a path is its own.
        let groups: Vec<Vec<Candidate<'_>>> = groups
            .into_iter()
            .map(|group| group.into_iter().filter(|(provider, _)| is_own(provider)).collect())
            .filter(|group: &Vec<_>| !group.is_empty())
            .collect();
        let nearest = groups.first().map_or(0, Vec::len);
        let mut candidates = groups.concat();
        let meant = choose(&candidates, nearest, target, hints);
        if let Some(before) = candidates.get_mut(..=meant) {
            before.rotate_right(1);
        }
        Routed::of(candidates.into_iter())
    }
}

impl<'a> Offers<'a, '_> {
    /// The paths of all applications that are named for the host: what an unknown path may be.
    pub(super) fn named_paths(&self) -> Vec<Cow<'a, str>> {
        let sites = self.named.map(|(site, _)| site).into_iter().chain(self.wildcard);
        let only = self.only.map(|only| path::of_base(&only.external.path));
        // A provider of the whole domain has what is left.
        let rest = self.domains().next().map(|_| Cow::Borrowed(""));
        sites.flat_map(Site::paths).map(Cow::Borrowed).chain(only).chain(rest).collect()
    }
}

fn apps(site: &Site, matched: Match) -> Vec<Candidate<'_>> {
    site.all().map(|provider| (provider, matched)).collect()
}

/// Place of the provider that is meant. The first `nearest` match the host best.
fn choose(
    candidates: &[(&Arc<Provider>, Match)],
    nearest: usize,
    target: &Target,
    hints: &OwnHints<'_>,
) -> usize {
    if candidates.len() < 2 {
        return 0;
    }
    let query = target.query.as_deref();
    let paths = OwnPaths { akprox: hints.akprox, ..candidates[0].0.own_paths() };
    let find = |fits: &dyn Fn(&Provider) -> bool| {
        candidates.iter().position(|(provider, _)| fits(provider))
    };
    let hinted = match endpoint::classify(&target.path, query, paths) {
        Endpoint::Callback => state(query).and_then(|state| {
            find(&|provider| {
                let read = login::read_state(provider, &state, hints.now);
                matches!(read, Ok(_) | Err(StateError::Expired(_)))
            })
        }),
        // The longest path comes first.
        Endpoint::Start => returns_to(query, &target.authority)
            .and_then(|to| {
                find(&|provider| path::is_below(&to, &path::of_base(&provider.external.path)))
            })
            .or_else(|| find(&|provider| (hints.has_cookie)(&login::remembered_name(provider)))),
        Endpoint::SignOut => find(&|provider| (hints.has_cookie)(&provider.cookie.name)),
        _ => None,
    };
    let at_home = || find(&|it| endpoint::is_at_home(&target.path, &it.external.home));
    let lowest = || {
        let keys = candidates.iter().take(nearest).enumerate();
        keys.min_by_key(|(_, (provider, _))| provider.pk).map_or(0, |(at, _)| at)
    };
    hinted.or_else(at_home).unwrap_or_else(lowest)
}

fn state(query: Option<&str>) -> Option<String> {
    match login::parse_callback(query?) {
        Callback::Code { state, .. } => Some(state),
        Callback::Error { state, .. } => state,
        Callback::Incomplete => None,
    }
}

/// The path of the return target, decoded, where it is on this very host.
fn returns_to(query: Option<&str>, own: &Authority) -> Option<String> {
    let rd = redirect::return_parameter(query?)?;
    let path = match rd.split_once("://") {
        None => rd.as_ref(),
        Some((_, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            if Authority::parse(host)?.host != own.host {
                return None;
            }
            path
        }
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match path::view(if path.is_empty() { "/" } else { path }) {
        PathView::Plain(path) => Some(path.into_owned()),
        PathView::Ambiguous(_) => None,
    }
}

#[cfg(test)]
mod tests;
