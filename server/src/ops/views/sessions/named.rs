//! Which sessions an operator names.

use std::net::IpAddr;

use outpost_dashboard::model::SearchBy;
use outpost_decision::ruleset::Ruleset;

use crate::session::{Selection, SessionKey};

/// Sessions that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// For the store.
    pub(super) selection: Selection,
    /// For people.
    pub(super) label: String,
}

impl Named {
    /// What was named; `None` for nothing, which is everybody.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn of(by: SearchBy, value: &str, ruleset: &Ruleset) -> Result<Option<Self>, String> {
        let value = value.trim();
        if value.is_empty() {
            return Ok(None);
        }
        let (selection, label) = match by {
            SearchBy::User => {
                (Selection::User(value.to_owned()), format!("all sessions of {value}"))
            }
            SearchBy::Sub => (
                Selection::Subject(value.to_owned()),
                format!("all sessions of the subject {value}"),
            ),
            SearchBy::Sid => (
                Selection::CoreSession(value.to_owned()),
                format!("all sessions that hang on core's session {value}"),
            ),
            SearchBy::Address => {
                let address: IpAddr = value.parse().map_err(|_| {
                    format!("{value:?} is no IP address: write 192.0.2.7 or 2001:db8::7.")
                })?;
                let address = address.to_canonical();
                (Selection::Address(address), format!("all sessions begun from {address}"))
            }
            SearchBy::Provider => {
                let (pk, name) = provider(value, ruleset)?;
                (Selection::Provider(pk), format!("all sessions of the provider {name}"))
            }
            SearchBy::Key => {
                let key = SessionKey::parse(value).ok_or(
                    "This is no key of a session: it has 64 hexadecimal digits, as the list shows.",
                )?;
                (Selection::Key(key), "this one session".to_owned())
            }
        };
        Ok(Some(Self { selection, label }))
    }
}

/// Key and name of a provider. Digits are always a key, and so also of one that is gone.
fn provider(value: &str, ruleset: &Ruleset) -> Result<(i64, String), String> {
    if let Ok(pk) = value.parse() {
        let name = ruleset.provider(pk).map_or_else(|| value.to_owned(), |it| it.name.clone());
        return Ok((pk, name));
    }
    let mut found = ruleset.called(value);
    match (found.next(), found.next()) {
        (Some(provider), None) => Ok((provider.pk, provider.name.clone())),
        (None, _) => Err(format!("There is no provider {value:?} here.")),
        (Some(_), Some(_)) => {
            Err(format!("More than one provider is called {value:?}: name it by its key in core."))
        }
    }
}
