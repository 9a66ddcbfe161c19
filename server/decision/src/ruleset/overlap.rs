//! What there is to say where providers share a host.

use super::{Finding, Provider, ProviderFinding, Ruleset, Severity};

/// Two providers claim the same.
pub(super) fn taken(
    findings: &mut Vec<ProviderFinding>,
    code: &'static str,
    what: &str,
    keeps: &Provider,
    loses: &Provider,
) {
    let remedy =
        "Give each provider of the outpost a host, path or domain of its own, or remove one.";
    let kept = format!("{what} is claimed by provider {:?} as well; this one keeps it", loses.name);
    let lost = format!("{what} belongs to provider {:?}, which came first", keeps.name);
    findings.push((keeps.pk, Finding::new(Severity::Warning, code, capitalised(&kept), remedy)));
    findings.push((loses.pk, Finding::new(Severity::Error, code, capitalised(&lost), remedy)));
}

/// What is served by another one, as it should be, and may surprise all the same.
pub(super) fn look(ruleset: &Ruleset, findings: &mut Vec<ProviderFinding>) {
    let mut found = Vec::new();
    for (host, ports) in ruleset.exact.iter().chain(&ruleset.wildcards) {
        for site in ports.values() {
            for (outer, inner) in site.nested() {
                let text = format!(
                    "What lies below {} on {host} belongs to provider {:?}.",
                    inner.external.path, inner.name
                );
                found.push((outer.pk, info("external_host_nested", text)));
            }
        }
    }
    for (host, ports) in &ruleset.exact {
        let Some((_, domain)) = host.split_once('.') else { continue };
        let Some(wide) = ruleset.wildcards.get(domain) else { continue };
        for wide in wide.values().flat_map(super::Site::all) {
            for own in ports.values().flat_map(super::Site::all) {
                let part = match own.external.path.as_str() {
                    "" => format!("The host {host}"),
                    path => format!("What lies below {path} on {host}"),
                };
                let text = format!(
                    "{part} belongs to provider {:?}, which names it; the wildcard does not reach it there.",
                    own.name
                );
                found.push((wide.pk, info("external_host_excepted", text)));
            }
        }
    }
    for domain in ruleset.wildcards.keys() {
        let Some(whole) = ruleset.domains.get(domain) else { continue };
        let text = format!("Hosts *.{domain} belong to providers with a wildcard host.");
        found.push((whole.pk, info("cookie_domain_excepted", text)));
    }
    // Maps have no order, and findings are compared from refresh to refresh.
    found.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| left.message.cmp(&right.message)));
    found.dedup();
    findings.extend(found);
}

fn info(code: &'static str, text: String) -> Finding {
    let remedy = "Nothing to do where this is meant: the more specific provider serves it.";
    Finding::new(Severity::Info, code, text, remedy)
}

fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}
