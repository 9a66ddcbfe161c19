//! Unauthenticated paths: what they are, how often they matched, and what a path comes to.

use outpost_dashboard::model::{SkipRule, SkipTry};
use outpost_decision::endpoint;
use outpost_decision::facts::Endpoint;
use outpost_decision::provider::Provider;
use outpost_decision::ruleset::Ruleset;
use outpost_decision::skip::SkipTrial;
use outpost_decision::target::{Authority, Scheme, Target};

use crate::ops::masking::mask_url;

/// The rules of a provider, those that are not in effect among them, with their matches.
pub(super) fn rules(provider: &Provider, matches: impl Fn(usize) -> u64) -> Vec<SkipRule> {
    let in_effect = provider.skip.rules().iter().map(|rule| SkipRule {
        line: rule.line,
        source: rule.source.clone(),
        matches: matches(rule.line),
        problem: rule.oddity().map(ToOwned::to_owned),
    });
    let refused = provider.skip.refused().iter().map(|rule| SkipRule {
        line: rule.line,
        source: rule.source.clone(),
        matches: 0,
        problem: Some(format!("Not in effect: {}.", rule.error)),
    });
    let mut all: Vec<SkipRule> = in_effect.chain(refused).collect();
    all.sort_by_key(|rule| rule.line);
    all
}

/// What a path with a query, or a URL, comes to: the very rules that decide are asked.
pub(super) fn attempt(provider: &Provider, input: &str, ruleset: &Ruleset) -> SkipTry {
    let input = input.trim();
    let shown = mask_url(input);
    let refused =
        |why: String| SkipTry { input: shown.clone(), refused: Some(why), ..SkipTry::default() };
    let Some(target) = read(provider, input) else {
        return refused(
            "Neither a path that begins with a slash nor a URL, as a browser would send it."
                .to_owned(),
        );
    };
    match ruleset.route(&target) {
        Ok(routed) if routed.provider.pk == provider.pk => {}
        Ok(routed) => {
            return refused(format!("The provider {} serves this.", routed.provider.name));
        }
        // A provider that is not in effect under its own host can be tried all the same.
        Err(_) if target.authority == provider.external.authority => {}
        Err(unrouted) => return refused(unrouted.reason().explanation().to_owned()),
    }
    let paths = provider.own_paths();
    if endpoint::classify(&target.path, target.query.as_deref(), paths) != Endpoint::Application {
        return refused("This is the outpost's own: no rule is asked about it.".to_owned());
    }
    match provider.skip.trial(provider.mode, &target) {
        SkipTrial::Refused(reason) => {
            refused(format!("No rule is asked: the path can be read in several ways ({reason})."))
        }
        SkipTrial::Tried { text, lines } => {
            SkipTry { input: shown, text: mask_url(&text), lines, refused: None }
        }
    }
}

/// A path is one of the provider's external host.
fn read(provider: &Provider, input: &str) -> Option<Target> {
    let external = &provider.external;
    let (scheme, authority, rest) = match input.split_once("://") {
        Some((scheme, rest)) if !input.starts_with('/') => {
            let scheme = Scheme::parse(scheme)?;
            let (authority, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let authority = Authority::parse(authority)?.without_default_port(scheme);
            (scheme, authority, if rest.is_empty() { "/" } else { rest })
        }
        _ => (external.scheme, example(provider), input),
    };
    // What a browser keeps to itself.
    let rest = rest.split('#').next()?;
    if !rest.starts_with('/') || rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (rest, None),
    };
    Some(Target { scheme, authority, path: path.to_owned(), query })
}

/// A host of the provider; one of those that a wildcard stands for.
fn example(provider: &Provider) -> Authority {
    let mut authority = provider.external.authority.clone();
    if let Some(domain) = authority.host.strip_prefix("*.").filter(|_| provider.external.wildcard) {
        authority.host = format!("host.{domain}").into();
    }
    authority
}
