//! The keys in Redis. In a cluster each may be in any slot: no step needs two of them.

use std::net::IpAddr;

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
    user: Option<String>,
    address: Option<String>,
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
            Selection::User(user) if user.is_empty() => None,
            Selection::User(user) => Some(format!("{}n:{}", self.prefix, hashed(user))),
            Selection::Address(address) => {
                Some(format!("{}a:{}", self.prefix, hashed_address(*address)))
            }
        }
    }

    /// The keys of these indexes.
    pub(super) fn indexes(&self, indexes: &Indexes) -> Vec<String> {
        let perhaps = [('c', &indexes.core_session), ('n', &indexes.user), ('a', &indexes.address)];
        let perhaps = perhaps
            .into_iter()
            .filter_map(|(kind, hash)| Some(format!("{}{kind}:{}", self.prefix, hash.as_ref()?)));
        let subject = format!("{}u:{}", self.prefix, indexes.subject);
        std::iter::once(subject).chain(perhaps).chain([self.provider(indexes.provider)]).collect()
    }
}

impl Indexes {
    /// Those of a session.
    pub(super) fn of(about: &SessionAbout) -> Self {
        Self {
            provider: about.provider,
            subject: hashed(&about.sub),
            core_session: about.sid.as_deref().filter(|sid| !sid.is_empty()).map(hashed),
            user: Some(about.user.as_str()).filter(|user| !user.is_empty()).map(hashed),
            address: about.address().map(hashed_address),
        }
    }

    /// As they are kept: five words. Older outposts write the first three, and scripts tell by
    /// the blanks between them.
    pub(super) fn write(&self) -> String {
        let [core_session, user, address] =
            [&self.core_session, &self.user, &self.address].map(|it| it.as_deref().unwrap_or("-"));
        format!("{} {} {core_session} {user} {address}", self.provider, self.subject)
    }

    /// Whether an older outpost wrote this, which knew less of them.
    pub(super) fn are_older(written: &[u8]) -> bool {
        written.split(|byte| *byte == b' ').count() < 5
    }

    /// Reads what [`Indexes::write`] wrote; more words may follow from a newer version.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(text).ok()?.split(' ');
        let (provider, subject) = (words.next()?.parse().ok()?, words.next()?.to_owned());
        let mut perhaps = || words.next().filter(|word| *word != "-").map(str::to_owned);
        let (core_session, user, address) = (perhaps(), perhaps(), perhaps());
        Some(Self { provider, subject, core_session, user, address })
    }
}

fn hashed_address(address: IpAddr) -> String {
    hashed(&address.to_canonical().to_string())
}

/// Names of people and of core's sessions do not stand in keys: short, and nobody's business.
fn hashed(name: &str) -> String {
    hex::encode(&crypto::sha256(name.as_bytes())[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::contract;

    #[test]
    fn indexes_are_read_as_they_were_written_and_as_older_and_newer_outposts_write_them() {
        let mut about = contract::session(-7, "alice", Some("sid"), contract::present()).about;
        let all = Indexes::of(&about);
        let written = all.write();
        assert_eq!(written.split(' ').count(), 5);
        assert_eq!(Indexes::read(written.as_bytes()), Some(all.clone()));
        assert_eq!(Indexes::read(format!("{written} more").as_bytes()), Some(all.clone()));
        let older = written.rsplitn(3, ' ').last().unwrap();
        let known = Indexes { user: None, address: None, ..all };
        assert_eq!(Indexes::read(older.as_bytes()), Some(known));
        (about.sid, about.client_address) = (None, None);
        about.user.clear();
        let few = Indexes::of(&about);
        assert_eq!(Indexes::read(few.write().as_bytes()), Some(few.clone()));
        let names = Names::new("x:".to_owned());
        assert_eq!(names.indexes(&few).len(), 2, "subject and provider");
        for text in ["", "7", "x y", "- - -"] {
            assert_eq!(Indexes::read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_session_stands_in_the_index_of_every_selection_that_means_it() {
        let about = contract::session(7, "alice", Some("sid"), contract::present()).about;
        let names = Names::new("x:".to_owned());
        let mut of_session = names.indexes(&Indexes::of(&about));
        let mapped = "::ffff:192.0.2.7".parse().unwrap();
        let mut of_selections: Vec<_> = [
            Selection::Subject("alice".into()),
            Selection::CoreSession("sid".into()),
            Selection::Provider(7),
            Selection::User("alice-name".into()),
            Selection::Address(mapped),
        ]
        .iter()
        .map(|selection| names.index(selection).unwrap())
        .collect();
        of_session.sort();
        of_selections.sort();
        assert_eq!(of_session, of_selections);
        for nobody in [Selection::User(String::new()), Selection::CoreSession(String::new())] {
            assert_eq!(names.index(&nobody), None);
        }
    }
}
