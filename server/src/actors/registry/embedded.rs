//! What there is to say about an embedded outpost.

use outpost_decision::finding::{Finding, Severity};
use outpost_decision::wire::OutpostRecord;
use url::Url;

use crate::snapshot::ProviderFinding;

/// Findings about the embedded outpost as a whole. `learned` is where people reach core, as far as
/// we have found out.
pub(super) fn findings(
    outpost: &OutpostRecord,
    learned: Option<&Url>,
    has_providers: bool,
) -> Vec<ProviderFinding> {
    if !outpost.is_embedded() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut tell = |severity, code, message: String, remedy: &str| {
        let finding = Finding::new(severity, code, message, remedy);
        found.push(ProviderFinding { provider: None, finding });
    };
    if !has_providers {
        tell(
            Severity::Warning,
            "embedded_nothing_assigned",
            "No application is assigned to the embedded outpost: it answers its own paths with 404."
                .to_owned(),
            "In authentik, open Applications > Outposts, edit the embedded outpost, and assign the application to it.",
        );
    }
    const SET_IT: &str = "Edit the embedded outpost in authentik and set authentik_host to the full URL that browsers use, e.g. https://authentik.example.com; or open the admin interface there once.";
    match (outpost.option("authentik_host"), learned) {
        (None, None) => tell(
            Severity::Warning,
            "embedded_host_unknown",
            "The option authentik_host of the embedded outpost is empty: where browsers reach authentik is not known."
                .to_owned(),
            SET_IT,
        ),
        (None, Some(url)) => tell(
            Severity::Info,
            "embedded_host_learned",
            format!("The option authentik_host of the embedded outpost is empty; {url} is used, where an administrator came by."),
            SET_IT,
        ),
        (Some(text), _) => {
            let url = Url::parse(text).ok();
            if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
                tell(
                    Severity::Error,
                    "embedded_host_invalid",
                    format!("The option authentik_host of the embedded outpost, {text:?}, is no http or https URL."),
                    SET_IT,
                );
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_embedded_outpost_lacks_is_told() {
        let url = Url::parse("https://sso.test/").unwrap();
        for (managed, host, learned, providers, expected) in [
            (true, "https://a.test", None, true, vec![]),
            (true, "https://a.test", None, false, vec!["embedded_nothing_assigned"]),
            (true, "", None, true, vec!["embedded_host_unknown"]),
            (true, "", Some(&url), true, vec!["embedded_host_learned"]),
            (true, "a.test", Some(&url), true, vec!["embedded_host_invalid"]),
            (true, "localhost:9000", None, true, vec!["embedded_host_invalid"]),
            (false, "", None, false, vec![]),
        ] {
            let managed = managed.then_some("goauthentik.io/outposts/embedded");
            let outpost = serde_json::from_value(json!({
                "pk": "p", "managed": managed, "config": { "authentik_host": host },
            }))
            .unwrap();
            let found = findings(&outpost, learned, providers);
            let codes: Vec<_> = found.iter().map(|found| found.finding.code).collect();
            assert_eq!(codes, expected, "{host:?} {learned:?}");
        }
    }
}
