//! What core answers an outpost, kept in a file: to work with it where core cannot be asked, and to
//! show it to somebody else.
//!
//! `{"outpost": .., "providers": [..]}`, where either may also be what core itself answers, a page
//! with `results`. Read by what reads core, and as tolerant.

use std::collections::HashSet;

use outpost_decision::wire::{OutpostRecord, Page, ProviderRecord};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use super::records::{provider, without_values};
use super::{ProviderList, spelled};

/// What stands in place of a secret.
pub const MASK: &str = "******";

/// What core answers an outpost.
#[derive(Debug)]
pub struct Said {
    /// The outpost.
    pub outpost: OutpostRecord,
    /// Its providers.
    pub providers: ProviderList,
}

/// Why a file is not what was kept of core's answers.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SavedError {
    /// It cannot be read at all.
    #[error("{0}")]
    Json(String),
    /// Half of it is not there.
    #[error("it has no `{part}`: put there what core answers to GET /api/v3/outposts/{path}/")]
    Missing {
        /// What is not there.
        part: &'static str,
        /// Where core says it.
        path: &'static str,
    },
    /// It is a page, and not the last one.
    #[error(
        "`providers` is one page of several: put the `results` of all pages into one list, or let \
         `outpost render --dump` ask core"
    )]
    OnePage,
    /// The outpost cannot be read.
    #[error("`outpost`: {0}")]
    Outpost(String),
}

impl Said {
    /// Reads a file's contents.
    ///
    /// # Errors
    /// Where there is no outpost or no list of providers in it. A provider that cannot be read is
    /// none: it is reported.
    pub fn read(contents: &[u8]) -> Result<Self, SavedError> {
        let mut contents: Value = serde_json::from_slice(contents)
            .map_err(|error| SavedError::Json(without_values(&error)))?;
        let mut part = |part, path| {
            let found = contents.get_mut(part).map(Value::take).filter(|found| !found.is_null());
            found.ok_or(SavedError::Missing { part, path })
        };
        let outpost = outpost(part("outpost", "instances")?)?;
        let providers = list(part("providers", "proxy")?)?;
        let mut read = ProviderList::default();
        let mut seen = HashSet::new();
        for record in &providers {
            match provider(record) {
                Ok(record) if seen.insert(record.pk) => read.records.push(record),
                Ok(_) => {}
                Err(unreadable) => read.unreadable.push(unreadable),
            }
        }
        Ok(Self { outpost, providers: read })
    }

    /// The contents of such a file: no client secret, no cookie secret, no credentials in an
    /// address. Options of the outpost stand as core has them. In the order of the providers' keys,
    /// so that the same configuration is the same text.
    #[must_use]
    pub fn without_secrets(&self) -> Value {
        let mut records: Vec<&ProviderRecord> = self.providers.records.iter().collect();
        records.sort_unstable_by_key(|record| record.pk);
        let providers: Vec<Value> = records.into_iter().map(masked).collect();
        json!({ "outpost": spelled::outpost(&self.outpost), "providers": providers })
    }
}

fn masked(record: &ProviderRecord) -> Value {
    let mut spelled = spelled::provider(record);
    for name in ["client_secret", "cookie_secret"] {
        spelled[name] = MASK.into();
    }
    spelled["internal_host"] = without_credentials(&record.internal_host).into();
    spelled
}

/// An application's address without user, password and query. What looks like credentials and is no
/// address is not shown at all.
fn without_credentials(address: &str) -> String {
    if !address.contains(['@', '?']) {
        return address.to_owned();
    }
    match Url::parse(address) {
        Ok(mut url) if matches!(url.scheme(), "http" | "https") && address.contains("://") => {
            url.set_query(None);
            let hidden = url.set_username("").and_then(|()| url.set_password(None));
            if hidden.is_ok() { url.into() } else { MASK.to_owned() }
        }
        _ => MASK.to_owned(),
    }
}

/// An outpost, or core's list of the one that a token sees.
fn outpost(found: Value) -> Result<OutpostRecord, SavedError> {
    let wrong = |error: serde_json::Error| SavedError::Outpost(without_values(&error));
    let found = if found.get("results").is_some() {
        let page: Page<Vec<Value>> = Page::deserialize(found).map_err(wrong)?;
        let missing = SavedError::Missing { part: "outpost", path: "instances" };
        page.results.into_iter().next().ok_or(missing)?
    } else {
        found
    };
    OutpostRecord::deserialize(found).map_err(wrong)
}

