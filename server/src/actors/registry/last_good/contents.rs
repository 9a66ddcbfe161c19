//! What is kept of core's answers, and a core that says it again.
//!
//! Written with the field names of core's own answers and read by what reads core: nothing that
//! is kept is believed more than core would be, and one bad record harms no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use outpost_decision::wire::{
    ErrorReporting, GlobalConfig, KeypairRecord, OutpostRecord, ProviderRecord,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::NoneKept;
use crate::actors::registry::certificates::Pem;
use crate::authentik::{ApiError, CoreApi, ProviderList, Report, provider_record, spelled};

/// Name of the certificates among the contents.
const CERTIFICATES: &str = "certificates";

/// What is to be kept after a refresh. Holds every secret of the configuration: no `Debug`.
pub(in super::super) struct ToKeep {
    /// The answers.
    pub(in super::super) contents: Value,
    /// Keypairs in use that core could not give just now: if an earlier version is kept, it stays.
    pub(in super::super) unknown_certificates: Vec<String>,
}

/// Everything that core said, as the registry knows it.
pub(in super::super) struct Said<'a> {
    pub(in super::super) outpost: &'a OutpostRecord,
    pub(in super::super) providers: Vec<Arc<ProviderRecord>>,
    pub(in super::super) global: &'a GlobalConfig,
    pub(in super::super) expected_version: Option<&'a str>,
    /// By uuid; `None` where core could not give it.
    pub(in super::super) certificates: Vec<(&'a str, Option<&'a Pem>)>,
}

impl Said<'_> {
    pub(in super::super) fn to_keep(&self) -> ToKeep {
        let mut certificates = Map::new();
        let mut unknown_certificates = Vec::new();
        for (uuid, pem) in &self.certificates {
            match pem {
                Some(Pem { fingerprint, chain, key }) => {
                    let pair = json!({
                        "fingerprint": fingerprint, "chain": chain, "key": key.expose_secret(),
                    });
                    certificates.insert((*uuid).to_owned(), pair);
                }
                None => unknown_certificates.push((*uuid).to_owned()),
            }
        }
        let providers: Vec<_> =
            self.providers.iter().map(|record| spelled::provider(record)).collect();
        let contents = json!({
            "outpost": spelled::outpost(self.outpost),
            "providers": providers,
            "global": global(self.global),
            "expected_version": self.expected_version,
            CERTIFICATES: certificates,
        });
        ToKeep { contents, unknown_certificates }
    }
}

/// Takes over from `kept` the certificates in `unknown`.
pub(super) fn carry_over(kept: &Value, contents: &mut Value, unknown: &[String]) {
    let Some(certificates) = contents.get_mut(CERTIFICATES).and_then(Value::as_object_mut) else {
        return;
    };
    for uuid in unknown {
        if let Some(pair) = kept.get(CERTIFICATES).and_then(|kept| kept.get(uuid)) {
            certificates.insert(uuid.clone(), pair.clone());
        }
    }
}

// Every field is taken apart by name, so that a new one cannot be forgotten here.
fn global(config: &GlobalConfig) -> Value {
    let GlobalConfig { error_reporting } = config;
    let ErrorReporting { enabled, sentry_dsn, environment, send_pii, traces_sample_rate } =
        error_reporting;
    json!({
        "error_reporting": {
            "enabled": enabled,
            "sentry_dsn": sentry_dsn,
            "environment": environment,
            "send_pii": send_pii,
            "traces_sample_rate": traces_sample_rate,
        },
    })
}

/// Says what core said before.
#[derive(Deserialize)]
pub(in super::super) struct KeptCore {
    outpost: OutpostRecord,
    #[serde(default)]
    providers: Vec<Value>,
    #[serde(default)]
    global: GlobalConfig,
    #[serde(default)]
    expected_version: Option<String>,
    #[serde(default)]
    certificates: BTreeMap<String, Value>,
}

/// A keypair as it is kept.
#[derive(Deserialize)]
struct Pair {
    #[serde(default)]
    fingerprint: Option<String>,
    chain: String,
    key: SecretString,
}

impl KeptCore {
    /// # Errors
    /// [`NoneKept::Malformed`] where there is not even an outpost in it.
    pub(in super::super) fn new(contents: Value) -> Result<Self, NoneKept> {
        serde_json::from_value(contents).map_err(|_| NoneKept::Malformed)
    }

    fn pair(&self, uuid: &str) -> Result<Pair, ApiError> {
        let pair = self.certificates.get(uuid).and_then(|pair| Pair::deserialize(pair).ok());
        pair.ok_or_else(|| ApiError::Unreachable("the certificate was not kept".to_owned()))
    }
}

#[async_trait(?Send)]
impl CoreApi for KeptCore {
    async fn outpost(&self) -> Result<OutpostRecord, ApiError> {
        Ok(self.outpost.clone())
    }

    async fn providers(&self) -> Result<ProviderList, ApiError> {
        let mut list = ProviderList::default();
        for record in &self.providers {
            match provider_record(record) {
                Ok(record) => list.records.push(record),
                Err(unreadable) => list.unreadable.push(unreadable),
            }
        }
        Ok(list)
    }

    async fn global_config(&self) -> Result<GlobalConfig, ApiError> {
        Ok(self.global.clone())
    }

    async fn keypair(&self, uuid: &str) -> Result<KeypairRecord, ApiError> {
        Ok(KeypairRecord { fingerprint_sha256: self.pair(uuid)?.fingerprint })
    }

    async fn certificate(&self, uuid: &str) -> Result<String, ApiError> {
        Ok(self.pair(uuid)?.chain)
    }

    async fn private_key(&self, uuid: &str) -> Result<SecretString, ApiError> {
        Ok(self.pair(uuid)?.key)
    }

    async fn expected_version(&self, _: &str) -> Result<Option<String>, ApiError> {
        Ok(self.expected_version.clone())
    }

    async fn report(&self, _: &Report) -> Result<(), ApiError> {
        Err(ApiError::Unreachable("what was kept takes no reports".to_owned()))
    }
}
