//! What nearly matched, for requests that came and those that are only asked about.

use outpost_dashboard::model::{Near as Shown, ProviderRef, SeenHeader};
use outpost_decision::decision::Reason;
use outpost_decision::near::{self, About};
use outpost_decision::provider::Provider;
use outpost_decision::ruleset::Ruleset;
use outpost_decision::target::{Authority, Target};

/// What nearly matched; nothing where nothing is wrong.
pub(super) fn near(
    ruleset: &Ruleset,
    reason: Reason,
    target: &Target,
    provider: Option<&Provider>,
    headers: &[SeenHeader],
) -> Vec<Shown> {
    let claimed: Vec<(&str, Authority)> = headers
        .iter()
        .filter(|header| !header.believed)
        .filter_map(|header| Some((header.name.as_str(), host_in(&header.name, &header.value)?)))
        .collect();
    let about = About { reason, target, provider, claimed: &claimed };
    let shown = |near: near::Near| Shown {
        kind: near.kind.as_str().to_owned(),
        what: near.what,
        provider: ProviderRef {
            pk: near.provider,
            name: ruleset.provider(near.provider).map(|it| it.name.clone()).unwrap_or_default(),
        },
        why_not: near.why_not,
    };
    near::misses(ruleset, &about).into_iter().map(shown).collect()
}

/// The host that a header names.
fn host_in(name: &str, value: &str) -> Option<Authority> {
    let host = match name.to_ascii_lowercase().as_str() {
        "x-forwarded-host" | "x-original-host" => value,
        "x-original-url" => value.split_once("://")?.1.split(['/', '?']).next()?,
        "forwarded" => {
            let mut pairs = value.split([',', ';']).filter_map(|pair| pair.split_once('='));
            let (_, host) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("host"))?;
            host.trim().trim_matches('"')
        }
        _ => return None,
    };
    Authority::parse(host.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_the_headers_that_name_one() {
        for (name, value, host) in [
            ("X-Forwarded-Host", "app.test", Some("app.test")),
            ("x-original-url", "https://app.test:8443/a?b", Some("app.test:8443")),
            ("Forwarded", "for=192.0.2.7;Host=\"app.test\", for=x", Some("app.test")),
            ("Forwarded", "for=192.0.2.7", None),
            ("X-Forwarded-Host", "a.test, b.test", None),
            ("X-Forwarded-Proto", "https", None),
        ] {
            let found = host_in(name, value).map(|host| host.to_string());
            assert_eq!(found.as_deref(), host, "{name}: {value}");
        }
    }
}
