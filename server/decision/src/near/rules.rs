//! Skip rules that nearly match.

use super::{Kind, MOST, Near};
use crate::path::{self, PathView};
use crate::provider::{Mode, Provider};
use crate::skip::{SkipOutcome, SkipRule};
use crate::target::{Scheme, Target};

/// Most rules that are tried in other ways.
const MOST_RULES: usize = 200;

/// Most rules that are compiled anew for it, which costs most.
const MOST_COMPILED: usize = 40;

/// Another text that a rule might have been meant for, and why it was not tried against it.
struct Other {
    text: String,
    why_not: String,
}

/// The rules of `provider` that would have matched, had they or the request been a little
/// different, in their order.
pub(super) fn near(provider: &Provider, target: &Target) -> Vec<Near> {
    let rules = provider.skip.rules();
    if rules.is_empty() || !target.has_path() {
        return Vec::new();
    }
    let others = others(provider, target);
    let tried = provider.skip.tried(provider.mode, target).ok();
    if matches!(provider.skip.matches(provider.mode, target), SkipOutcome::Matched { .. }) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut compiled = 0;
    for rule in rules.iter().take(MOST_RULES) {
        let why_not = others
            .iter()
            .find(|other| rule.is_match(&other.text))
            .map(|other| other.why_not.clone())
            .or_else(|| {
                compiled += 1;
                let tried = tried.as_deref().filter(|_| compiled <= MOST_COMPILED)?;
                changed(rule, tried)
            });
        if let Some(why_not) = why_not {
            let what = rule.source.clone();
            found.push(Near { kind: Kind::SkipRule, what, provider: provider.pk, why_not });
        }
        if found.len() == MOST {
            break;
        }
    }
    found
}

/// The rule, written a little differently.
fn changed(rule: &SkipRule, tried: &str) -> Option<String> {
    if rule.matches_in_any_case(tried) {
        return Some("It differs in upper and lower case, which counts.".to_owned());
    }
    let free = |source: &str, mark: &str| {
        SkipRule::compile(rule.line, source)
            .filter(|free| free.is_match(tried))
            .map(|_| format!("It would match without the {mark}."))
    };
    let begins = rule.source.strip_prefix('^').map(|rest| (rest, "^ at its beginning"));
    let ends = rule.source.strip_suffix('$').filter(|rest| !rest.ends_with('\\'));
    let ends = ends.map(|rest| (rest, "$ at its end"));
    begins.into_iter().chain(ends).find_map(|(rest, mark)| free(rest, mark))
}

fn others(provider: &Provider, target: &Target) -> Vec<Other> {
    let mut others = Vec::new();
    let mut add = |text: String, why_not: String| others.push(Other { text, why_not });
    let url = target.to_string();
    let decoded = match path::view(&target.path) {
        PathView::Plain(decoded) => decoded.into_owned(),
        PathView::Ambiguous(reason) => {
            let why = format!(
                "No rule is tried for a path that can be read in more than one way ({reason})."
            );
            for reading in path::readings(&target.path) {
                add(reading.into_owned(), why.clone());
            }
            add(target.path.clone(), why.clone());
            add(url, why);
            return others;
        }
    };
    let with_query = |text: &str| target.query.as_ref().map(|query| format!("{text}?{query}"));
    match provider.mode {
        Mode::Proxy | Mode::ForwardSingle => {
            if let Some(text) = with_query(&decoded) {
                let why = "It is tried against the path alone, without the query.";
                add(text, why.to_owned());
            }
            if let Some(text) = slashes(&decoded) {
                add(text, slash(&decoded));
            }
            if let Some(rest) = decoded.strip_prefix(provider.external.path.as_str())
                && !provider.external.path.is_empty()
                && (rest.is_empty() || rest.starts_with('/'))
            {
                let why = format!(
                    "It is tried against the whole path, which begins with {}.",
                    provider.external.path
                );
                add(if rest.is_empty() { "/".to_owned() } else { rest.to_owned() }, why);
            }
            let why = "It is tried against the path; the whole URL counts only where a provider \
                       serves a domain (forward_domain).";
            add(url, why.to_owned());
            add(format!("{}{}", target.authority, target.path), why.to_owned());
        }
        Mode::ForwardDomain => {
            let why = "It is tried against the whole URL, scheme and host included, since the \
                       provider serves a domain (forward_domain).";
            add(decoded.clone(), why.to_owned());
            if let Some(text) = with_query(&decoded) {
                add(text, why.to_owned());
            }
            let bare = Target { query: None, ..target.clone() };
            if target.query.is_some() {
                let why = "It is tried against the URL with its query, which does not fit.";
                add(bare.to_string(), why.to_owned());
            }
            if let Some(path) = slashes(&target.path) {
                add(Target { path, ..target.clone() }.to_string(), slash(&target.path));
            }
            let scheme = match target.scheme {
                Scheme::Http => Scheme::Https,
                Scheme::Https => Scheme::Http,
            };
            let why = format!(
                "The request came by {}, and the rule is for {}.",
                target.scheme.as_str(),
                scheme.as_str()
            );
            add(Target { scheme, ..target.clone() }.to_string(), why);
            if let Some(port) = target.authority.port {
                let mut portless = target.clone();
                portless.authority.port = None;
                let why = format!("The URL names port {port}, which does not fit.");
                add(portless.to_string(), why);
            }
        }
    }
    others
}

/// The path with a final slash, or without.
fn slashes(path: &str) -> Option<String> {
    match path.strip_suffix('/') {
        Some("") => None,
        Some(rest) => Some(rest.to_owned()),
        None => Some(format!("{path}/")),
    }
}

fn slash(path: &str) -> String {
    let other = if path.ends_with('/') { "without the slash" } else { "with a slash" };
    format!("It would match {other} at the end of the path.")
}
