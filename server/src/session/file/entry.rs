//! A session as the file keeps it: what the indexes and limits need, in fixed places, then the
//! record's bytes.
//!
//! Nothing here needs the clear part: a session that another version of the outpost wrote is ended
//! and swept like any other.

use std::net::IpAddr;

use bytes::Bytes;
use outpost_decision::crypto;
use outpost_decision::time::Timestamp;

use super::failure::Failure;
use crate::session::record::{Record, SessionAbout};

/// A hashed name of whom a session belongs to: the indexes have keys of one length, however long
/// a subject is.
pub(super) type Owner = [u8; 32];

/// Bytes of the five numbers that a session begins with.
const NUMBERS: usize = 5 * 8;

/// Bytes before the clear part: five numbers, four owners, and the length of the clear part.
const HEAD: usize = NUMBERS + 4 * 32 + 4;

/// The same in format 1, which had two owners.
const HEAD_1: usize = NUMBERS + 2 * 32 + 4;

/// Where `seen` lies.
const SEEN: std::ops::Range<usize> = 8..16;

/// Stands for *no idle limit*.
const NEVER_IDLE: i64 = i64::MAX;

/// The owner of all sessions.
pub(super) fn everybody() -> Owner {
    owner("all", b"")
}

/// A subject as an owner.
pub(super) fn subject(sub: &str) -> Owner {
    owner("subject", sub.as_bytes())
}

/// A session of core as an owner.
pub(super) fn core_session(sid: &str) -> Owner {
    owner("core session", sid.as_bytes())
}

/// A provider as an owner.
pub(super) fn provider(pk: i64) -> Owner {
    owner("provider", &pk.to_be_bytes())
}

/// A user name as an owner.
pub(super) fn user(name: &str) -> Owner {
    owner("user", name.as_bytes())
}

/// An address as an owner.
pub(super) fn address(address: IpAddr) -> Owner {
    owner("address", address.to_canonical().to_string().as_bytes())
}

/// The kind is part of what is hashed: a subject never meets a session of the same name.
fn owner(kind: &str, name: &[u8]) -> Owner {
    let mut labelled = Vec::with_capacity(kind.len() + 1 + name.len());
    labelled.extend_from_slice(kind.as_bytes());
    labelled.push(0);
    labelled.extend_from_slice(name);
    crypto::sha256(&labelled)
}

/// The fixed part of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) generation: u64,
    pub(super) seen: Timestamp,
    pub(super) expires: Timestamp,
    idle: i64,
    pub(super) provider: i64,
    subject: Owner,
    /// All zero without a session of core.
    core_session: Owner,
    /// All zero without a user name.
    user: Owner,
    /// All zero without an address.
    address: Owner,
}

/// Stands for an owner that there is not.
const NOBODY: Owner = [0; 32];

impl Head {
    /// The head of a record.
    pub(super) fn of(record: &Record) -> Self {
        let about = &record.about;
        Self {
            generation: record.generation,
            seen: record.seen,
            expires: about.expires,
            idle: about.idle_seconds.unwrap_or(NEVER_IDLE),
            provider: about.provider,
            subject: subject(&about.sub),
            core_session: about.sid.as_deref().map_or(NOBODY, core_session),
            user: Some(about.user.as_str()).filter(|name| !name.is_empty()).map_or(NOBODY, user),
            address: about.client_address.map_or(NOBODY, address),
        }
    }

    /// When it ends if nobody uses it any more; as [`Record::deadline`].
    pub(super) fn deadline(&self) -> Timestamp {
        if self.idle == NEVER_IDLE {
            return self.expires;
        }
        self.seen.plus(self.idle).min(self.expires)
    }

    /// The same, used last at `seen`.
    pub(super) fn used_at(self, seen: Timestamp) -> Self {
        Self { seen, ..self }
    }

    /// All in whose index it stands.
    pub(super) fn owners(&self) -> impl Iterator<Item = Owner> {
        let perhaps = [self.core_session, self.user, self.address];
        let perhaps = perhaps.into_iter().filter(|owner| *owner != NOBODY);
        [everybody(), provider(self.provider), self.subject].into_iter().chain(perhaps)
    }

    /// Reads the head of a session's bytes.
    ///
    /// # Errors
    /// [`Failure::Damaged`].
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Failure> {
        let mut rest = bytes;
        let mut number = || take::<8>(&mut rest).map(i64::from_be_bytes);
        let generation = number()?.cast_unsigned();
        let (seen, expires) = (Timestamp(number()?), Timestamp(number()?));
        let (idle, provider) = (number()?, number()?);
        let (subject, core_session) = (take(&mut rest)?, take(&mut rest)?);
        let (user, address) = (take(&mut rest)?, take(&mut rest)?);
        Ok(Self { generation, seen, expires, idle, provider, subject, core_session, user, address })
    }
}

