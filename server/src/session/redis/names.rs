//! The keys in Redis. In a cluster each may be in any slot: no step needs two of them.

use outpost_decision::crypto;

use crate::session::id::SessionKey;
use crate::session::record::SessionAbout;
use crate::session::store::Selection;

/// Makes keys under a prefix.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

/// The indexes that a session stands in, without the prefix, as they are kept beside it: whoever
/// ends the session can take it out of all of them without reading the rest of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Indexes {
    /// Key of the provider in core.
    pub(super) provider: i64,
    subject: String,
    core_session: Option<String>,
}

impl Names {
    pub(super) const fn new(prefix: String) -> Self {
        Self { prefix }
    }

    /// A session, or what says that it has ended and remembers its [`Indexes`]: a hash.
    pub(super) fn session(&self, key: &SessionKey) -> String {
        format!("{}s:{key}", self.prefix)
    }

    /// The sessions of a provider, by the end of their tokens.
    pub(super) fn provider(&self, provider: i64) -> String {
        format!("{}p:{provider}", self.prefix)
    }

    /// The providers that have sessions, by the end of the last one.
    pub(super) fn providers(&self) -> String {
        format!("{}providers", self.prefix)
    }

    /// The revocation log.
    pub(super) fn log(&self) -> String {
        format!("{}log", self.prefix)
    }

    /// A shared value.
    pub(super) fn value(&self, name: &str) -> String {
        format!("{}v:{name}", self.prefix)
    }

    /// The index of a selection; `None` for single sessions, and for what never matches.
    pub(super) fn index(&self, selection: &Selection) -> Option<String> {
        match selection {
            Selection::Key(_) | Selection::Keys(_) => None,
            Selection::Subject(sub) => Some(format!("{}u:{}", self.prefix, hashed(sub))),
            Selection::CoreSession(sid) if sid.is_empty() => None,
            Selection::CoreSession(sid) => Some(format!("{}c:{}", self.prefix, hashed(sid))),
            Selection::Provider(provider) => Some(self.provider(*provider)),
        }
    }

    /// The keys of these indexes.
    pub(super) fn indexes(&self, indexes: &Indexes) -> Vec<String> {
        let mut keys = vec![format!("{}u:{}", self.prefix, indexes.subject)];
        if let Some(core_session) = &indexes.core_session {
            keys.push(format!("{}c:{core_session}", self.prefix));
        }
        keys.push(self.provider(indexes.provider));
        keys
    }
}

impl Indexes {
    /// Those of a session.
    pub(super) fn of(about: &SessionAbout) -> Self {
        Self {
            provider: about.provider,
            subject: hashed(&about.sub),
            core_session: about.sid.as_deref().filter(|sid| !sid.is_empty()).map(hashed),
        }
    }

    /// As they are kept.
    pub(super) fn write(&self) -> String {
        let core_session = self.core_session.as_deref().unwrap_or("-");
        format!("{} {} {core_session}", self.provider, self.subject)
    }

    /// Reads what [`Indexes::write`] wrote; more words may follow from a newer version.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(text).ok()?.split(' ');
        Some(Self {
            provider: words.next()?.parse().ok()?,
            subject: words.next()?.to_owned(),
            core_session: words.next().filter(|word| *word != "-").map(str::to_owned),
        })
    }
}

/// Names of people and of core's sessions do not stand in keys: short, and nobody's business.
fn hashed(name: &str) -> String {
    hex::encode(&crypto::sha256(name.as_bytes())[..16])
}