/// A list, or core's only page of one.
fn list(found: Value) -> Result<Vec<Value>, SavedError> {
    if let Value::Array(records) = found {
        return Ok(records);
    }
    let page: Page<Vec<Value>> = Page::deserialize(found)
        .map_err(|_| SavedError::Missing { part: "providers", path: "proxy" })?;
    let is_last = page.pagination.next <= 0.0;
    if is_last { Ok(page.results) } else { Err(SavedError::OnePage) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(contents: &Value) -> Result<Said, SavedError> {
        Said::read(contents.to_string().as_bytes())
    }

    fn keys(said: &Said) -> Vec<i64> {
        said.providers.records.iter().map(|record| record.pk).collect()
    }

    #[test]
    fn core_s_own_pages_are_read_as_well_as_lists() {
        let (outpost, providers) = (json!({"pk": "p", "name": "n"}), json!([{"pk": 2}, {"pk": 1}]));
        let page = |results: Value| json!({"pagination": {"next": 0}, "results": results});
        for contents in [
            json!({"outpost": outpost, "providers": providers}),
            json!({"outpost": page(json!([outpost])), "providers": page(providers.clone())}),
            json!({"outpost": outpost, "providers": {"results": providers}}),
        ] {
            let said = read(&contents).unwrap();
            assert_eq!((said.outpost.name.as_str(), keys(&said)), ("n", vec![2, 1]), "{contents}");
        }
    }

    #[test]
    fn what_is_missing_is_said_with_where_core_has_it() {
        let outpost = json!({"pk": "p"});
        for (contents, expected) in [
            (json!([]), "GET /api/v3/outposts/instances/"),
            (json!({"providers": []}), "GET /api/v3/outposts/instances/"),
            (json!({"outpost": {"results": []}, "providers": []}), "/outposts/instances/"),
            (json!({"outpost": {"name": "s3cret"}, "providers": []}), "missing field `pk`"),
            (json!({"outpost": outpost}), "GET /api/v3/outposts/proxy/"),
            (json!({"outpost": outpost, "providers": null}), "GET /api/v3/outposts/proxy/"),
            (json!({"outpost": outpost, "providers": "s3cret"}), "GET /api/v3/outposts/proxy/"),
            (
                json!({"outpost": outpost, "providers": {"pagination": {"next": 2.0}, "results": []}}),
                "one page of several",
            ),
        ] {
            let error = read(&contents).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("s3cret"), "{contents}: {error}");
        }
        let error = Said::read(b"{\"token\": s3cret}").unwrap_err().to_string();
        assert!(error.contains("not JSON (line 1") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn a_record_that_cannot_be_read_harms_no_other() {
        let records = json!([{"pk": 1}, {"pk": 1, "name": "again"}, {"name": "no key"}]);
        let said = read(&json!({"outpost": {"pk": "p"}, "providers": records})).unwrap();
        assert_eq!(keys(&said), [1]);
        assert_eq!(said.providers.unreadable[0].name, "no key");
    }

    #[test]
    fn what_is_written_holds_no_secret_and_is_read_again() {
        let record = |pk: i64, internal: &str| {
            json!({
                "pk": pk, "name": "wiki", "client_id": "id", "client_secret": "s3cret-1",
                "cookie_secret": "s3cret-2", "internal_host": internal, "mode": "proxy",
                "a_field_of_tomorrow": "s3cret-3",
            })
        };
        let internal = [
            (4, "http://app/?token=s3cret"),
            (3, "http://app:80"),
            (2, "user:s3cret@app"),
            (1, "http://user:s3cret@app:80/"),
        ];
        let records = internal.map(|(pk, at)| record(pk, at));
        let config = json!({"kubernetes_replicas": 3, "docker_labels": {"a": "b"}});
        let outpost = json!({"pk": "p", "name": "n", "config": config, "token": "s3cret"});
        let said = read(&json!({"outpost": outpost, "providers": records})).unwrap();
        let written = said.without_secrets();
        assert!(!written.to_string().contains("s3cret"), "{written}");
        let again = read(&written).unwrap();
        assert_eq!(keys(&again), [1, 2, 3, 4]);
        assert_eq!(Value::from(again.outpost.config), config);
        let first = &again.providers.records[0];
        assert_eq!(first.internal_host, "http://app/");
        assert_eq!(first.client_secret.expose_secret(), MASK);
        assert_eq!(again.providers.records[2].internal_host, "http://app:80");
    }
}