/// The bytes of a record.
pub(super) fn write(head: &Head, record: &Record) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + record.clear.len() + record.sealed.len());
    let numbers =
        [head.generation.cast_signed(), head.seen.0, head.expires.0, head.idle, head.provider];
    for number in numbers {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&head.subject);
    bytes.extend_from_slice(&head.core_session);
    bytes.extend_from_slice(&head.user);
    bytes.extend_from_slice(&head.address);
    // A clear part of 4 GiB does not exist: addresses and user agents are cut.
    let length = u32::try_from(record.clear.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&record.clear);
    bytes.extend_from_slice(&record.sealed);
    bytes
}

/// The same session, used last at `seen`.
pub(super) fn touched(bytes: &[u8], seen: Timestamp) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(place) = bytes.get_mut(SEEN) {
        place.copy_from_slice(&seen.0.to_be_bytes());
    }
    bytes
}

/// A session of format 1 as it is kept now. What its clear part does not say in the way of a
/// record stays unknown: the session is kept, and found by all that it was found by before.
///
/// # Errors
/// [`Failure::Damaged`].
pub(super) fn of_format_1(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let (fixed, rest) = bytes.split_at_checked(HEAD_1 - 4).ok_or(Failure::Damaged)?;
    let mut length = rest;
    let length = u32::from_be_bytes(take(&mut length)?);
    let length = usize::try_from(length).map_err(|_| Failure::Damaged)?;
    let clear = rest.get(4..4 + length).ok_or(Failure::Damaged)?;
    let about = serde_json::from_slice::<SessionAbout>(clear).ok();
    let name = about.as_ref().map(|about| about.user.as_str()).filter(|name| !name.is_empty());
    let from = about.as_ref().and_then(SessionAbout::address);
    let mut now = Vec::with_capacity(bytes.len() + 2 * 32);
    now.extend_from_slice(fixed);
    now.extend_from_slice(&name.map_or(NOBODY, user));
    now.extend_from_slice(&from.map_or(NOBODY, address));
    now.extend_from_slice(rest);
    Ok(now)
}

/// The record in a session's bytes.
///
/// # Errors
/// [`Failure::Damaged`].
pub(super) fn read(bytes: &[u8]) -> Result<Record, Failure> {
    let head = Head::read(bytes)?;
    let mut rest = bytes.get(HEAD - 4..).ok_or(Failure::Damaged)?;
    let length = u32::from_be_bytes(take(&mut rest)?);
    let length = usize::try_from(length).map_err(|_| Failure::Damaged)?;
    let (clear, sealed) = rest.split_at_checked(length).ok_or(Failure::Damaged)?;
    let (clear, sealed) = (Bytes::copy_from_slice(clear), Bytes::copy_from_slice(sealed));
    Record::read(clear, sealed, head.generation, head.seen).map_err(|_| Failure::Damaged)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Failure> {
    let (taken, left) = rest.split_first_chunk::<N>().ok_or(Failure::Damaged)?;
    *rest = left;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::contract::record;

    #[test]
    fn a_record_comes_back_as_it_was_and_damage_is_noticed() {
        for sid in [None, Some("sid")] {
            let mut record = record(1, -7, "alice", sid, 100);
            record.generation = u64::MAX;
            let bytes = write(&Head::of(&record), &record);
            assert_eq!(read(&bytes).unwrap(), record);
            assert_eq!(Head::read(&bytes).unwrap(), Head::of(&record));
            let seen = Timestamp(77);
            assert_eq!(read(&touched(&bytes, seen)).unwrap(), Record { seen, ..record.clone() });
            for cut in [0, 7, HEAD - 5, HEAD - 1, HEAD + record.clear.len() - 1] {
                assert!(matches!(read(&bytes[..cut]), Err(Failure::Damaged)), "{cut}");
            }
        }
    }

    #[test]
    fn the_deadline_is_the_records_own() {
        for idle in [None, Some(0), Some(40), Some(200), Some(i64::MAX)] {
            let mut record = record(1, 7, "alice", None, 100);
            record.about.idle_seconds = idle;
            record.seen = Timestamp(10);
            assert_eq!(Head::of(&record).deadline(), record.deadline(), "{idle:?}");
        }
    }

    #[test]
    fn names_of_different_kinds_never_meet() {
        let here = IpAddr::from([7, 7, 7, 7]);
        let owners = [
            everybody(),
            subject("7"),
            core_session("7"),
            provider(7),
            user("7"),
            subject(""),
            user("7.7.7.7"),
            address(here),
        ];
        assert_eq!(address("::ffff:7.7.7.7".parse().unwrap()), address(here));
        for (index, owner) in owners.iter().enumerate() {
            assert!(!owners[index + 1..].contains(owner));
        }
        let mut without = record(1, 7, "alice", None, 100);
        assert_eq!(Head::of(&without).owners().count(), 5, "no session of core, no index of it");
        without.about.user.clear();
        without.about.client_address = None;
        assert_eq!(Head::of(&without).owners().count(), 3);
    }
}
