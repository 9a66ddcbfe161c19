//! A session as the file keeps it: what the indexes and limits need, in fixed places, then the
//! record's bytes.
//!
//! Nothing here reads the clear part: a session that another version of the outpost wrote is ended
//! and swept like any other.

use bytes::Bytes;
use outpost_decision::crypto;
use outpost_decision::time::Timestamp;

use super::failure::Failure;
use crate::session::record::Record;

/// A hashed name of whom a session belongs to: the indexes have keys of one length, however long
/// a subject is.
pub(super) type Owner = [u8; 32];

/// Bytes before the clear part: five numbers, two owners, and the length of the clear part.
const HEAD: usize = 5 * 8 + 2 * 32 + 4;

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
}

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
            core_session: about.sid.as_deref().map_or([0; 32], core_session),
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
        let core_session = Some(self.core_session).filter(|owner| *owner != [0; 32]);
        [everybody(), provider(self.provider), self.subject].into_iter().chain(core_session)
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
        Ok(Self { generation, seen, expires, idle, provider, subject, core_session })
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
        let owners = [everybody(), subject("7"), core_session("7"), provider(7), subject("")];
        for (index, owner) in owners.iter().enumerate() {
            assert!(!owners[index + 1..].contains(owner));
        }
        let without = Head::of(&record(1, 7, "alice", None, 100));
        assert_eq!(without.owners().count(), 3, "no session of core, no index of it");
    }
}
