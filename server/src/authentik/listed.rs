//! Core's lists, read record by record: whoever serves requests on the same processor does not wait
//! for all of a page.

use std::fmt;
use std::marker::PhantomData;

use outpost_decision::wire::ProviderRecord;
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;

use super::UnreadableRecord;
use super::records::provider;

/// The providers of a page. One that cannot be read keeps none of the others from it.
#[derive(Debug)]
pub(super) struct Providers(pub(super) Vec<Result<ProviderRecord, UnreadableRecord>>);

impl<'de> Deserialize<'de> for Providers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Providers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of providers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Providers, A::Error> {
                let mut providers = Vec::new();
                while let Some(record) = list.next_element::<Value>()? {
                    providers.push(provider(&record));
                    // Of thousands, not one who asks meanwhile is to wait for all the others.
                    std::thread::yield_now();
                }
                Ok(Providers(providers))
            }
        }
        deserializer.deserialize_seq(Each)
    }
}

/// The first record of a list, if there is one. The others are passed over.
#[derive(Debug)]
pub(super) struct First<T>(pub(super) Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for One<T> {
            type Value = First<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First<T>, A::Error> {
                let first = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(One(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use outpost_decision::wire::{OutpostRecord, Page};

    use super::*;
    use crate::authentik::records::without_values;

    type Outposts = Page<First<OutpostRecord>>;

    fn outposts(text: &str) -> Result<Outposts, String> {
        serde_json::from_str(text).map_err(|error| without_values(&error))
    }

    #[test]
    fn of_outposts_the_first_alone_must_be_one() {
        let page = outposts(r#"{"results": [{"pk": "a"}, {"pk": 7}, null]}"#).unwrap();
        assert_eq!(page.results.0.unwrap().pk, "a");
        assert!(outposts(r#"{"results": []}"#).unwrap().results.0.is_none());
        let wrong = outposts(r#"{"results": [{"pk": 7}, {"pk": "a"}]}"#).unwrap_err();
        assert_eq!(wrong, "invalid type, expected a string");
        let wrong = outposts(r#"{"results": {"pk": "s3cret"}}"#).unwrap_err();
        assert_eq!(wrong, "invalid type, expected a list");
        // What is passed over must be JSON all the same: an answer that broke off is none.
        assert!(outposts(r#"{"results": [{"pk": "a"}, {"pk""#).is_err());
        assert!(outposts(r#"{"results": [{"pk": "a"}, nonsense]}"#).is_err());
    }

    #[test]
    fn providers_are_read_or_reported_in_their_order() {
        let text = r#"{"results": [{"pk": 1}, {"name": "odd"}, null, {"pk": 2}]}"#;
        let page: Page<Providers> = serde_json::from_str(text).unwrap();
        let keys = |one: &Result<ProviderRecord, UnreadableRecord>| match one {
            Ok(record) => record.pk.to_string(),
            Err(unreadable) => unreadable.name.clone(),
        };
        let keys: Vec<String> = page.results.0.iter().map(keys).collect();
        assert_eq!(keys, ["1", "odd", "", "2"]);
        assert!(serde_json::from_str::<Page<Providers>>(r#"{"results": 7}"#).is_err());
    }
}
