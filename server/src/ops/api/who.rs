//! Which sessions an operator means.

use std::net::IpAddr;

use outpost_decision::ruleset::Ruleset;
use serde::Deserialize;

use super::problem::Problem;
use crate::session::{Selection, SessionKey};

/// The ways to name sessions, as they come in.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) key: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) sid: Option<String>,
    pub(super) provider: Option<ProviderName>,
    pub(super) user: Option<String>,
    pub(super) address: Option<String>,
}

/// A provider as operators name it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ProviderName {
    /// Its key in core.
    Key(i64),
    /// The key in digits, its name, or its application's slug.
    Text(String),
}

impl Named {
    /// What was named, `None` for nothing.
    ///
    /// # Errors
    /// When it is more than one thing, or nothing that there is.
    pub(super) fn selection(self, ruleset: &Ruleset) -> Result<Option<Selection>, Problem> {
        let Self { key, sub, sid, provider, user, address } = self;
        let key = key.map(|key| read_key(&key)).transpose()?;
        let provider = provider.map(|name| find_provider(&name, ruleset)).transpose()?;
        let address = address.map(|address| read_address(&address)).transpose()?;
        let mut all = [
            key.map(Selection::Key),
            some("sub", sub)?.map(Selection::Subject),
            some("sid", sid)?.map(Selection::CoreSession),
            provider.map(Selection::Provider),
            some("user", user)?.map(Selection::User),
            address.map(Selection::Address),
        ]
        .into_iter()
        .flatten();
        match (all.next(), all.next()) {
            (selection, None) => Ok(selection),
            _ => Err(Problem::wrong(
                "name one of key, sub, sid, provider, user and address, not several",
            )),
        }
    }
}

/// What sessions are named by.
pub(super) const fn by(selection: &Selection) -> &'static str {
    match selection {
        Selection::Key(_) | Selection::Keys(_) => "key",
        Selection::Subject(_) => "sub",
        Selection::CoreSession(_) => "sid",
        Selection::Provider(_) => "provider",
        Selection::User(_) => "user",
        Selection::Address(_) => "address",
    }
}

/// What that is, in text.
pub(super) fn value(selection: &Selection) -> String {
    match selection {
        Selection::Key(key) => key.to_string(),
        Selection::Keys(keys) => format!("{} keys", keys.len()),
        Selection::Subject(text) | Selection::CoreSession(text) | Selection::User(text) => {
            text.clone()
        }
        Selection::Provider(pk) => pk.to_string(),
        Selection::Address(address) => address.to_string(),
    }
}

/// An empty name means nobody; it is rather a mistake of whoever wrote it than a question.
fn some(what: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.is_empty() => Err(Problem::wrong(format!("{what} is empty"))),
        text => Ok(text),
    }
}

fn read_key(text: &str) -> Result<SessionKey, Problem> {
    SessionKey::parse(text)
        .ok_or_else(|| Problem::wrong("key: a session's key has 64 hexadecimal digits"))
}

fn read_address(text: &str) -> Result<IpAddr, Problem> {
    text.parse().map_err(|_| Problem::wrong("address: this is no IP address"))
}

/// The key of a provider. Digits are always a key, whatever providers are called, and so also of
/// one that is gone.
fn find_provider(name: &ProviderName, ruleset: &Ruleset) -> Result<i64, Problem> {
    let text = match name {
        ProviderName::Key(pk) => return Ok(*pk),
        ProviderName::Text(text) => text,
    };
    if let Ok(pk) = text.parse() {
        return Ok(pk);
    }
    let found: Vec<i64> = ruleset.called(text).map(|provider| provider.pk).collect();
    match *found {
        [pk] => Ok(pk),
        [] => Err(Problem::unknown_provider(text)),
        _ => Err(Problem::ambiguous_provider(text, &found)),
    }
}
