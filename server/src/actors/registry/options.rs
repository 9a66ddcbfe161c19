//! What core's options of the outpost (contract 13) mean to the running program, and what is said
//! about those that mean something else than one might think.

use outpost_decision::finding::{Finding, Severity};
use outpost_decision::wire::OutpostRecord;

use super::parts::RegistrySettings;
use crate::snapshot::{OutpostIdentity, ProviderFinding};

/// What core calls this outpost, and what it wants of it.
pub(super) fn identity(outpost: &OutpostRecord) -> OutpostIdentity {
    OutpostIdentity {
        uuid: outpost.pk.clone(),
        name: outpost.name.clone(),
        embedded: outpost.is_embedded(),
        refresh_interval_seconds: outpost.refresh_interval_seconds(),
        log_level: outpost.option("log_level").map(str::to_owned),
        options: outpost.config.clone(),
    }
}

/// What is odd about the outpost as a whole.
pub(super) fn findings(
    outpost: &OutpostRecord,
    settings: &RegistrySettings,
) -> Vec<ProviderFinding> {
    let mut findings = Vec::new();
    if !outpost.kind.is_empty() && outpost.kind != "proxy" {
        findings.push(Finding::new(
            Severity::Error,
            "outpost_type",
            format!("core says this is an outpost of type {}, not proxy", outpost.kind),
            "Give AUTHENTIK_TOKEN the token of an outpost of type proxy.",
        ));
    }
    // As in the stock outpost: whoever deploys one makes AUTHENTIK_INSECURE of it. That core says
    // so over a connection that is verified is no reason to stop verifying it.
    if outpost.switch("authentik_host_insecure") && settings.verifies_core {
        findings.push(Finding::new(
            Severity::Info,
            "option_insecure",
            "core's option authentik_host_insecure is on, and core's certificate is verified here",
            "Set AUTHENTIK_INSECURE=true if it must not be; else turn the option off.",
        ));
    }
    findings.into_iter().map(|finding| ProviderFinding { provider: None, finding }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn outpost(record: &Value) -> OutpostRecord {
        serde_json::from_value(record.clone()).unwrap()
    }

    #[test]
    fn every_option_is_kept_for_whoever_deploys_whatever_it_is() {
        let config = json!({
            "log_level": "debug", "kubernetes_replicas": 3, "docker_labels": null,
            "kubernetes_json_patches": {"deployment": [{"op": "add"}]}, "of_the_future": [1],
        });
        let identity = identity(&outpost(&json!({"pk": "p", "config": config})));
        assert_eq!(Value::from(identity.options), config);
        assert_eq!(identity.log_level.as_deref(), Some("debug"));
    }

    #[test]
    fn what_is_odd_is_said() {
        let found = |record: Value, verifies_core| {
            let settings = RegistrySettings { verifies_core, ..RegistrySettings::default() };
            let codes = findings(&outpost(&record), &settings);
            codes.iter().map(|found| found.finding.code).collect::<Vec<_>>()
        };
        let insecure = json!({"pk": "p", "config": {"authentik_host_insecure": true}});
        assert_eq!(found(insecure.clone(), true), ["option_insecure"]);
        assert!(found(insecure, false).is_empty());
        assert!(found(json!({"pk": "p", "type": "proxy"}), true).is_empty());
        assert_eq!(found(json!({"pk": "p", "type": "ldap"}), true), ["outpost_type"]);
    }
}
