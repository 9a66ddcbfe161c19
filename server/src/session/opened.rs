//! Records that were opened a short time ago, for replicas that ask the store each time: a record of
//! the very same bytes is not opened again. Nothing is served from here: whether a session stands, and
//! in which version, is what the store has just said.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::id::SessionKey;
use super::record::{Record, Session};
use super::seals::SealSecret;

/// Places; a session has one, that of its key, and gives way to the next that has the same.
const PLACES: usize = 1024;

/// Longest record that is kept, in bytes: all of them together take some megabytes, where tokens
/// are 2 kB.
const LONGEST: usize = 16 * 1024;

/// The records and their sessions.
#[derive(Debug)]
pub(super) struct Opened(Box<[Mutex<Option<Box<Entry>>>]>);

#[derive(Debug)]
struct Entry {
    /// Whoever has the cookie that leads to this key has the cookie that opens the record.
    key: SessionKey,
    secret: SealSecret,
    /// The clear part, and behind it the payload.
    bytes: Box<[u8]>,
    clear: usize,
    session: Arc<Session>,
}

impl Opened {
    /// Of a replica that has sessions at hand, `cached`: such a one needs nothing of this.
    pub(super) fn beside(cached: usize) -> Self {
        let places = if cached == 0 { PLACES } else { 0 };
        Self((0..places).map(|_| Mutex::default()).collect())
    }

    /// The session of this record, if it was opened with the same key and secret.
    pub(super) fn find(
        &self,
        key: &SessionKey,
        record: &Record,
        secret: &SealSecret,
    ) -> Option<Arc<Session>> {
        let place = self.place(key)?;
        let entry = place.as_ref()?;
        let same = entry.key == *key
            && entry.secret == *secret
            && entry.session.generation == record.generation
            && entry.bytes.split_at_checked(entry.clear)
                == Some((&record.clear[..], &record.sealed[..]));
        same.then(|| Arc::clone(&entry.session))
    }

    /// Keeps what a record was opened to.
    pub(super) fn keep(
        &self,
        key: &SessionKey,
        record: &Record,
        secret: &SealSecret,
        session: &Arc<Session>,
    ) {
        if record.clear.len() + record.sealed.len() > LONGEST {
            return;
        }
        if let Some(mut place) = self.place(key) {
            *place = Some(Box::new(Entry {
                key: *key,
                secret: *secret,
                // A copy: the record's own bytes may be a part of something larger.
                bytes: [&record.clear[..], &record.sealed].concat().into(),
                clear: record.clear.len(),
                session: Arc::clone(session),
            }));
        }
    }

    /// Forgets a session.
    pub(super) fn forget(&self, key: &SessionKey) {
        if let Some(mut place) = self.place(key)
            && place.as_ref().is_some_and(|entry| entry.key == *key)
        {
            *place = None;
        }
    }

    /// Forgets the sessions that `meant` picks.
    pub(super) fn forget_where(&self, meant: impl Fn(&Session) -> bool) {
        for place in &self.0 {
            let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
            place.take_if(|entry| meant(&entry.session));
        }
    }

    /// `None` where nothing is kept.
    fn place(&self, key: &SessionKey) -> Option<MutexGuard<'_, Option<Box<Entry>>>> {
        let number = usize::from(u16::from_le_bytes([key.0[1], key.0[2]]));
        let place = self.0.get(number % self.0.len().max(1))?;
        Some(place.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use outpost_decision::time::Timestamp;

    use super::*;
    use crate::session::{SessionId, contract};

    struct Bench {
        opened: Opened,
        id: SessionId,
        secret: SealSecret,
    }

    impl Bench {
        fn new() -> Self {
            let (opened, secret) = (Opened::beside(0), contract::secret());
            Self { opened, id: SessionId::random().unwrap(), secret }
        }

        fn record(&self, sub: &str) -> Record {
            let session = contract::session(7, sub, None, contract::present().plus(60));
            session.seal(&self.id, &self.secret, contract::present()).unwrap()
        }

        fn kept(&self, record: &Record) -> Arc<Session> {
            let session = Arc::new(record.open(&self.id, &self.secret).unwrap());
            self.opened.keep(&self.id.key(), record, &self.secret, &session);
            session
        }

        fn find(&self, record: &Record) -> Option<Arc<Session>> {
            self.opened.find(&self.id.key(), record, &self.secret)
        }
    }

    #[test]
    fn only_the_very_same_record_is_known() {
        let bench = Bench::new();
        let record = bench.record("alice");
        assert!(bench.find(&record).is_none());
        let session = bench.kept(&record);
        let later = Record { seen: Timestamp(record.seen.0 + 9), ..record.clone() };
        assert!(Arc::ptr_eq(&bench.find(&later).unwrap(), &session), "used meanwhile");
        let mut other = [(); 4].map(|()| record.clone());
        other[0].generation += 1;
        other[1].clear = [&record.clear[..], b" "].concat().into();
        let mut altered = record.sealed.to_vec();
        *altered.last_mut().unwrap() ^= 1;
        other[2].sealed = altered.into();
        // The same bytes, of which others are in the clear.
        let whole = [&record.clear[..], &record.sealed[..]].concat();
        let (clear, sealed) = whole.split_at(record.clear.len() + 1);
        other[3].clear = clear.to_vec().into();
        other[3].sealed = sealed.to_vec().into();
        for record in &other {
            assert!(bench.find(record).is_none(), "{record:?}");
        }
        let another = SealSecret::of("another");
        assert!(bench.opened.find(&bench.id.key(), &record, &another).is_none());
        let mut key = bench.id.key();
        key.0[31] ^= 1;
        assert!(bench.opened.find(&key, &record, &bench.secret).is_none(), "the same place");
        bench.opened.forget(&key);
        assert!(bench.find(&record).is_some());
        bench.opened.forget(&bench.id.key());
        assert!(bench.find(&record).is_none());
    }

    #[test]
    fn the_latest_stands_in_its_place() {
        let bench = Bench::new();
        let (one, other) = (bench.record("one"), bench.record("other"));
        bench.kept(&one);
        bench.kept(&other);
        assert!(bench.find(&one).is_none());
        assert_eq!(bench.find(&other).unwrap().about.sub, "other");
        bench.opened.forget_where(|session| session.about.sub == "one");
        assert!(bench.find(&other).is_some());
        bench.opened.forget_where(|session| session.about.sub == "other");
        assert!(bench.find(&other).is_none());
    }

    #[test]
    fn nothing_is_kept_beside_sessions_at_hand_nor_of_what_is_too_long() {
        let mut bench = Bench::new();
        let long = bench.record(&"x".repeat(LONGEST));
        bench.kept(&long);
        assert!(bench.find(&long).is_none());
        bench.opened = Opened::beside(1);
        let record = bench.record("alice");
        bench.kept(&record);
        assert!(bench.find(&record).is_none());
    }
}
