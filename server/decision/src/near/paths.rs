//! Applications that live below other paths of the host.

use super::{Kind, Near};
use crate::path::{self, PathView};
use crate::provider::Provider;
use crate::ruleset::Ruleset;
use crate::target::Target;

/// The applications of the host, the one whose path is most like the request's first.
pub(super) fn beside(ruleset: &Ruleset, target: &Target) -> Vec<Near> {
    let asked = match path::view(&target.path) {
        PathView::Plain(text) => text.into_owned(),
        PathView::Ambiguous(_) => target.path.clone(),
    };
    let mut found: Vec<(usize, &Provider)> = ruleset
        .at_host(&target.authority)
        .map(|provider| (alike(&asked, &path::of_base(&provider.external.path)), provider.as_ref()))
        .collect();
    found.sort_by_key(|(alike, provider)| (std::cmp::Reverse(*alike), provider.pk));
    let told = |(_, provider): (usize, &Provider)| {
        let base = path::of_base(&provider.external.path).into_owned();
        let why_not = why_not(&asked, &base);
        Near { kind: Kind::Path, what: base, provider: provider.pk, why_not }
    };
    found.into_iter().map(told).collect()
}

/// Whom a path leads to that can be read in more than one way.
pub(super) fn readings(ruleset: &Ruleset, target: &Target) -> Vec<Near> {
    let why = match path::view(&target.path) {
        PathView::Ambiguous(why) => why,
        PathView::Plain(_) => "several applications",
    };
    let mut found: Vec<Near> = Vec::new();
    for reading in path::readings(&target.path) {
        let Some(pk) = ruleset.served(target, &reading).map(|provider| provider.pk) else {
            continue;
        };
        if found.iter().all(|near| near.provider != pk) {
            let why_not = format!(
                "Who reads the path as {reading} ends at this provider, and others at another \
                 one ({why})."
            );
            found.push(Near {
                kind: Kind::Path,
                what: reading.into_owned(),
                provider: pk,
                why_not,
            });
        }
    }
    found
}

/// How many bytes two paths begin with alike, whatever the case.
fn alike(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
}

fn why_not(asked: &str, base: &str) -> String {
    let begins =
        |text: &str| text.get(..base.len()).is_some_and(|head| head.eq_ignore_ascii_case(base));
    if asked.starts_with(base) {
        format!("{asked} begins with the same letters, but a path ends at a slash.")
    } else if begins(asked) {
        format!("{asked} differs in upper and lower case.")
    } else if path::is_below(base, asked.trim_end_matches('/')) {
        format!("The application begins further down than {asked}.")
    } else {
        format!("{asked} is not below it.")
    }
}
