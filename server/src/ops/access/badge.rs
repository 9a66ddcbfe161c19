//! What operators' browsers hold: who they are, sealed. Replicas that share a configuration open
//! each other's.

use std::fmt;

use outpost_dashboard::model::Role;
use outpost_decision::crypto::{base64url, derive, from_base64url, hmac_sha256, sha256};
use outpost_decision::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::randomness::{self, NoRandomness};
use crate::session::record;

/// What a badge is sealed against: nothing else that is sealed under the same key opens as one.
const PURPOSE: &[u8] = b"outpost operator v1";

/// Longest name that is kept, in characters.
const NAME: usize = 150;

/// Id of a session. Not a secret.
pub(super) type BadgeId = [u8; 16];

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// On the outpost's own machine, where nobody is asked.
    Local,
    /// With a token.
    Token,
    /// Through core.
    Core,
}

impl How {
    /// A stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Token => "token",
            Self::Core => "core",
        }
    }
}

/// A session of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Badge {
    /// Its id.
    pub id: BadgeId,
    /// How they are called.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// How they came in.
    pub how: How,
    /// When.
    pub since: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

/// The keys of all badges.
#[derive(Clone)]
pub(super) struct BadgeKeys {
    seal: [u8; 32],
    csrf: [u8; 32],
    flow: [u8; 32],
}

impl fmt::Debug for BadgeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BadgeKeys(..)")
    }
}

impl Badge {
    /// A new session.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub(super) fn new(
        name: &str,
        role: Role,
        how: How,
        now: Timestamp,
        seconds: i64,
    ) -> Result<Self, NoRandomness> {
        let name = name.chars().filter(|c| !c.is_control()).take(NAME).collect();
        let id = randomness::bytes()?;
        Ok(Self { id, name, role, how, since: now, until: now.plus(seconds) })
    }
}

impl BadgeKeys {
    /// Keys that hang on `core_token`, and on everything that decides who may come in: where one
    /// of these changes, no badge opens any more.
    pub(super) fn new(core_token: &SecretString, deciding: &[Option<&str>]) -> Self {
        let base = derive(core_token.expose_secret().as_bytes(), "outpost operators v1");
        // Of fixed length each, so that no two lists look the same.
        let base = deciding.iter().fold(base, |base, part| match part {
            Some(part) => hmac_sha256(&base, &[&[1], &sha256(part.as_bytes())]),
            None => hmac_sha256(&base, &[&[0]]),
        });
        Self {
            seal: derive(&base, "seal"),
            csrf: derive(&base, "csrf"),
            flow: derive(&base, "flow"),
        }
    }

    /// The cookie's value; `None` where it cannot be sealed.
    pub(super) fn seal(&self, badge: &Badge) -> Option<String> {
        let plain = serde_json::to_vec(badge).ok()?;
        record::seal(&self.seal, PURPOSE, plain).ok().map(|sealed| base64url(&sealed))
    }

    /// What a cookie's value holds, if it is ours.
    pub(super) fn open(&self, value: &str) -> Option<Badge> {
        let sealed = from_base64url(value)?;
        let plain = record::open(&self.seal, PURPOSE, &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// What goes with every form of this session.
    pub(super) fn csrf(&self, id: &BadgeId) -> String {
        base64url(&hmac_sha256(&self.csrf, &[id]))
    }

    /// What sign-ins through core are signed with.
    pub(super) fn flow_secret(&self) -> SecretString {
        hex::encode(self.flow).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(core: &str, deciding: &[Option<&str>]) -> BadgeKeys {
        BadgeKeys::new(&core.into(), deciding)
    }

    fn badge() -> Badge {
        Badge::new("alice\r\n", Role::Act, How::Core, Timestamp(1000), 60).unwrap()
    }

    #[test]
    fn a_badge_opens_under_its_keys_alone() {
        let badge = badge();
        assert_eq!((badge.name.as_str(), badge.until), ("alice", Timestamp(1060)));
        let ours = keys("core", &[Some("a"), None]);
        let value = ours.seal(&badge).unwrap();
        assert_eq!(ours.open(&value), Some(badge.clone()));
        for other in [
            keys("other", &[Some("a"), None]),
            keys("core", &[Some("b"), None]),
            keys("core", &[None, Some("a")]),
            keys("core", &[Some("a"), Some("")]),
            keys("core", &[Some("a")]),
        ] {
            assert_eq!(other.open(&value), None);
            assert_ne!(other.csrf(&badge.id), ours.csrf(&badge.id));
        }
    }

    #[test]
    fn what_is_altered_or_made_up_is_no_badge() {
        let ours = keys("core", &[]);
        let value = ours.seal(&badge()).unwrap();
        for at in 0..value.len() {
            let mut forged = value.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            // The last digit has bits that mean nothing; such a text is not ours either.
            assert_eq!(ours.open(&forged), None, "{at}");
        }
        let elsewhere = record::seal(&ours.seal, b"something else", b"{}".to_vec()).unwrap();
        for made_up in ["", "x", "AAAA", &value[1..], &base64url(&elsewhere)] {
            assert_eq!(ours.open(made_up), None, "{made_up}");
        }
    }

    #[test]
    fn two_sessions_have_nothing_in_common() {
        let (one, other) = (badge(), badge());
        assert_ne!(one.id, other.id);
        let keys = keys("core", &[]);
        assert_ne!(keys.csrf(&one.id), keys.csrf(&other.id));
        assert_ne!(keys.seal(&one), keys.seal(&one));
        assert!(!format!("{keys:?}").contains("seal"));
    }
}
