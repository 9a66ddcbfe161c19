//! Which sessions an operator means.

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

/// Sessions that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Those that the store finds by itself.
    Of(Selection),
    /// Those of a user name, for which no store has an index.
    User(String),
}

impl Who {
    /// What was named, `None` for nothing.
    ///
    /// # Errors
    /// When it is more than one thing, or nothing that there is.
    pub(super) fn named(named: Named, ruleset: &Ruleset) -> Result<Option<Self>, Problem> {
        let Named { key, sub, sid, provider, user } = named;
        let key = key.map(|key| read_key(&key)).transpose()?;
        let provider = provider.map(|name| find_provider(&name, ruleset)).transpose()?;
        let mut all = [
            key.map(|key| Self::Of(Selection::Key(key))),
            some("sub", sub)?.map(|sub| Self::Of(Selection::Subject(sub))),
            some("sid", sid)?.map(|sid| Self::Of(Selection::CoreSession(sid))),
            provider.map(|pk| Self::Of(Selection::Provider(pk))),
            some("user", user)?.map(Self::User),
        ]
        .into_iter()
        .flatten();
        match (all.next(), all.next()) {
            (who, None) => Ok(who),
            _ => Err(Problem::wrong("name one of key, sub, sid, provider and user, not several")),
        }
    }

    /// What it is named by.
    pub(super) const fn by(&self) -> &'static str {
        match self {
            Self::Of(Selection::Key(_) | Selection::Keys(_)) => "key",
            Self::Of(Selection::Subject(_)) => "sub",
            Self::Of(Selection::CoreSession(_)) => "sid",
            Self::Of(Selection::Provider(_)) => "provider",
            Self::User(_) => "user",
        }
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
    let called = |name: &str| name == text && !text.is_empty();
    let found: Vec<i64> = ruleset
        .providers()
        .iter()
        .filter(|provider| called(&provider.name) || called(&provider.application_slug))
        .map(|provider| provider.pk)
        .collect();
    match *found {
        [pk] => Ok(pk),
        [] => Err(Problem::unknown_provider(text)),
        _ => Err(Problem::ambiguous_provider(text, &found)),
    }
}
